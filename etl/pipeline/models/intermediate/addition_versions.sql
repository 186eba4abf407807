-- The versions of additions to agreements, with the months in which each counts.
select
    h.id as additionId, h.agreementId, h.productId, h.productIdentifier, h.description, h.billCustomer,
    h.quantity, h.lessIncluded, h.unitPrice, h.unitCost, h.extPrice, h.extCost, h.effectiveDate, h.cancelledDate,
    m.enteredOn, m.fromMonth, m.toMonth, m.knownFrom
from silver_cw_agreementaddition_history h
join version_months m on m.recordType = 'addition' and m.historyKey = h.historyKey
