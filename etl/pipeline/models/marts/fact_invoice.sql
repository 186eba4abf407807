-- One row per invoice. Only invoices with an open balance have an age, and no deleted ones.
with aged as (
    select
        t.*,
        case
            when t.balance <> 0 and not t.isDeleted then coalesce(datediff(r.asOf, coalesce(t.dueDate, t.`date`)), 0)
        end as daysBehind
    from invoice_totals t
    cross join run_day r
)
select
    sha2(cast(a.invoiceId as string), 256) as InvoiceSK,
    a.invoiceId, a.invoiceNumber, a.invoiceType, a.applyToType, a.applyToId, a.agreementId, a.projectId, a.phaseId, a.ticketId,
    a.salesOrderId, a.companyId, a.billToCompanyId, a.locationId, a.departmentId, a.`date`, a.dueDate,
    coalesce(dd.DateKey, -1) as InvoiceDateSK,
    coalesce(du.DateKey, -1) as DueDateSK,
    a.statusName as status, a.isClosed, a.isPosted, a.serviceTotal, a.productTotal, a.expenseTotal, a.agreementAmount,
    a.serviceAdjustmentAmount, a.downpaymentApplied, a.salesTax, a.subtotal, a.total, a.payments, a.credits, a.balance,
    a.currency, a.billedAmount, a.revenueAmount, a.deferredAmount,
    cast(a.lineCount as int) as lineCount,
    a.lineTotal,
    case when a.isAgreementInvoice then cast(0 as decimal(19, 4)) else a.balancingAmount end as unexplainedAmount,
    cast(case when a.daysBehind > 0 then a.daysBehind when a.daysBehind <= 0 then 0 end as int) as daysPastDue,
    case
        when a.daysBehind <= 0 then 'Current'
        when a.daysBehind <= 30 then '1-30'
        when a.daysBehind <= 60 then '31-60'
        when a.daysBehind <= 90 then '61-90'
        when a.daysBehind > 90 then '90+'
    end as agingBucket,
    coalesce(dc.CompanyKey, -1) as CompanyKey,
    coalesce(da.AgreementSK, -1) as AgreementSK,
    coalesce(dp.DepartmentKey, -1) as DepartmentKey,
    coalesce(dpj.ProjectKey, -1) as ProjectKey,
    coalesce(dph.PhaseKey, -1) as PhaseKey,
    coalesce(dlo.LocationKey, -1) as LocationKey,
    a.isDeleted
from aged a
left join dimdate dd on dd.`Date` = a.`date`
left join dimdate du on du.`Date` = a.dueDate
left join dimcompany dc on dc.companyId = a.companyId
left join dimagreement da on da.agreementId = a.agreementId
left join dimdepartment dp on dp.departmentId = a.departmentId
left join dimproject dpj on dpj.projectId = a.projectId
left join dimphase dph on dph.phaseId = a.phaseId
left join dimlocation dlo on dlo.locationId = a.locationId
