-- Companies, and those that only the facts name.
with named as (
    select companyId, companyName, companyIdentifier, companyType, max(lastUpdated) as updated, max(id) as latest
    from fact_rows
    where companyId is not null
    group by companyId, companyName, companyIdentifier, companyType
),
ranked as (
    select
        companyId, companyName, companyIdentifier, companyType,
        row_number() over (
            partition by companyId
            order by
                case when companyName is null then 1 else 0 end asc nulls last,
                case when companyType is null then 1 else 0 end asc nulls last,
                updated desc nulls last, latest desc nulls last,
                companyName asc nulls last, companyIdentifier asc nulls last, companyType asc nulls last
        ) as place
    from named
),
used as (
    select
        companyId,
        count(*) filter (where not isDeleted) as usage_count,
        min(usedOn) filter (where not isDeleted) as first_use
    from fact_rows
    where companyId is not null
    group by companyId
),
members as (
    select
        c.id as companyId, c.name as companyName, t.companyType, c.identifier as companyIdentifier,
        c.statusName as status, c.territoryName as territory,
        not c.isDeleted and not coalesce(c.deletedFlag, false) as active,
        cast(c.dateAcquired as date) as begins, cast(c.dateDeleted as date) as ends
    from silver_cw_company c
    left join company_types t on t.companyId = c.id
    union all
    select
        r.companyId, r.companyName, r.companyType, r.companyIdentifier, cast(null as string), cast(null as string),
        cast(null as boolean), cast(null as date), cast(null as date)
    from ranked r
    left anti join silver_cw_company c on c.id = r.companyId
    where r.place = 1
)
select
    m.companyId, m.companyName, m.companyType, m.companyIdentifier, m.status, m.territory,
    coalesce(u.usage_count, cast(0 as bigint)) as usage_count,
    coalesce(m.active, u.usage_count > 0, false) as IsActive,
    coalesce(m.begins, u.first_use) as EffectiveDate,
    m.ends as EndDate
from members m
left join used u on u.companyId = m.companyId
