-- Every row of the facts with the natural keys that it carries: what dimensions count, date and fill their gaps from. Invoices
-- and tickets name companies, agreements and others, and use none of them; nor does a row that is gone.
select
    id, companyId, companyIdentifier, companyName, companyType, memberId, memberIdentifier, memberName,
    agreementId, agreementName, billableOption, status as timeEntryStatus, chargeToType, workTypeId, workTypeName,
    workRoleId, workRoleName, departmentId, departmentName, businessUnitId, businessGroupDesc,
    workedOn as usedOn, lastUpdated, case when isDeleted then cast(0 as bigint) else cast(1 as bigint) end as uses,
    coalesce(agreementType, agreementAgreementType) as typeName, invoiceInvoiceDate as invoicedOn
from timeentry_days
union all
select
    id, companyId, companyIdentifier, companyName, cast(null as string), memberId, memberIdentifier, memberName,
    agreementId, agreementName, billableOption, cast(null as string), chargeToType, cast(null as int), cast(null as string),
    cast(null as int), cast(null as string), cast(null as int), cast(null as string), cast(null as int), cast(null as string),
    `date`, lastUpdated, case when isDeleted then cast(0 as bigint) else cast(1 as bigint) end,
    agreementType, invoiceInvoiceDate
from silver_cw_expenseentry
union all
select
    id, companyId, companyIdentifier, companyName, cast(null as string), cast(null as int), cast(null as string), cast(null as string),
    agreementId, agreementName, billableOption, cast(null as string), cast(null as string), cast(null as int), cast(null as string),
    cast(null as int), cast(null as string), cast(null as int), cast(null as string), cast(null as int), cast(null as string),
    purchaseDate, lastUpdated, case when isDeleted then cast(0 as bigint) else cast(1 as bigint) end,
    agreementType, invoiceInvoiceDate
from silver_cw_productitem
union all
select
    id, companyId, companyIdentifier, companyName, cast(null as string), cast(null as int), cast(null as string), cast(null as string),
    agreementId, agreementName, cast(null as string), cast(null as string), cast(null as string), cast(null as int), cast(null as string),
    cast(null as int), cast(null as string), cast(null as int), cast(null as string), cast(null as int), cast(null as string),
    `date`, lastUpdated, cast(0 as bigint),
    agreementType, cast(null as date)
from silver_cw_invoice
union all
select
    id, companyId, companyIdentifier, companyName, cast(null as string), cast(null as int), cast(null as string), cast(null as string),
    cast(null as int), cast(null as string), cast(null as string), cast(null as string), cast(null as string), cast(null as int), cast(null as string),
    cast(null as int), cast(null as string), cast(null as int), cast(null as string), cast(null as int), cast(null as string),
    invoiceDate, lastUpdated, cast(0 as bigint),
    cast(null as string), cast(null as date)
from silver_cw_unpostedinvoice
union all
select
    id, companyId, companyIdentifier, companyName, cast(null as string), ownerId, ownerIdentifier, ownerName,
    agreementId, agreementName, cast(null as string), cast(null as string), cast(null as string), cast(null as int), cast(null as string),
    cast(null as int), cast(null as string), departmentId, departmentName, cast(null as int), cast(null as string),
    cast(from_utc_timestamp(dateEntered, '${time_zone}') as date), lastUpdated, cast(0 as bigint),
    coalesce(agreementType, agreementAgreementType), cast(null as date)
from silver_cw_serviceticket
union all
select
    id, companyId, companyIdentifier, companyName, cast(null as string), ownerId, ownerIdentifier, ownerName,
    agreementId, agreementName, cast(null as string), cast(null as string), cast(null as string), cast(null as int), cast(null as string),
    cast(null as int), cast(null as string), departmentId, departmentName, cast(null as int), cast(null as string),
    cast(from_utc_timestamp(dateEntered, '${time_zone}') as date), lastUpdated, cast(0 as bigint),
    coalesce(agreementType, agreementAgreementType), cast(null as date)
from silver_cw_projectticket
