-- One row per addition to an agreement, as it is now. Amounts of a month are those of fact_mrr: what is billed, divided by the months of the
-- agreement's billing cycle, whether the addition is active or not; NULL where the length of the cycle isn't known. An addition is active
-- from its effective date to the day before it is cancelled, as long as its agreement runs, and not before that begins.
with priced as (
    select
        x.id as additionId, x.agreementId, coalesce(a.parentAgreementId, x.agreementId) as rootAgreementId, a.companyId,
        x.productId, x.productIdentifier, x.description, x.quantity, x.lessIncluded, x.unitPrice, x.unitCost,
        coalesce(
            x.extPrice,
            try_cast(cast(coalesce(x.quantity, 0) - coalesce(x.lessIncluded, 0) as decimal(18, 4)) * cast(x.unitPrice as decimal(18, 4)) as decimal(19, 4))
        ) as extendedPrice,
        coalesce(x.extCost, try_cast(cast(x.quantity as decimal(18, 4)) * cast(x.unitCost as decimal(18, 4)) as decimal(19, 4))) as extendedCost,
        x.billCustomer, x.effectiveDate, x.cancelledDate,
        coalesce(a.billingCycleName, b.billingCycleName) as billingCycle,
        coalesce(n.cycleMonths, b.cycleMonths) as cycleMonths,
        coalesce(b.isOnce, false) as isOnce,
        greatest(
            coalesce(x.effectiveDate, cast(from_utc_timestamp(x.dateEntered, '${time_zone}') as date)),
            case when a.startDate >= date '1900-01-01' then a.startDate else a.billStartDate end
        ) as startsOn,
        coalesce(a.cancelledFlag, false) and a.dateCancelled is null
            or coalesce(a.dateCancelled <= r.asOf, false)
            or not coalesce(a.noEndingDateFlag, false) and coalesce(a.endDate < r.asOf, false)
            or coalesce(a.isDeleted, false) as isAgreementOver,
        x.isDeleted, r.asOf
    from silver_cw_agreementaddition x
    cross join run_day r
    left join silver_cw_agreement a on a.id = x.agreementId
    left join cycle_lengths n on n.cycleName = lower(trim(a.billingCycleName))
    left join billing_cycles b on b.billingCycleId = a.billingCycleId
),
judged as (
    select
        p.*,
        case
            when p.isAgreementOver then 'AgreementEnded'
            when p.cancelledDate <= p.asOf then 'Cancelled'
            when p.startsOn > p.asOf then 'Future'
            else 'Active'
        end as status
    from priced p
)
select
    sha2(cast(j.additionId as string), 256) as AgreementAdditionSK,
    j.additionId, j.agreementId, j.rootAgreementId, j.companyId, j.productId, j.productIdentifier, j.description,
    j.quantity, j.lessIncluded, j.unitPrice, j.unitCost, j.extendedPrice, j.extendedCost, j.billCustomer,
    j.effectiveDate, j.cancelledDate, j.status, j.billingCycle, cast(j.cycleMonths as int) as cycleMonths, j.isOnce as isBilledOnce,
    case
        when coalesce(j.billCustomer, 'Billable') <> 'Billable' then cast(0 as decimal(19, 4))
        else try_cast(coalesce(j.extendedPrice, cast(0 as decimal(19, 4))) / j.cycleMonths as decimal(19, 4))
    end as mrr,
    try_cast(coalesce(j.extendedCost, cast(0 as decimal(19, 4))) / j.cycleMonths as decimal(19, 4)) as mrrCost,
    j.status = 'Active' and not j.isDeleted as isActive,
    coalesce(de.DateKey, -1) as EffectiveDateSK,
    coalesce(dx.DateKey, -1) as CancelledDateSK,
    coalesce(dc.CompanyKey, -1) as CompanyKey,
    coalesce(da.AgreementSK, -1) as AgreementSK,
    coalesce(dp.ProductKey, -1) as ProductKey,
    j.isDeleted
from judged j
left join dimdate de on de.`Date` = j.effectiveDate
left join dimdate dx on dx.`Date` = j.cancelledDate
left join dimcompany dc on dc.companyId = j.companyId
left join dimagreement da on da.agreementId = j.agreementId
left join dimproduct dp on dp.productId = j.productId
