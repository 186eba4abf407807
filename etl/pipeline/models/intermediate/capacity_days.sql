-- Weekdays of each member who enters time, from the first day on which anybody entered time (or the member's hire) to the day of the run (or the
-- member's leave). Who is inactive, gone from the list or was never on it, and has no day of leave, left on the day of the last entry.
--
-- The capacity of a day is what the member's calendar is open for on that day of the week, else the member's daily capacity. A holiday, of the
-- calendar or configured, takes all of it, or the hours that it has. Time off is what the member entered as such, as far as the day has hours for it: hours of a
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
        m.calendarId,
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
open_days as (
    select
        s.memberId, d.`Date` as `date`, d.DateKey,
        d.isHoliday or (h.`date` is not null and h.hours is null) as isHoliday,
        cast(coalesce(o.hours, s.dailyCapacity) as decimal(19, 4)) as capacityHours,
        cast(case when h.hours > 0 then h.hours else 0 end as decimal(19, 4)) as partHours
    from staff s
    cross join bounds b
    join dimdate d
        on d.`Date` >= b.firstDay and d.`Date` <= b.lastDay
        and d.`Date` >= s.startsOn and (s.endsOn is null or d.`Date` <= s.endsOn)
    left join calendar_hours o on o.calendarId = s.calendarId and o.dayOfWeek = d.dayOfWeek
    left join calendar_holidays h on h.calendarId = s.calendarId and h.`date` = d.`Date`
    where not d.isWeekend
),
days as (
    select
        o.memberId, o.`date`, o.DateKey, o.isHoliday, o.capacityHours,
        case when o.isHoliday or o.partHours > o.capacityHours then o.capacityHours else o.partHours end as holidayHours
    from open_days o
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
