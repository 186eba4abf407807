-- Business units that work is done for. The name is the one that the row changed last has.
with named as (
    select
        businessUnitId, businessGroupDesc, max(lastUpdated) as updated, max(id) as latest,
        sum(uses) as uses, min(usedOn) filter (where uses > 0) as firstUse
    from businessunit_uses
    where businessUnitId is not null
    group by businessUnitId, businessGroupDesc
),
ranked as (
    select
        businessUnitId, businessGroupDesc,
        sum(uses) over (partition by businessUnitId) as usage_count,
        min(firstUse) over (partition by businessUnitId) as first_use,
        row_number() over (
            partition by businessUnitId
            order by case when businessGroupDesc is null then 1 else 0 end asc nulls last, updated desc nulls last, latest desc nulls last, businessGroupDesc asc nulls last
        ) as place
    from named
)
select
    r.businessUnitId, r.businessGroupDesc,
    cast(r.usage_count as bigint) as usage_count,
    r.usage_count > 0 as IsActive,
    r.first_use as EffectiveDate,
    cast(null as date) as EndDate
from ranked r
where r.place = 1
