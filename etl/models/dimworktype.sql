-- Kinds of work. The name is the one that the row changed last has.
with named as (
    select workTypeId, workTypeName, max(lastUpdated) as updated, max(id) as latest
    from fact_rows
    where workTypeId is not null
    group by workTypeId, workTypeName
),
ranked as (
    select
        workTypeId, workTypeName,
        row_number() over (
            partition by workTypeId
            order by case when workTypeName is null then 1 else 0 end asc nulls last, updated desc nulls last, latest desc nulls last, workTypeName asc nulls last
        ) as place
    from named
),
used as (
    select
        workTypeId,
        count(*) filter (where not isDeleted) as usage_count,
        min(usedOn) filter (where not isDeleted) as first_use
    from fact_rows
    where workTypeId is not null
    group by workTypeId
)
select
    r.workTypeId, r.workTypeName,
    u.usage_count,
    u.usage_count > 0 as IsActive,
    u.first_use as EffectiveDate,
    cast(null as date) as EndDate
from ranked r
join used u on u.workTypeId = r.workTypeId
where r.place = 1
