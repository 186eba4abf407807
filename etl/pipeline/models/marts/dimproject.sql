-- Projects, and those that only rows name. There the name is the one that the row changed last has.
with named as (
    select
        projectId, projectName, max(lastUpdated) as updated, max(id) as latest,
        sum(uses) as uses, min(usedOn) filter (where uses > 0) as firstUse
    from project_uses
    where projectId is not null
    group by projectId, projectName
),
ranked as (
    select
        projectId, projectName,
        sum(uses) over (partition by projectId) as usage_count,
        min(firstUse) over (partition by projectId) as first_use,
        row_number() over (
            partition by projectId
            order by case when projectName is null then 1 else 0 end asc nulls last, updated desc nulls last, latest desc nulls last, projectName asc nulls last
        ) as place
    from named
),
used as (
    select * from ranked where place = 1
)
select
    coalesce(s.id, u.projectId) as projectId,
    case when s.id is not null then s.name else u.projectName end as projectName,
    s.companyId, s.companyName, s.managerId, s.managerName, s.typeName as projectType, s.statusName as projectStatus,
    s.billingMethod, s.boardName, s.locationName, s.departmentName,
    coalesce(s.closedFlag, false) as isClosed,
    s.estimatedStart, s.estimatedEnd, s.actualStart, s.actualEnd,
    coalesce(cast(u.usage_count as bigint), cast(0 as bigint)) as usage_count,
    coalesce(not s.isDeleted and not coalesce(s.closedFlag, false), u.usage_count > 0, false) as IsActive,
    coalesce(s.actualStart, s.estimatedStart, u.first_use) as EffectiveDate,
    s.actualEnd as EndDate
from silver_cw_project s
full join used u on u.projectId = s.id
