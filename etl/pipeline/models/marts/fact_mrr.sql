-- One row per month and addition to an agreement that ran at the end of the month, and per month and agreement with a flat amount of its
-- own, with what moved since the month before: previousMrr + movementAmount = mrr, and of all rows of a month previousMrr is the mrr of
-- the month before. What ended has a row in the month after its last one. mrr is NULL, and counts 0, where the length of the billing
-- cycle isn't known.
with followed as (
    select
        r.*,
        lag(r.monthNumber) over (partition by r.recurringKey order by r.monthNumber asc nulls last) as monthBefore,
        lag(r.mrr) over (partition by r.recurringKey order by r.monthNumber asc nulls last) as mrrBefore,
        lag(r.billedQuantity) over (partition by r.recurringKey order by r.monthNumber asc nulls last) as quantityBefore,
        lead(r.monthNumber) over (partition by r.recurringKey order by r.monthNumber asc nulls last) as monthAfter,
        max(case when r.mrr <> 0 then 1 else 0 end) over (
            partition by r.recurringKey order by r.monthNumber asc nulls last rows between unbounded preceding and 1 preceding
        ) as broughtBefore
    from recurring_months r
),
compared as (
    select
        f.recurringSource, f.additionId, f.agreementId, f.rootAgreementId, f.companyId, f.productId, f.productIdentifier, f.billingCycle,
        f.cycleMonths, f.knownFrom, f.quantityBefore, f.broughtBefore,
        f.monthNumber + s.step as monthNumber,
        case when s.step = 0 then f.billedQuantity else cast(0 as decimal(19, 4)) end as billedQuantity,
        case when s.step = 0 then f.mrr else cast(0 as decimal(19, 4)) end as mrr,
        case when s.step = 0 then f.mrrCost else cast(0 as decimal(19, 4)) end as mrrCost,
        coalesce(
            case when s.step = 1 then f.mrr when f.monthBefore = f.monthNumber - 1 then f.mrrBefore end, cast(0 as decimal(19, 4))
        ) as previousMrr
    from followed f
    cross join (select 0 as step union all select 1 as step) s
    where s.step = 0 or f.monthAfter is null or f.monthAfter > f.monthNumber + 1
),
judged as (
    select c.*, coalesce(c.mrr, cast(0 as decimal(19, 4))) as amount
    from compared c
)
select
    sha2(j.recurringSource || '-' || cast(coalesce(j.additionId, j.agreementId) as string) || '-' || cast(e.monthEnd as string), 256) as MrrSK,
    e.monthEnd,
    cast(extract(year from e.monthEnd) * 100 + extract(month from e.monthEnd) as int) as monthKey,
    e.MonthEndDateSK,
    j.recurringSource, j.additionId, j.agreementId, j.rootAgreementId, j.companyId, j.productId, j.productIdentifier,
    j.billingCycle, cast(j.cycleMonths as int) as cycleMonths, j.billedQuantity, j.mrr, j.mrrCost, j.previousMrr,
    case
        when j.amount = j.previousMrr then 'none'
        when j.previousMrr = 0 and j.broughtBefore = 1 then 'reactivation'
        when j.previousMrr = 0 then 'new'
        when j.amount = 0 then 'churn'
        when j.billedQuantity = j.quantityBefore then 'price'
        when j.amount > j.previousMrr then 'expansion'
        else 'contraction'
    end as movement,
    try_cast(j.amount - j.previousMrr as decimal(19, 4)) as movementAmount,
    j.monthNumber < j.knownFrom as isReconstructed,
    e.isClosed,
    coalesce(dc.CompanyKey, -1) as CompanyKey,
    coalesce(da.AgreementSK, -1) as AgreementSK,
    coalesce(dp.ProductKey, -1) as ProductKey
from judged j
join month_ends e on e.monthNumber = j.monthNumber
left join dimcompany dc on dc.companyId = j.companyId
left join dimagreement da on da.agreementId = j.agreementId
left join dimproduct dp on dp.productId = j.productId
