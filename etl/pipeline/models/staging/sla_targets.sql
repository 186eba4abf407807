-- Minutes within which tickets are to be answered, planned and resolved: of each priority of an SLA, and of the priorities that it has no targets
-- for. The key is the SLA's id, a hyphen, and the priority's id or nothing.
select targetOf, min(respondHours) * 60 as respondMinutes, min(planHours) * 60 as planMinutes, min(resolveHours) * 60 as resolveMinutes
from (
    select
        cast(coalesce(slaId, _etl_parent_id) as string) || '-' || cast(priorityId as string) as targetOf,
        cast(respondHours as decimal(12, 4)) as respondHours, cast(planWithin as decimal(12, 4)) as planHours,
        cast(resolutionHours as decimal(12, 4)) as resolveHours
    from silver_cw_slapriority
    where not isDeleted and priorityId is not null
    union all
    select
        cast(id as string) || '-', cast(respondHours as decimal(12, 4)), cast(planWithin as decimal(12, 4)), cast(resolutionHours as decimal(12, 4))
    from silver_cw_sla
    where not isDeleted
) t
group by targetOf
