-- One row per member who enters time and weekday within hire and leave, up to the day of the run. What is neither holiday nor time off
-- is available.
select
    sha2(cast(c.memberId as string) || '-' || cast(c.`date` as string), 256) as CapacitySK,
    c.memberId, c.`date`, c.DateKey as CapacityDateSK, c.isHoliday, c.capacityHours, c.holidayHours, c.timeOffHours,
    try_cast(c.capacityHours - c.holidayHours - c.timeOffHours as decimal(19, 4)) as availableHours,
    coalesce(dm.MemberKey, -1) as MemberKey
from capacity_days c
left join dimmember dm on dm.memberId = c.memberId
