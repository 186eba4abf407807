-- Members who enter time: between which days, and the daily capacity that the entries state.
select memberId, max(memberDailyCapacity) as dailyCapacity, min(workedOn) as firstDay, max(workedOn) as lastDay
from timeentry_days
where memberId is not null and not isDeleted and workedOn is not null
group by memberId
