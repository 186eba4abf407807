-- The periods of agreements with a limit, up to the day of the run, with what is granted, adjusted and used in each, and the balance of these
-- since the beginning. The first one has what was used before, and what nothing dates; the last one what was used after; adjustments
-- likewise. `given` is what adjustments add: it expires with what the period grants, while what they take off is gone at once.
with numbers as (
    select datediff(d.`Date`, f.firstDay) as place
    from dimdate d
    cross join (select min(`Date`) as firstDay from dimdate) f
    where d.`Date` is not null
),
periods as (
    select
        t.agreementId, t.rootAgreementId, t.companyId, t.units, t.cycle, t.periodLimit, t.carriesOver, t.expiredDays, t.endsWhenZero,
        t.startsOn, t.endsBefore, t.isOver, t.asOf, t.isDeleted, t.base, t.stepMonths, t.stepDays, n.place,
        case
            when n.place = 0 then t.startsOn
            when t.stepMonths > 0 then add_months(t.base, cast(n.place * t.stepMonths as int))
            else date_add(t.base, cast(n.place * t.stepDays as int))
        end as periodStart,
        case
            when t.stepMonths > 0 then add_months(t.base, cast((n.place + 1) * t.stepMonths as int))
            when t.stepDays > 0 then date_add(t.base, cast((n.place + 1) * t.stepDays as int))
        end as nextPeriodStart
    from prepaid_terms t
    join numbers n
        on n.place = 0
        or n.place * (t.stepMonths * 28 + t.stepDays) <= datediff(t.asOf, t.base) and t.stepMonths + t.stepDays > 0
),
numbered as (
    select
        p.*,
        p.place = max(p.place) over (partition by p.agreementId) as isLast
    from periods p
    where p.place = 0 or (p.periodStart <= p.asOf and (p.endsBefore is null or p.periodStart < p.endsBefore))
),
events as (
    select
        agreementId, usedOn as happenedOn, hours, amount, cast(incidents as decimal(29, 4)) as incidents,
        cast(0 as decimal(29, 4)) as given, cast(0 as decimal(29, 4)) as taken
    from prepaid_uses
    union all
    select
        agreementId, effectiveDate, cast(0 as decimal(29, 4)), cast(0 as decimal(29, 4)), cast(0 as decimal(29, 4)),
        given, taken
    from prepaid_adjustments
),
summed as (
    select
        n.agreementId, n.place, sum(e.given) as given, sum(e.taken) as taken,
        sum(case when n.units = 'Hours' then e.hours when n.units = 'Incidents' then e.incidents else e.amount end) as used
    from numbered n
    join events e
        on e.agreementId = n.agreementId
        and (n.place = 0 or e.happenedOn >= n.periodStart)
        and (n.isLast or coalesce(e.happenedOn < n.nextPeriodStart, n.place = 0))
    group by n.agreementId, n.place
)
select
    p.*,
    sum(p.granted + p.given - p.taken - p.used) over (
        partition by p.agreementId order by p.place asc nulls last rows between unbounded preceding and current row
    ) as balance
from (
    select
        n.*,
        case
            when n.periodStart <= n.asOf and (n.endsBefore is null or n.periodStart < n.endsBefore) then n.periodLimit
            else cast(0 as decimal(19, 4))
        end as granted,
        cast(coalesce(s.given, 0) as decimal(19, 4)) as given,
        cast(coalesce(s.taken, 0) as decimal(19, 4)) as taken,
        cast(coalesce(s.used, 0) as decimal(19, 4)) as used
    from numbered n
    left join summed s on s.agreementId = n.agreementId and s.place = n.place
) p
