-- Companies, and those that only the facts and invoices name.
with named as (
    select
        companyId, companyName, companyIdentifier, companyType, max(lastUpdated) as updated, max(id) as latest,
        sum(uses) as uses, min(usedOn) filter (where uses > 0) as firstUse
    from company_uses
    where companyId is not null
    group by companyId, companyName, companyIdentifier, companyType
),
ranked as (
    select
        companyId, companyName, companyIdentifier, companyType,
        sum(uses) over (partition by companyId) as usage_count,
        min(firstUse) over (partition by companyId) as first_use,
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
    select * from ranked where place = 1
)
select
    coalesce(c.id, u.companyId) as companyId,
    case when c.id is not null then c.name else u.companyName end as companyName,
    case when c.id is not null then t.companyType else u.companyType end as companyType,
    case when c.id is not null then c.identifier else u.companyIdentifier end as companyIdentifier,
    c.statusName as status, c.territoryName as territory,
    coalesce(cast(u.usage_count as bigint), cast(0 as bigint)) as usage_count,
    coalesce(not c.isDeleted and not coalesce(c.deletedFlag, false), u.usage_count > 0, false) as IsActive,
    coalesce(c.dateAcquired, u.first_use) as EffectiveDate,
    cast(from_utc_timestamp(c.dateDeleted, '${time_zone}') as date) as EndDate
from silver_cw_company c
full join used u on u.companyId = c.id
left join company_types t on t.companyId = c.id
