-- Business units that work is done for. The name is the one that the row changed last has.
with named as (
    select businessUnitId, businessGroupDesc, max(lastUpdated) as updated, max(id) as latest
    from fact_rows
    where businessUnitId is not null
    group by businessUnitId, businessGroupDesc
),
ranked as (
    select
        businessUnitId, businessGroupDesc,
        row_number() over (
            partition by businessUnitId
            order by case when businessGroupDesc is null then 1 else 0 end asc nulls last, updated desc nulls last, latest desc nulls last, businessGroupDesc asc nulls last
        ) as place
    from named
),
used as (
    select
        businessUnitId,
        count(*) filter (where not isDeleted) as usage_count,
        min(usedOn) filter (where not isDeleted) as first_use
    from fact_rows
    where businessUnitId is not null
    group by businessUnitId
)
select
    r.businessUnitId, r.businessGroupDesc,
    u.usage_count,
    u.usage_count > 0 as IsActive,
    u.first_use as EffectiveDate,
    cast(null as date) as EndDate
from ranked r
join used u on u.businessUnitId = r.businessUnitId
where r.place = 1
