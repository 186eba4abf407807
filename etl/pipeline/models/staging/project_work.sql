-- What was done for projects, by who did it at which stated cost: hours, and what expenses and products cost. A cancelled product costs nothing.
select
    w.projectId, w.memberId, w.statedCost,
    sum(w.hours) as hours, sum(w.billableHours) as billableHours, sum(w.entries) as entries,
    sum(w.expenseCost) as expenseCost, sum(w.productCost) as productCost
from (
    select
        projectId, memberId, hourlyCost as statedCost,
        coalesce(actualHours, cast(0 as decimal(19, 4))) as hours,
        case when billableOption = 'Billable' then coalesce(actualHours, cast(0 as decimal(19, 4))) else cast(0 as decimal(19, 4)) end as billableHours,
        cast(1 as bigint) as entries, cast(0 as decimal(19, 4)) as expenseCost, cast(0 as decimal(19, 4)) as productCost
    from silver_cw_timeentry
    where projectId is not null and not isDeleted
    union all
    select
        projectId, cast(null as int), cast(null as decimal(19, 4)),
        cast(0 as decimal(19, 4)), cast(0 as decimal(19, 4)), cast(0 as bigint),
        coalesce(amount, cast(0 as decimal(19, 4))), cast(0 as decimal(19, 4))
    from silver_cw_expenseentry
    where projectId is not null and not isDeleted
    union all
    select
        projectId, cast(null as int), cast(null as decimal(19, 4)),
        cast(0 as decimal(19, 4)), cast(0 as decimal(19, 4)), cast(0 as bigint),
        cast(0 as decimal(19, 4)), coalesce(extCost, cast(0 as decimal(19, 4)))
    from silver_cw_productitem
    where projectId is not null and not isDeleted and not coalesce(cancelledFlag, false)
) w
group by w.projectId, w.memberId, w.statedCost
