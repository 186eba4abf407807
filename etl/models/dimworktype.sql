-- Kinds of work. The name is the one that the row changed last has.
with named as (
    select
        workTypeId, workTypeName, max(lastUpdated) as updated, max(id) as latest,
        sum(uses) as uses, min(usedOn) filter (where uses > 0) as firstUse
    from worktype_uses
    where workTypeId is not null
    group by workTypeId, workTypeName
),
ranked as (
    select
        workTypeId, workTypeName,
        sum(uses) over (partition by workTypeId) as usage_count,
        min(firstUse) over (partition by workTypeId) as first_use,
        row_number() over (
            partition by workTypeId
            order by case when workTypeName is null then 1 else 0 end asc nulls last, updated desc nulls last, latest desc nulls last, workTypeName asc nulls last
        ) as place
    from named
)
select
    r.workTypeId, r.workTypeName,
    cast(r.usage_count as bigint) as usage_count,
    r.usage_count > 0 as IsActive,
    r.first_use as EffectiveDate,
    cast(null as date) as EndDate
from ranked r
where r.place = 1
