-- What each addition brought and cost at the end of each month in which it and its agreement ran, and each agreement by its own flat
-- amount. Amounts are a month's share of a billing cycle; of a cycle whose length isn't known they are NULL. Additions that aren't
-- billed have their cost and bring nothing. An agreement that is gone takes its additions with it; one that was never there takes none.
select
    cast(p.additionId as bigint) * 2 as recurringKey, 'addition' as recurringSource,
    p.monthNumber, p.additionId, p.agreementId, p.rootAgreementId, p.companyId, p.productId, p.productIdentifier,
    p.billingCycle, p.cycleMonths, p.billedQuantity,
    case when p.isBilled then try_cast(p.price / p.cycleMonths as decimal(19, 4)) else cast(0 as decimal(19, 4)) end as mrr,
    try_cast(p.cost / p.cycleMonths as decimal(19, 4)) as mrrCost,
    p.knownFrom
from (
    select
        v.additionId, v.agreementId, v.productId, v.productIdentifier, v.knownFrom, m.monthNumber,
        a.rootAgreementId, a.companyId, a.billingCycle, a.cycleMonths,
        coalesce(v.billCustomer, 'Billable') = 'Billable' as isBilled,
        try_cast(coalesce(v.quantity, 0) - coalesce(v.lessIncluded, 0) as decimal(19, 4)) as billedQuantity,
        coalesce(
            v.extPrice,
            try_cast(cast(coalesce(v.quantity, 0) - coalesce(v.lessIncluded, 0) as decimal(18, 4)) * cast(v.unitPrice as decimal(18, 4)) as decimal(19, 4)),
            cast(0 as decimal(19, 4))
        ) as price,
        coalesce(
            v.extCost,
            try_cast(cast(v.quantity as decimal(18, 4)) * cast(v.unitCost as decimal(18, 4)) as decimal(19, 4)),
            cast(0 as decimal(19, 4))
        ) as cost
    from addition_versions v
    join month_ends m
        on m.monthNumber >= v.fromMonth
        and (v.toMonth is null or m.monthNumber < v.toMonth)
        and coalesce(case when v.effectiveDate >= date '1900-01-01' then v.effectiveDate end, v.enteredOn) <= m.monthEnd
        and (v.cancelledDate is null or v.cancelledDate > m.monthEnd)
    left join agreement_months a on a.agreementId = v.agreementId and a.monthNumber = m.monthNumber
    left join (select agreementId from agreement_versions group by agreementId) k on k.agreementId = v.agreementId
    where (a.agreementId is not null or k.agreementId is null)
        and (a.startsOn is null or a.startsOn <= m.monthEnd)
        and (a.endsOn is null or a.endsOn >= m.monthEnd)
        and (a.cancelledOn is null or a.cancelledOn > m.monthEnd)
        and not coalesce(a.isOver, false)
) p
union all
select
    cast(a.agreementId as bigint) * 2 + 1, 'agreement',
    a.monthNumber, cast(null as int), a.agreementId, a.rootAgreementId, a.companyId, cast(null as int), cast(null as string),
    a.billingCycle, a.cycleMonths, cast(1 as decimal(19, 4)),
    try_cast(a.billAmount / a.cycleMonths as decimal(19, 4)), cast(0 as decimal(19, 4)),
    a.knownFrom
from agreement_months a
where a.billAmount <> 0
    and a.startsOn <= a.monthEnd
    and (a.endsOn is null or a.endsOn >= a.monthEnd)
    and (a.cancelledOn is null or a.cancelledOn > a.monthEnd)
    and not a.isOver
