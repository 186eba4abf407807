-- Departments that work is done for. The name is the one that the row changed last has.
with named as (
    select departmentId, departmentName, max(lastUpdated) as updated, max(id) as latest
    from fact_rows
    where departmentId is not null
    group by departmentId, departmentName
),
ranked as (
    select
        departmentId, departmentName,
        row_number() over (
            partition by departmentId
            order by case when departmentName is null then 1 else 0 end asc nulls last, updated desc nulls last, latest desc nulls last, departmentName asc nulls last
        ) as place
    from named
),
used as (
    select
        departmentId,
        count(*) filter (where not isDeleted) as usage_count,
        min(usedOn) filter (where not isDeleted) as first_use
    from fact_rows
    where departmentId is not null
    group by departmentId
)
select
    r.departmentId, r.departmentName,
    u.usage_count,
    u.usage_count > 0 as IsActive,
    u.first_use as EffectiveDate,
    cast(null as date) as EndDate
from ranked r
join used u on u.departmentId = r.departmentId
where r.place = 1
