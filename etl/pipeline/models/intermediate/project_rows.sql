-- Every row of the lists that name a project or one of its phases: what dimensions count, date and fill their gaps from. Work, expenses
-- and products use a project; invoices and tickets name one, and use none.
select
    id, projectId, projectName, phaseId, phaseName, workedOn as usedOn, lastUpdated,
    case when isDeleted then cast(0 as bigint) else cast(1 as bigint) end as uses
from timeentry_days
union all
select id, projectId, projectName, phaseId, phaseName, `date`, lastUpdated, case when isDeleted then cast(0 as bigint) else cast(1 as bigint) end
from silver_cw_expenseentry
union all
select id, projectId, projectName, phaseId, phaseName, purchaseDate, lastUpdated, case when isDeleted then cast(0 as bigint) else cast(1 as bigint) end
from silver_cw_productitem
union all
select
    id,
    coalesce(projectId, case when applyToType = 'Project' then applyToId end), projectName,
    coalesce(phaseId, case when applyToType = 'ProjectPhase' then applyToId end), phaseName,
    `date`, lastUpdated, cast(0 as bigint)
from silver_cw_invoice
union all
select id, projectId, projectName, phaseId, phaseName, cast(null as date), lastUpdated, cast(0 as bigint)
from silver_cw_projectticket
