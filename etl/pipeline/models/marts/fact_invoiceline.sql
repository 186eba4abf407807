-- One row per time entry, expense and product on an invoice; one per invoice for the difference between its revenue and these;
-- and one per time entry, expense and product that is still to be billed. A line goes with its invoice: where that was deleted, the line is
-- neither revenue nor to be billed, until its own record names another invoice or none.
with kept as (
    select *
    from invoice_lines
    where invoiceId is not null
        or (
            billableOption = 'Billable'
            and coalesce(agreement_type_normalized, 'other') not in ('internal_project', 'prepaid_hours')
            -- Billed without an invoice, or never to be billed.
            and coalesce(status, 'Open') not in ('WrittenOff', 'Billed', 'BilledAgreement')
            and not isFixedFee
        )
),
numbered as (
    -- Deleted lines keep their number, so that the others keep theirs.
    select sourceId, lineSource, row_number() over (partition by invoiceId order by sourceOrder asc nulls last, sourceId asc nulls last) as lineNumber
    from kept
    where invoiceId is not null
),
priced as (
    select
        cast(n.lineNumber as bigint) as lineNumber, k.lineSource, k.sourceId, k.invoiceId, k.description, k.memo, k.quantity, k.price, k.cost, k.lineAmount,
        coalesce(
            k.extendedCost,
            try_cast(cast(k.costQuantity as decimal(18, 4)) * cast(k.cost as decimal(18, 4)) as decimal(19, 4))
        ) as lineCost,
        k.LineType, k.workedOn, k.statedDate, k.status, k.companyId, k.companyName, k.invoiceApplyToType, k.agreementId,
        k.projectId, k.phaseId, k.ticketId, k.boardId, k.memberId, k.workTypeId, k.workRoleId, k.locationId, k.departmentId,
        k.catalogItemId, k.billingMethod, k.isFixedFee, k.isWrittenOff, k.isDeleted
    -- On the left, as engines build the hash table of a join from that side: it has the fewest columns.
    from numbered n
    right join kept k on k.lineSource = n.lineSource and k.sourceId = n.sourceId
    union all
    select
        t.lineNumbers + 1, 'header', t.invoiceId as sourceId, t.invoiceId,
        case when t.isAgreementInvoice then coalesce(t.agreementName, t.ownText) else t.ownText end, cast(null as string),
        cast(1 as decimal(19, 4)), t.balancingAmount as price, cast(0 as decimal(19, 4)), t.balancingAmount,
        cast(0 as decimal(19, 4)),
        case when t.isAgreementInvoice then 'AGREEMENT' else 'ADJUSTMENT' end,
        cast(null as date), cast(null as date), cast(null as string), t.companyId, t.companyName, cast(null as string), t.agreementId,
        t.projectId, t.phaseId, t.ticketId, cast(null as int), cast(null as int), cast(null as int), cast(null as int),
        t.locationId, t.departmentId,
        cast(null as int), cast(null as string), false, false, t.isDeleted
    from invoice_totals t
    where t.balancingAmount <> 0
),
judged as (
    select
        p.*,
        try_cast(p.lineAmount - p.lineCost as decimal(19, 4)) as margin,
        i.`date` as invoicedOn, i.dueDate, i.statusName, i.companyName as billedCompanyName,
        coalesce(i.applyToType, p.invoiceApplyToType, 'Services') as applyToType,
        i.applyToId, i.agreementType as billedAgreementType,
        coalesce(i.companyId, p.companyId) as lineCompanyId,
        coalesce(p.agreementId, i.agreementId) as lineAgreementId,
        case when p.invoiceId is not null then coalesce(i.`date`, p.statedDate) end as invoiceDate,
        case when p.invoiceId is null and not p.isDeleted then datediff(r.asOf, p.workedOn) end as ageDays,
        p.isDeleted or coalesce(i.isDeleted, false) as isGone
    from priced p
    cross join run_day r
    left join invoice_headers i on i.invoiceId = p.invoiceId
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
    j.projectId, j.phaseId, j.ticketId, j.boardId, j.memberId, j.workTypeId, j.workRoleId, j.locationId, j.departmentId,
    j.catalogItemId, j.catalogItemId as productId, j.billingMethod, j.isFixedFee, j.isWrittenOff,
    cast(j.ageDays as int) as ageDays,
    case
        when j.ageDays <= 0 then 'Current'
        when j.ageDays <= 30 then '1-30'
        when j.ageDays <= 60 then '31-60'
        when j.ageDays <= 90 then '61-90'
        when j.ageDays > 90 then '90+'
    end as agingBucket,
    coalesce(dc.CompanyKey, -1) as CompanyKey,
    coalesce(da.AgreementSK, -1) as AgreementSK,
    coalesce(dm.MemberKey, -1) as MemberKey,
    coalesce(dw.WorkTypeKey, -1) as WorkTypeKey,
    coalesce(dr.WorkRoleKey, -1) as WorkRoleKey,
    coalesce(dp.DepartmentKey, -1) as DepartmentKey,
    coalesce(db.BoardKey, -1) as BoardKey,
    coalesce(dx.ProductKey, -1) as ProductKey,
    coalesce(dpj.ProjectKey, -1) as ProjectKey,
    coalesce(dph.PhaseKey, -1) as PhaseKey,
    coalesce(dlo.LocationKey, -1) as LocationKey,
    j.isGone as isDeleted
from judged j
left join dimdate dd on dd.`Date` = j.invoiceDate
left join dimcompany dc on dc.companyId = j.lineCompanyId
left join dimagreement da on da.agreementId = j.lineAgreementId
left join dimmember dm on dm.memberId = j.memberId
left join dimworktype dw on dw.workTypeId = j.workTypeId
left join dimworkrole dr on dr.workRoleId = j.workRoleId
left join dimdepartment dp on dp.departmentId = j.departmentId
left join dimboard db on db.boardId = j.boardId
left join dimproduct dx on dx.productId = j.catalogItemId
left join dimproject dpj on dpj.projectId = j.projectId
left join dimphase dph on dph.phaseId = j.phaseId
left join dimlocation dlo on dlo.locationId = j.locationId
