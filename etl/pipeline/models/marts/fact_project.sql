-- One row per project: plan against work, cost and bills.
--
-- A plan is the project's own, else that of its phases; hours are planned by budgetHours, else by estimatedHours. 0 is no plan. Hours are
-- those of time entries, whatever the PSA counts (psaActualHours); they cost what the member costs, an expense what was spent, a product
-- its cost. percentComplete is what the PSA says. Earned value is that part of the planned cost; where the PSA says nothing, hours tell how
-- far a project is. Its performance by cost is by hours where no cost is planned.
with worked as (
    select
        w.projectId,
        sum(w.hours) as actualHours, sum(w.billableHours) as billableHours, sum(w.entries) as entryCount,
        sum(try_cast(try_cast(w.hours as decimal(18, 4)) * try_cast(coalesce(m.hourlyCost, w.statedCost, 0) as decimal(18, 4)) as decimal(19, 4))) as laborCost,
        sum(w.expenseCost) as expenseCost, sum(w.productCost) as productCost
    from (
        select
            projectId, memberId, statedCost, sum(hours) as hours, sum(billableHours) as billableHours, sum(entries) as entries,
            sum(expenseCost) as expenseCost, sum(productCost) as productCost
        from project_work
        group by projectId, memberId, statedCost
    ) w
    left join member_costs m on m.memberId = w.memberId
    group by w.projectId
),
planned as (
    select
        p.*,
        coalesce(
            case when p.budgetHours > 0 then p.budgetHours end,
            case when f.budgetHours > 0 then try_cast(f.budgetHours as decimal(19, 4)) end,
            case when p.estimatedHours > 0 then p.estimatedHours end
        ) as plannedHours,
        nullif(
            coalesce(
                try_cast(nullif(coalesce(p.estimatedTimeCost, 0) + coalesce(p.estimatedExpenseCost, 0) + coalesce(p.estimatedProductCost, 0), 0) as decimal(19, 4)),
                try_cast(coalesce(f.timeCost, 0) + coalesce(f.expenseCost, 0) + coalesce(f.productCost, 0) as decimal(19, 4))
            ),
            cast(0 as decimal(19, 4))
        ) as plannedCost,
        nullif(
            coalesce(
                try_cast(nullif(coalesce(p.estimatedTimeRevenue, 0) + coalesce(p.estimatedExpenseRevenue, 0) + coalesce(p.estimatedProductRevenue, 0), 0) as decimal(19, 4)),
                try_cast(coalesce(f.timeRevenue, 0) + coalesce(f.expenseRevenue, 0) + coalesce(f.productRevenue, 0) as decimal(19, 4))
            ),
            cast(0 as decimal(19, 4))
        ) as plannedRevenue,
        -- Servers say 0.5 of what is half done. What is above 1 is a percentage.
        try_cast(case when p.percentComplete > 1 then p.percentComplete * cast(0.01 as decimal(3, 2)) else p.percentComplete end as decimal(9, 6)) as statedShare
    from silver_cw_project p
    left join project_budgets f on f.projectId = p.id
),
counted as (
    select
        p.*,
        coalesce(try_cast(w.actualHours as decimal(19, 4)), cast(0 as decimal(19, 4))) as workedHours,
        coalesce(try_cast(w.billableHours as decimal(19, 4)), cast(0 as decimal(19, 4))) as billableHours,
        coalesce(w.entryCount, cast(0 as bigint)) as entryCount,
        coalesce(try_cast(w.laborCost as decimal(19, 4)), cast(0 as decimal(19, 4))) as laborCost,
        coalesce(try_cast(w.expenseCost as decimal(19, 4)), cast(0 as decimal(19, 4))) as expenseCost,
        coalesce(try_cast(w.productCost as decimal(19, 4)), cast(0 as decimal(19, 4))) as productCost,
        coalesce(try_cast(w.laborCost + w.expenseCost + w.productCost as decimal(19, 4)), cast(0 as decimal(19, 4))) as actualCost,
        coalesce(try_cast(b.billedAmount as decimal(19, 4)), cast(0 as decimal(19, 4))) as billedAmount,
        coalesce(try_cast(b.revenueAmount as decimal(19, 4)), cast(0 as decimal(19, 4))) as revenueAmount,
        r.asOf
    from planned p
    cross join run_day r
    left join worked w on w.projectId = p.id
    left join project_bills b on b.projectId = p.id
),
shared as (
    select
        c.*,
        coalesce(
            c.statedShare,
            case
                when c.workedHours >= c.plannedHours then cast(1 as decimal(9, 6))
                when c.workedHours >= 0 then try_cast(c.workedHours / nullif(c.plannedHours, 0) as decimal(9, 6))
            end
        ) as doneShare
    from counted c
),
judged as (
    select
        s.*,
        try_cast(s.doneShare * try_cast(s.plannedCost as decimal(18, 4)) as decimal(19, 4)) as earnedValue,
        try_cast(s.doneShare * try_cast(s.plannedHours as decimal(18, 4)) as decimal(19, 4)) as earnedHours
    from shared s
)
select
    sha2(cast(j.id as string), 256) as ProjectSK,
    j.id as projectId, j.name as projectName, j.companyId, j.companyName, j.agreementId, j.agreementName, j.managerId, j.managerName,
    j.departmentId, j.departmentName, j.boardId, j.boardName,
    j.statusId as projectStatusId, j.statusName as projectStatus, j.typeId as projectTypeId, j.typeName as projectType,
    coalesce(j.currencyCurrencyCode, j.currencyCurrencyIdentifier, j.currencyName) as currency,
    j.billingMethod,
    coalesce(j.billingMethod = 'FixedFee', false) as isFixedFee,
    coalesce(j.closedFlag, false) as isClosed,
    j.estimatedStart, j.estimatedEnd, j.actualStart, j.actualEnd,
    coalesce(ds.DateKey, -1) as EstimatedStartDateSK,
    coalesce(de.DateKey, -1) as EstimatedEndDateSK,
    coalesce(da.DateKey, -1) as ActualStartDateSK,
    coalesce(dx.DateKey, -1) as ActualEndDateSK,
    j.plannedHours as budgetHours, j.scheduledHours, j.workedHours as actualHours, j.billableHours,
    j.actualHours as psaActualHours,
    try_cast(j.plannedHours - j.workedHours as decimal(19, 4)) as remainingHours,
    cast(j.entryCount as int) as entryCount,
    j.plannedCost as estimatedCost, j.laborCost, j.expenseCost, j.productCost, j.actualCost,
    j.plannedRevenue as estimatedRevenue, j.billingAmount, j.billedAmount, j.revenueAmount,
    -- What was agreed on is the most that can be billed, where there is such an amount.
    try_cast(
        coalesce(case when j.billingMethod in ('FixedFee', 'NotToExceed') and j.billingAmount > 0 then j.billingAmount end, j.plannedRevenue)
            - j.billedAmount
        as decimal(19, 4)
    ) as remainingToBill,
    cast(j.statedShare * cast(100 as decimal(3, 0)) as decimal(19, 4)) as percentComplete,
    try_cast(j.workedHours * cast(100 as decimal(3, 0)) / nullif(j.plannedHours, 0) as decimal(19, 4)) as percentCompleteByHours,
    j.earnedValue,
    case
        when j.plannedCost is not null then try_cast(j.earnedValue / nullif(j.actualCost, 0) as decimal(19, 4))
        else try_cast(j.earnedHours / nullif(j.workedHours, 0) as decimal(19, 4))
    end as costPerformanceIndex,
    j.workedHours > j.plannedHours as isOverBudget,
    coalesce(not coalesce(j.closedFlag, false) and not j.isDeleted and j.estimatedEnd < j.asOf, false) as isOverdue,
    cast(
        case when not coalesce(j.closedFlag, false) and not j.isDeleted and j.estimatedEnd < j.asOf then datediff(j.asOf, j.estimatedEnd) end as int
    ) as daysOverdue,
    coalesce(dp.ProjectKey, -1) as ProjectKey,
    coalesce(dc.CompanyKey, -1) as CompanyKey,
    coalesce(dm.MemberKey, -1) as MemberKey,
    coalesce(dg.AgreementSK, -1) as AgreementSK,
    coalesce(dd.DepartmentKey, -1) as DepartmentKey,
    coalesce(db.BoardKey, -1) as BoardKey,
    j.isDeleted
from judged j
left join dimdate ds on ds.`Date` = j.estimatedStart
left join dimdate de on de.`Date` = j.estimatedEnd
left join dimdate da on da.`Date` = j.actualStart
left join dimdate dx on dx.`Date` = j.actualEnd
left join dimproject dp on dp.projectId = j.id
left join dimcompany dc on dc.companyId = j.companyId
left join dimmember dm on dm.memberId = j.managerId
left join dimagreement dg on dg.agreementId = j.agreementId
left join dimdepartment dd on dd.departmentId = j.departmentId
left join dimboard db on db.boardId = j.boardId
