-- The versions of agreements, with the months in which each counts.
select
    h.id as agreementId, h.parentAgreementId, h.companyId, h.billAmount, h.billingCycleId, h.billingCycleName,
    h.startDate, h.billStartDate, h.endDate, h.noEndingDateFlag, h.cancelledFlag, h.dateCancelled,
    m.enteredOn, m.fromMonth, m.toMonth, m.knownFrom
from silver_cw_agreement_history h
join version_months m on m.recordType = 'agreement' and m.historyKey = h.historyKey
