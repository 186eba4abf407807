-- Every row of the facts with the natural keys that it carries: what dimensions count, date and fill their gaps from. An
-- invoice names a company and an agreement, and uses neither; nor does a row that is gone.
select
    id, companyId, companyIdentifier, companyName, companyType, memberId, memberIdentifier, memberName,
    agreementId, agreementName, billableOption, status as timeEntryStatus, chargeToType, workTypeId, workTypeName,
    workRoleId, workRoleName, departmentId, departmentName, businessUnitId, businessGroupDesc,
    cast(timeStart as date) as usedOn, lastUpdated, case when isDeleted then cast(0 as bigint) else cast(1 as bigint) end as uses,
    coalesce(agreementType, agreementAgreementType) as typeName, invoiceInvoiceDate as invoicedOn
from silver_cw_timeentry
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
