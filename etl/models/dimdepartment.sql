-- Departments that work is done for. The name is the one that the row changed last has.
with named as (
    select
        departmentId, departmentName, max(lastUpdated) as updated, max(id) as latest,
        sum(uses) as uses, min(usedOn) filter (where uses > 0) as firstUse
    from department_uses
    where departmentId is not null
    group by departmentId, departmentName
),
ranked as (
    select
        departmentId, departmentName,
        sum(uses) over (partition by departmentId) as usage_count,
        min(firstUse) over (partition by departmentId) as first_use,
        row_number() over (
            partition by departmentId
            order by case when departmentName is null then 1 else 0 end asc nulls last, updated desc nulls last, latest desc nulls last, departmentName asc nulls last
        ) as place
    from named
)
select
    r.departmentId, r.departmentName,
    cast(r.usage_count as bigint) as usage_count,
    r.usage_count > 0 as IsActive,
    r.first_use as EffectiveDate,
    cast(null as date) as EndDate
from ranked r
where r.place = 1
