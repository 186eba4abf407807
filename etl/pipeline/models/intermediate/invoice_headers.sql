-- One row per invoice: from the list of invoices, else from that of unposted invoices, whose billing log id is the invoice's
-- id. With the billed amount without tax, the part of it that is deferred (down payments, and what they cover later), and the
-- revenue.
with waiting as (
    select u.*
    from (
        select
            w.*,
            row_number() over (
                partition by w.billingLogId
                order by case when w.isDeleted then 1 else 0 end asc nulls last, w.id desc nulls last
            ) as place
        from silver_cw_unpostedinvoice w
        where w.billingLogId is not null
    ) u
    where u.place = 1
),
stated as (
    select
        i.id as invoiceId, i.invoiceNumber, i.`type` as invoiceType, i.applyToType, i.applyToId,
        coalesce(i.agreementId, case when i.applyToType = 'Agreement' then i.applyToId end) as agreementId,
        i.agreementName, i.agreementType,
        -- An invoice for a phase need not name the project.
        coalesce(i.projectId, case when i.applyToType = 'Project' then i.applyToId end, f.projectId) as projectId,
        coalesce(i.phaseId, case when i.applyToType = 'ProjectPhase' then i.applyToId end) as phaseId,
        coalesce(i.ticketId, case when i.applyToType = 'Ticket' then i.applyToId end) as ticketId,
        coalesce(i.salesOrderId, case when i.applyToType = 'SalesOrder' then i.applyToId end) as salesOrderId,
        i.companyId, i.companyName, i.billToCompanyId,
        coalesce(i.locationId, i.locationLocationId) as locationId,
        coalesce(i.departmentId, i.departmentDepartmentId) as departmentId,
        i.`date`, i.dueDate, i.statusName, i.statusIsClosed as isClosed,
        -- An invoice with a GL batch is posted, even if the list of unposted invoices was read earlier and still has it.
        i.glBatchId is not null or w.billingLogId is null or w.isDeleted as isPosted,
        i.serviceTotal, i.productTotal, i.expenseTotal, i.agreementAmount, i.serviceAdjustmentAmount, i.downpaymentApplied,
        i.salesTax, i.subtotal, i.total, i.payments, i.credits, i.balance,
        coalesce(i.currencyCurrencyCode, i.currencyCurrencyIdentifier, i.currencyName) as currency,
        coalesce(nullif(i.reference, ''), nullif(i.topComment, ''), i.`type`) as ownText,
        i.isDeleted
    from silver_cw_invoice i
    left join waiting w on w.billingLogId = i.id
    left join phase_projects f on f.phaseId = coalesce(i.phaseId, case when i.applyToType = 'ProjectPhase' then i.applyToId end)
    where not i.isDeleted or w.billingLogId is null or w.isDeleted
    union all
    select
        w.billingLogId, w.invoiceNumber, w.invoiceType, cast(null as string), cast(null as int),
        cast(null as int), cast(null as string), cast(null as string),
        cast(null as int), cast(null as int), cast(null as int), cast(null as int),
        w.companyId, w.companyName, w.billToCompanyId,
        coalesce(w.locationId, w.locationLocationId),
        coalesce(w.departmentId, w.departmentDepartmentId),
        w.invoiceDate, w.dueDate, cast(null as string), cast(null as boolean),
        false,
        cast(null as decimal(19, 4)), cast(null as decimal(19, 4)), cast(null as decimal(19, 4)), cast(null as decimal(19, 4)),
        cast(null as decimal(19, 4)), cast(null as decimal(19, 4)),
        w.salesTaxAmount, w.subTotal, w.total, cast(null as decimal(19, 4)), cast(null as decimal(19, 4)), cast(null as decimal(19, 4)),
        coalesce(w.currencyCurrencyCode, w.currencyCurrencyIdentifier, w.currencyName),
        coalesce(nullif(w.description, ''), w.invoiceType),
        w.isDeleted
    from waiting w
    left join silver_cw_invoice i on i.id = w.billingLogId
    where i.id is null or (i.isDeleted and not w.isDeleted)
),
billed as (
    select
        s.*,
        coalesce(try_cast(s.total - coalesce(s.salesTax, 0) as decimal(19, 4)), s.subtotal) as billedAmount,
        coalesce(s.invoiceType = 'Agreement', false) or coalesce(s.applyToType = 'Agreement', false) as isAgreementInvoice
    from stated s
),
deferred as (
    select
        b.*,
        case
            when b.invoiceType = 'DownPayment' then b.billedAmount
            else try_cast(cast(0 as decimal(19, 4)) - coalesce(b.downpaymentApplied, 0) as decimal(19, 4))
        end as deferredAmount
    from billed b
)
select d.*, try_cast(d.billedAmount - d.deferredAmount as decimal(19, 4)) as revenueAmount
from deferred d
