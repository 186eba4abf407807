-- The months in which each version of an agreement or of an addition counts.
--
-- A version counts in a month when it was valid by the end of the month and read before the month was closed (month_ends), so that
-- nothing that is read later changes a closed month. Before the first month of a record its first version counts, as far as its
-- dates say, if the record existed when a run first read any. fromMonth and toMonth, in which it counts no more, are numbers
-- of months; knownFrom is the record's first month that isn't reconstructed.
with stored as (
    select 'addition' as recordType, h.id, h.historyKey, h.validFrom, h.validTo, h.etlTimestamp, h.dateEntered
    from silver_cw_agreementaddition_history h
    union all
    select 'agreement' as recordType, h.id, h.historyKey, h.validFrom, h.validTo, h.etlTimestamp, h.dateEntered
    from silver_cw_agreement_history h
),
versions as (
    select
        s.*,
        cast(from_utc_timestamp(s.dateEntered, '${time_zone}') as date) as enteredOn,
        cast(from_utc_timestamp(s.validFrom, '${time_zone}') as date) as changedOn,
        cast(from_utc_timestamp(s.validTo, '${time_zone}') as date) as endedOn,
        cast(from_utc_timestamp(s.etlTimestamp, '${time_zone}') as date) as readOn
    from stored s
    where s.validTo is null or s.validTo > s.validFrom
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
            partition by c.recordType, c.id
            order by c.firstMonth asc nulls last, c.etlTimestamp asc nulls last, c.validFrom asc nulls last, c.historyKey asc nulls last
        ) as place,
        lead(c.validFrom) over (
            partition by c.recordType, c.id order by c.validFrom asc nulls last, c.historyKey asc nulls last
        ) as nextFrom,
        min(c.firstMonth) over (
            partition by c.recordType, c.id order by c.validFrom desc nulls last, c.historyKey desc nulls last
            rows between unbounded preceding and 1 preceding
        ) as nextMonth,
        min(c.firstMonth) over (partition by c.recordType, c.id) as knownFrom
    from counted c
),
began as (
    select v.recordType, min(v.readOn) as firstRun
    from versions v
    group by v.recordType
)
select
    n.recordType, n.historyKey, n.enteredOn,
    case when n.place = 1 and (n.readOn = b.firstRun or coalesce(n.enteredOn <= b.firstRun, false)) then 0 else n.firstMonth end as fromMonth,
    -- A record that is gone counts no more from the month on in which a run noticed.
    least(
        n.nextMonth, case when n.validTo is not null and (n.nextFrom is null or n.nextFrom > n.validTo) then n.endMonth end
    ) as toMonth,
    n.knownFrom
from numbered n
join began b on b.recordType = n.recordType
