-- Candidates for invoice lines in one shape: time entries, expenses and products. An unknown amount is NULL: a time entry may
-- have an amount and no rate, or neither.
select
    1 as sourceOrder, 'time' as lineSource, te.id as sourceId, te.invoiceId, te.notes as description, te.internalNotes as memo,
    cast(case when te.invoiceId is not null then coalesce(te.invoiceHours, te.actualHours, 0) else coalesce(te.actualHours, 0) end as decimal(19, 4)) as quantity,
    cast(coalesce(te.hourlyRate, 0) as decimal(19, 4)) as price,
    te.hourlyCost as statedCost,
    coalesce(
        te.extendedInvoiceAmount,
        try_cast(
            cast(case when te.invoiceId is not null then coalesce(te.invoiceHours, te.actualHours) else te.actualHours end as decimal(18, 4))
                * cast(te.hourlyRate as decimal(18, 4))
            as decimal(19, 4)
        )
    ) as lineAmount,
    cast(coalesce(te.actualHours, 0) as decimal(19, 4)) as costQuantity,
    cast(null as decimal(19, 4)) as extendedCost,
    'SERVICE' as LineType, te.timeStart as workedAt, te.statedDay, te.invoiceInvoiceDate as statedDate, te.status,
    te.companyId, te.companyName, te.invoiceApplyToType, te.agreementId, te.billableOption,
    coalesce(te.agreementType, te.agreementAgreementType) as statedType,
    te.projectId, te.phaseId, te.ticketId, te.ticketBoard, te.memberId, te.workTypeId, te.workRoleId,
    coalesce(te.locationId, te.locationLocationId) as locationId, te.departmentId,
    cast(null as int) as catalogItemId,
    te.isDeleted
from timeentry_starts te
union all
select
    2, 'expense', x.id, x.invoiceId, x.typeName, x.notes,
    cast(1 as decimal(19, 4)),
    cast(coalesce(x.amount, 0) as decimal(19, 4)),
    cast(0 as decimal(19, 4)),
    cast(coalesce(case when x.invoiceId is not null then x.invoiceAmount end, x.amount, 0) as decimal(19, 4)),
    cast(1 as decimal(19, 4)),
    cast(0 as decimal(19, 4)),
    'EXPENSE', null, x.`date`, x.invoiceInvoiceDate, x.status,
    x.companyId, x.companyName, x.invoiceApplyToType, x.agreementId, x.billableOption, x.agreementType,
    x.projectId, x.phaseId, x.ticketId, cast(null as string), x.memberId, cast(null as int), cast(null as int),
    x.locationId, cast(null as int),
    cast(null as int),
    x.isDeleted
from silver_cw_expenseentry x
union all
select
    3, 'product', p.id, p.invoiceId, p.description, p.customerDescription,
    cast(coalesce(p.quantity, 0) as decimal(19, 4)),
    cast(coalesce(p.price, 0) as decimal(19, 4)),
    cast(coalesce(p.cost, 0) as decimal(19, 4)),
    cast(coalesce(p.extPrice, 0) as decimal(19, 4)),
    cast(coalesce(p.quantity, 0) as decimal(19, 4)),
    cast(coalesce(p.extCost, 0) as decimal(19, 4)),
    case when p.productClass = 'Agreement' then 'AGREEMENT' else 'PRODUCT' end, null, p.purchaseDate, p.invoiceInvoiceDate,
    cast(null as string),
    p.companyId, p.companyName, p.invoiceApplyToType, p.agreementId,
    -- What was cancelled is nothing to bill, nor is what an opportunity offers before it is on a ticket, a project or a sales order.
    case
        when coalesce(p.cancelledFlag, false) then cast(null as string)
        when p.opportunityId is not null and p.ticketId is null and p.projectId is null and p.salesOrderId is null then cast(null as string)
        else p.billableOption
    end,
    p.agreementType,
    p.projectId, p.phaseId, p.ticketId, cast(null as string), cast(null as int), cast(null as int), cast(null as int),
    coalesce(p.locationId, p.locationLocationId), cast(null as int),
    p.catalogItemId,
    p.isDeleted
from silver_cw_productitem p
