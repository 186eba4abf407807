-- The versions of agreements, with the months in which each counts, by the rules of addition_versions.
with versions as (
    select
        h.id as agreementId, h.validFrom, h.validTo, h.etlTimestamp, h.historyKey,
        h.parentAgreementId, h.companyId, h.billAmount, h.billingCycleId, h.billingCycleName,
        h.startDate, h.billStartDate, h.endDate, h.noEndingDateFlag, h.cancelledFlag, h.dateCancelled,
        cast(from_utc_timestamp(h.dateEntered, '${time_zone}') as date) as enteredOn,
        cast(from_utc_timestamp(h.validFrom, '${time_zone}') as date) as changedOn,
        cast(from_utc_timestamp(h.validTo, '${time_zone}') as date) as endedOn,
        cast(from_utc_timestamp(h.etlTimestamp, '${time_zone}') as date) as readOn
    from silver_cw_agreement_history h
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
            partition by c.agreementId
            order by c.firstMonth asc nulls last, c.etlTimestamp asc nulls last, c.validFrom asc nulls last, c.historyKey asc nulls last
        ) as place,
        lead(c.validFrom) over (partition by c.agreementId order by c.validFrom asc nulls last, c.historyKey asc nulls last) as nextFrom,
        min(c.firstMonth) over (
            partition by c.agreementId order by c.validFrom desc nulls last, c.historyKey desc nulls last
            rows between unbounded preceding and 1 preceding
        ) as nextMonth,
        min(c.firstMonth) over (partition by c.agreementId) as knownFrom
    from counted c
),
began as (
    select min(readOn) as firstRun
    from versions
)
select
    n.agreementId,
    n.parentAgreementId, n.companyId, n.billAmount, n.billingCycleId, n.billingCycleName,
    n.startDate, n.billStartDate, n.endDate, n.noEndingDateFlag, n.cancelledFlag, n.dateCancelled,
    n.enteredOn,
    case when n.place = 1 and (n.readOn = b.firstRun or coalesce(n.enteredOn <= b.firstRun, false)) then 0 else n.firstMonth end as fromMonth,
    -- A record that is gone counts no more from the month on in which a run noticed.
    least(
        n.nextMonth, case when n.validTo is not null and (n.nextFrom is null or n.nextFrom > n.validTo) then n.endMonth end
    ) as toMonth,
    n.knownFrom
from numbered n
cross join began b
