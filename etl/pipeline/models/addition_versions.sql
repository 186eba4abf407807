-- The versions of additions to agreements, with the months in which each counts.
--
-- A version counts in a month when it was valid by the end of the month and read before the month was closed (month_ends), so that
-- nothing that is read later changes a closed month. Before the first month of an addition its first version counts, as far as its
-- dates say, if the addition existed when a run first read any. fromMonth and toMonth, in which it counts no more, are numbers
-- of months; knownFrom is the addition's first month that isn't reconstructed.
with versions as (
    select
        h.id as additionId, h.validFrom, h.validTo, h.etlTimestamp, h.historyKey,
        h.agreementId, h.productId, h.productIdentifier, h.description, h.billCustomer,
        h.quantity, h.lessIncluded, h.unitPrice, h.unitCost, h.extPrice, h.extCost, h.effectiveDate, h.cancelledDate,
        cast(from_utc_timestamp(h.dateEntered, '${time_zone}') as date) as enteredOn,
        cast(from_utc_timestamp(h.validFrom, '${time_zone}') as date) as changedOn,
        cast(from_utc_timestamp(h.validTo, '${time_zone}') as date) as endedOn,
        cast(from_utc_timestamp(h.etlTimestamp, '${time_zone}') as date) as readOn
    from silver_cw_agreementaddition_history h
    where h.validTo is null or h.validTo > h.validFrom
),
counted as (
    select
        v.*,
        greatest(
            extract(year from v.changedOn) * 12 + extract(month from v.changedOn),
            extract(year from v.readOn) * 12 + extract(month from v.readOn) - case when extract(day from v.readOn) = 1 then 1 else 0 end
        ) as firstMonth,
        extract(year from v.endedOn) * 12 + extract(month from v.endedOn) as endMonth
    from versions v
),
numbered as (
    select
        c.*,
        row_number() over (
            partition by c.additionId
            order by c.firstMonth asc nulls last, c.etlTimestamp asc nulls last, c.validFrom asc nulls last, c.historyKey asc nulls last
        ) as place,
        lead(c.validFrom) over (partition by c.additionId order by c.validFrom asc nulls last, c.historyKey asc nulls last) as nextFrom,
        min(c.firstMonth) over (
            partition by c.additionId order by c.validFrom desc nulls last, c.historyKey desc nulls last
            rows between unbounded preceding and 1 preceding
        ) as nextMonth,
        min(c.firstMonth) over (partition by c.additionId) as knownFrom
    from counted c
),
began as (
    select min(readOn) as firstRun
    from versions
)
select
    n.additionId,
    n.agreementId, n.productId, n.productIdentifier, n.description, n.billCustomer,
    n.quantity, n.lessIncluded, n.unitPrice, n.unitCost, n.extPrice, n.extCost, n.effectiveDate, n.cancelledDate,
    n.enteredOn,
    case when n.place = 1 and (n.readOn = b.firstRun or coalesce(n.enteredOn <= b.firstRun, false)) then 0 else n.firstMonth end as fromMonth,
    -- A record that is gone counts no more from the month on in which a run noticed.
    least(
        n.nextMonth, case when n.validTo is not null and (n.nextFrom is null or n.nextFrom > n.validTo) then n.endMonth end
    ) as toMonth,
    n.knownFrom
from numbered n
cross join began b
