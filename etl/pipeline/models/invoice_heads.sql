-- What an invoice says about its lines.
select
    id as invoiceId, `date`, dueDate, statusName, companyId, companyName, applyToType, applyToId, agreementId, agreementType
from silver_cw_invoice
