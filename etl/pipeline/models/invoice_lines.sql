-- What can stand on an invoice: time, expenses and products in one shape, those on an invoice and the billable rest.
with line as (
    select
        1 as sourceOrder, 'time' as lineSource, te.id as sourceId, te.invoiceId, te.notes as description, te.internalNotes as memo,
        cast(case when te.invoiceId is not null then coalesce(te.invoiceHours, te.actualHours, 0) else coalesce(te.actualHours, 0) end as decimal(19, 4)) as quantity,
        cast(coalesce(te.hourlyRate, 0) as decimal(19, 4)) as price,
        cast(coalesce(m.hourlyCost, te.hourlyCost, 0) as decimal(19, 4)) as cost,
        case when te.invoiceId is not null then te.extendedInvoiceAmount end as invoicedAmount,
        cast(coalesce(te.actualHours, 0) as decimal(19, 4)) as costQuantity,
        cast(null as decimal(19, 4)) as extendedCost,
        'SERVICE' as LineType, cast(te.timeStart as date) as workedOn, te.invoiceInvoiceDate as statedDate, te.status,
        te.companyId, te.companyName, te.invoiceApplyToType, te.agreementId, te.billableOption,
        coalesce(te.agreementType, te.agreementAgreementType) as statedType, te.isDeleted
    from silver_cw_timeentry te
    left join member_costs m on m.memberId = te.memberId
    union all
    select
        2, 'expense', x.id, x.invoiceId, x.typeName, x.notes,
        cast(1 as decimal(19, 4)),
        cast(coalesce(x.amount, 0) as decimal(19, 4)),
        cast(0 as decimal(19, 4)),
        case when x.invoiceId is not null then x.invoiceAmount end,
        cast(1 as decimal(19, 4)),
        cast(0 as decimal(19, 4)),
        'EXPENSE', x.`date`, x.invoiceInvoiceDate, x.status,
        x.companyId, x.companyName, x.invoiceApplyToType, x.agreementId, x.billableOption, x.agreementType, x.isDeleted
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
        case when p.productClass = 'Agreement' then 'AGREEMENT' else 'PRODUCT' end, p.purchaseDate, p.invoiceInvoiceDate,
        cast(null as string),
        p.companyId, p.companyName, p.invoiceApplyToType, p.agreementId,
        case when coalesce(p.cancelledFlag, false) then cast(null as string) else p.billableOption end,
        p.agreementType, p.isDeleted
    from silver_cw_productitem p
)
select
    l.*,
    case
        when l.agreementId is not null then coalesce(r.agreement_type_normalized, 'other')
    end as agreement_type_normalized
from line l
left join agreement_facts a on a.agreementId = l.agreementId
left join agreement_type_rules r on r.typeName = coalesce(a.typeName, l.statedType)
