-- Holidays of each calendar, by the list of holidays that it names: hours of those that take part of a day, NULL where one takes all of it.
select
    c.id as calendarId, h.`date`,
    case when min(case when coalesce(h.allDayFlag, true) then 0 else 1 end) = 1 then max(
        cast(
            try_cast(substr(h.timeEnd, 1, 2) as int) * 60 + try_cast(substr(h.timeEnd, 4, 2) as int)
                - try_cast(substr(h.timeStart, 1, 2) as int) * 60 - try_cast(substr(h.timeStart, 4, 2) as int)
            as decimal(9, 4)
        ) / 60
    ) end as hours
from silver_cw_calendar c
join silver_cw_holiday h on coalesce(h.holidayListId, cast(h._etl_parent_id as int)) = c.holidayListId and not h.isDeleted
where not c.isDeleted and h.`date` is not null
group by c.id, h.`date`
