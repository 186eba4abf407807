-- Weekdays of each member who enters time, from the first day on which anybody entered time (or the member's hire) to the day of the run (or the
-- member's leave). Who is inactive, gone from the list or was never on it, and has no day of leave, left on the day of the last entry.
--
-- A holiday takes the whole capacity of its day. Time off is what the member entered as such, as far as the day has hours for it: hours of a
-- work type of which the PSA says what it accrues (holiday, PTO, sick leave, vacation), and of the work types and charge codes that are
-- configured as time off.
with entering as (
    select memberId, max(dailyCapacity) as dailyCapacity, min(firstDay) as firstDay, max(lastDay) as lastDay
    from timeentry_members
    group by memberId
),
staff as (
    select
        w.memberId,
        cast(coalesce(m.dailyCapacity, w.dailyCapacity, 8) as decimal(19, 4)) as dailyCapacity,
        coalesce(m.hireDate, w.firstDay) as startsOn,
        coalesce(m.inactiveDate, case when m.id is null or m.isDeleted or coalesce(m.inactiveFlag, false) then w.lastDay end) as endsOn
    from entering w
    left join silver_cw_member m on m.id = w.memberId
),
bounds as (
    select s.firstDay, r.asOf as lastDay
    from run_day r
    cross join (select min(firstDay) as firstDay from entering) s
),
absent as (
    select u.memberId, u.workedOn, sum(u.hours) as hours
    from unticketed_hours u
    left join silver_cw_worktype t on t.id = u.workTypeId
    left join time_off n on n.workType = lower(trim(coalesce(t.name, u.workTypeName)))
    left join time_off c on c.chargeCodeId = u.chargeCodeId
    where t.accrualType is not null or n.workType is not null or c.chargeCodeId is not null
    group by u.memberId, u.workedOn
),
days as (
    select
        s.memberId, d.`Date` as `date`, d.DateKey, d.isHoliday, s.dailyCapacity as capacityHours,
        case when d.isHoliday then s.dailyCapacity else cast(0 as decimal(19, 4)) end as holidayHours
    from staff s
    cross join bounds b
    join dimdate d
        on d.`Date` >= b.firstDay and d.`Date` <= b.lastDay
        and d.`Date` >= s.startsOn and (s.endsOn is null or d.`Date` <= s.endsOn)
    where not d.isWeekend
)
select
    y.*,
    coalesce(
        try_cast(
            case when o.hours > y.capacityHours - y.holidayHours then y.capacityHours - y.holidayHours else o.hours end as decimal(19, 4)
        ),
        cast(0 as decimal(19, 4))
    ) as timeOffHours
from days y
left join absent o on o.memberId = y.memberId and o.workedOn = y.`date`
