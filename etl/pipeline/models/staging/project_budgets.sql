-- What the phases of each project plan. A phase below another one is part of that one's plan.
select
    projectId, sum(budgetHours) as budgetHours,
    sum(estimatedTimeCost) as timeCost, sum(estimatedExpenseCost) as expenseCost, sum(estimatedProductCost) as productCost,
    sum(estimatedTimeRevenue) as timeRevenue, sum(estimatedExpenseRevenue) as expenseRevenue, sum(estimatedProductRevenue) as productRevenue
from silver_cw_projectphase
where parentPhaseId is null and projectId is not null and not isDeleted
group by projectId
