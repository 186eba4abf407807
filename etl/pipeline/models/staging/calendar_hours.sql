-- Hours for which each calendar is open on each day of the week, 1 (Monday) to 7 (Sunday): 0 on days without times, where others have some. Of a
-- calendar without any times nothing is known.
with times as (
    select id, 1 as dayOfWeek, mondayStartTime as startsAt, mondayEndTime as endsAt from silver_cw_calendar where not isDeleted
    union all
    select id, 2, tuesdayStartTime, tuesdayEndTime from silver_cw_calendar where not isDeleted
    union all
    select id, 3, wednesdayStartTime, wednesdayEndTime from silver_cw_calendar where not isDeleted
    union all
    select id, 4, thursdayStartTime, thursdayEndTime from silver_cw_calendar where not isDeleted
    union all
    select id, 5, fridayStartTime, fridayEndTime from silver_cw_calendar where not isDeleted
    union all
    select id, 6, saturdayStartTime, saturdayEndTime from silver_cw_calendar where not isDeleted
    union all
    select id, 7, sundayStartTime, sundayEndTime from silver_cw_calendar where not isDeleted
),
lengths as (
    select
        id as calendarId, dayOfWeek,
        try_cast(substr(endsAt, 1, 2) as int) * 60 + try_cast(substr(endsAt, 4, 2) as int)
            - try_cast(substr(startsAt, 1, 2) as int) * 60 - try_cast(substr(startsAt, 4, 2) as int) as minutes
    from times
)
select l.calendarId, l.dayOfWeek, cast(case when l.minutes > 0 then l.minutes else 0 end as decimal(9, 4)) / 60 as hours
from lengths l
left semi join lengths k on k.calendarId = l.calendarId and k.minutes > 0
