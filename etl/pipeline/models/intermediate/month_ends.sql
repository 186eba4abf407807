-- The last days of months up to the month of the run. Months are numbered one after the other. A month is closed from the second day of
-- the next one on: runs of the first day still see what changed before.
select d.monthNumber, d.monthEnd, d.MonthEndDateSK, d.monthNumber < r.openFrom as isClosed
from (
    select
        extract(year from `Date`) * 12 + extract(month from `Date`) as monthNumber,
        max(`Date`) as monthEnd,
        max(DateKey) as MonthEndDateSK
    from dimdate
    where `Date` is not null
    group by extract(year from `Date`) * 12 + extract(month from `Date`)
) d
cross join (
    select
        extract(year from t.asOf) * 12 + extract(month from t.asOf) as runMonth,
        extract(year from t.asOf) * 12 + extract(month from t.asOf) - case when extract(day from t.asOf) = 1 then 1 else 0 end as openFrom
    from run_day t
) r
where d.monthNumber <= r.runMonth
