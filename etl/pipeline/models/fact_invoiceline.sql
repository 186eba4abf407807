-- One row for each time entry, expense and product that is on an invoice, and for billable work that is on none yet.
with kept as (
    select *
    from invoice_lines
    where invoiceId is not null
        or (billableOption = 'Billable' and coalesce(agreement_type_normalized, 'other') not in ('internal_project', 'prepaid_hours'))
),
numbered as (
    -- Deleted lines keep their number, so that the others keep theirs.
    select sourceId, lineSource, row_number() over (partition by invoiceId order by sourceOrder asc nulls last, sourceId asc nulls last) as lineNumber
    from kept
    where invoiceId is not null
),
priced as (
    select
        k.*,
        coalesce(
            k.invoicedAmount,
            try_cast(cast(k.quantity as decimal(18, 4)) * cast(k.price as decimal(18, 4)) as decimal(19, 4))
        ) as lineAmount,
        coalesce(
            k.extendedCost,
            try_cast(cast(k.costQuantity as decimal(18, 4)) * cast(k.cost as decimal(18, 4)) as decimal(19, 4))
        ) as lineCost
    from kept k
),
judged as (
    select
        p.*,
        n.lineNumber,
        try_cast(p.lineAmount - p.lineCost as decimal(19, 4)) as margin,
        i.`date` as invoicedOn, i.dueDate, i.statusName, i.companyId as billedCompanyId, i.companyName as billedCompanyName,
        coalesce(i.applyToType, p.invoiceApplyToType, 'Services') as applyToType,
        i.applyToId, i.agreementId as billedAgreementId, i.agreementType as billedAgreementType,
        coalesce(i.companyId, p.companyId) as lineCompanyId,
        coalesce(p.agreementId, i.agreementId) as lineAgreementId,
        case when p.invoiceId is not null then coalesce(i.`date`, p.statedDate) end as invoiceDate
    -- The narrow side is the one that engines hold.
    from numbered n
    right join priced p on p.lineSource = n.lineSource and p.sourceId = n.sourceId
    left join invoice_heads i on i.invoiceId = p.invoiceId
)
select
    sha2(j.lineSource || '-' || cast(j.sourceId as string), 256) as InvoiceLineSK,
    j.invoiceId,
    cast(j.lineNumber as int) as lineNumber,
    j.lineSource, j.sourceId, j.description, j.memo, j.quantity, j.price, j.cost, j.lineAmount, j.lineCost, j.margin,
    case
        when j.lineAmount > 0 then try_cast(j.margin * cast(100 as decimal(3, 0)) / nullif(j.lineAmount, 0) as decimal(19, 4))
        when j.lineAmount <= 0 then cast(0 as decimal(19, 4))
    end as marginPercentage,
    j.LineType,
    j.invoiceId is not null as isInvoiced,
    case when j.invoiceId is not null then j.invoiceDate else j.workedOn end as `date`,
    j.dueDate,
    case when j.invoiceId is not null then j.statusName else j.status end as status,
    j.lineCompanyId as companyId,
    coalesce(j.billedCompanyName, j.companyName) as companyName,
    j.applyToType, j.applyToId,
    j.lineAgreementId as agreementId,
    case when j.applyToType = 'Agreement' then 'Agr - ' || trim(j.billedAgreementType) end as agreement_type_final,
    coalesce(dd.DateKey, -1) as InvoiceDateSK,
    coalesce(dc.CompanyKey, -1) as CompanyKey,
    coalesce(da.AgreementSK, -1) as AgreementSK,
    j.isDeleted
from judged j
left join dimdate dd on dd.`Date` = j.invoiceDate
left join dimcompany dc on dc.companyId = j.lineCompanyId
left join dimagreement da on da.agreementId = j.lineAgreementId
