-- Hours for which each calendar is open on each day of the week, 1 (Monday) to 7 (Sunday): 0 on days without times, where others have some. Of a
-- calendar without any times nothing is known.
with times as (
    select
        c.id as calendarId, d.dayOfWeek,
        case d.dayOfWeek
            when 1 then c.mondayStartTime
            when 2 then c.tuesdayStartTime
            when 3 then c.wednesdayStartTime
            when 4 then c.thursdayStartTime
            when 5 then c.fridayStartTime
            when 6 then c.saturdayStartTime
            when 7 then c.sundayStartTime
        end as startsAt,
        case d.dayOfWeek
            when 1 then c.mondayEndTime
            when 2 then c.tuesdayEndTime
            when 3 then c.wednesdayEndTime
            when 4 then c.thursdayEndTime
            when 5 then c.fridayEndTime
            when 6 then c.saturdayEndTime
            when 7 then c.sundayEndTime
        end as endsAt
    from silver_cw_calendar c
    cross join (
        select 1 as dayOfWeek union all select 2 union all select 3 union all select 4 union all select 5 union all select 6 union all select 7
    ) d
    where not c.isDeleted
),
lengths as (
    select
        calendarId, dayOfWeek,
        try_cast(substr(endsAt, 1, 2) as int) * 60 + try_cast(substr(endsAt, 4, 2) as int)
            - try_cast(substr(startsAt, 1, 2) as int) * 60 - try_cast(substr(startsAt, 4, 2) as int) as minutes
    from times
)
select l.calendarId, l.dayOfWeek, cast(case when l.minutes > 0 then l.minutes else 0 end as decimal(9, 4)) / 60 as hours
from lengths l
left semi join lengths k on k.calendarId = l.calendarId and k.minutes > 0
