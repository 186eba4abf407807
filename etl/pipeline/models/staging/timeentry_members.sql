-- Members who enter time: between which days, and the daily capacity that the entries state.
select e.memberId, max(e.dailyCapacity) as dailyCapacity, min(e.workedOn) as firstDay, max(e.workedOn) as lastDay
from (
    select
        memberId, memberDailyCapacity as dailyCapacity,
        -- An entry by hours alone has its day as midnight: no instant.
        case
            when timeEnd is null and timeStart = date_trunc('DAY', timeStart) then cast(timeStart as date)
            else cast(from_utc_timestamp(timeStart, '${time_zone}') as date)
        end as workedOn
    from silver_cw_timeentry
    where memberId is not null and not isDeleted
) e
where e.workedOn is not null
group by e.memberId
