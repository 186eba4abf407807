-- Phases of projects, and those that only rows name. There the name is the one that the row changed last has. A phase is called by its
-- description.
with named as (
    select
        phaseId, phaseName, max(lastUpdated) as updated, max(id) as latest,
        sum(uses) as uses, min(usedOn) filter (where uses > 0) as firstUse
    from phase_uses
    where phaseId is not null
    group by phaseId, phaseName
),
ranked as (
    select
        phaseId, phaseName,
        sum(uses) over (partition by phaseId) as usage_count,
        min(firstUse) over (partition by phaseId) as first_use,
        row_number() over (
            partition by phaseId
            order by case when phaseName is null then 1 else 0 end asc nulls last, updated desc nulls last, latest desc nulls last, phaseName asc nulls last
        ) as place
    from named
),
used as (
    select * from ranked where place = 1
)
select
    coalesce(s.id, u.phaseId) as phaseId,
    case when s.id is not null then s.description else u.phaseName end as phaseName,
    s.projectId, s.parentPhaseId, s.parentPhaseName, s.wbsCode, s.statusName as phaseStatus,
    -- A phase without a billing method has that of its project.
    coalesce(s.billingMethod, p.billingMethod) as billingMethod,
    coalesce(s.markAsMilestoneFlag, false) as isMilestone,
    s.budgetHours, s.scheduledStart, s.scheduledEnd, s.deadlineDate,
    coalesce(cast(u.usage_count as bigint), cast(0 as bigint)) as usage_count,
    coalesce(not s.isDeleted, u.usage_count > 0, false) as IsActive,
    coalesce(s.actualStart, s.startDate, s.scheduledStart, u.first_use) as EffectiveDate,
    coalesce(s.actualEnd, s.endDate) as EndDate
from silver_cw_projectphase s
left join project_methods p on p.projectId = s.projectId
full join used u on u.phaseId = s.id
