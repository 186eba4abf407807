-- Departments, and those that only the facts name. There the name is the one that the row changed last has.
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
),
used as (
    select * from ranked where place = 1
)
select
    coalesce(s.id, u.departmentId) as departmentId,
    case when s.id is not null then s.name else u.departmentName end as departmentName,
    coalesce(cast(u.usage_count as bigint), cast(0 as bigint)) as usage_count,
    coalesce(not s.isDeleted, u.usage_count > 0, false) as IsActive,
    u.first_use as EffectiveDate,
    cast(null as date) as EndDate
from silver_cw_department s
full join used u on u.departmentId = s.id
