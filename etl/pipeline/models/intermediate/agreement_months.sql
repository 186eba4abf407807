-- What each agreement was at the end of each month: its terms, and until when it runs.
select
    v.agreementId, m.monthNumber, m.monthEnd, v.companyId, coalesce(v.parentAgreementId, v.agreementId) as rootAgreementId,
    v.billAmount, coalesce(v.billingCycleName, b.billingCycleName) as billingCycle, coalesce(n.cycleMonths, b.cycleMonths) as cycleMonths,
    coalesce(case when v.startDate >= date '1900-01-01' then v.startDate end, v.billStartDate, v.enteredOn) as startsOn,
    case when coalesce(v.noEndingDateFlag, false) then cast(null as date) else v.endDate end as endsOn,
    v.dateCancelled as cancelledOn,
    -- Cancelled, and nothing tells when.
    coalesce(v.cancelledFlag, false) and v.dateCancelled is null as isOver,
    v.knownFrom
from agreement_versions v
join month_ends m on m.monthNumber >= v.fromMonth and (v.toMonth is null or m.monthNumber < v.toMonth)
left join cycle_lengths n on n.cycleName = lower(trim(v.billingCycleName))
left join billing_cycles b on b.billingCycleId = v.billingCycleId
