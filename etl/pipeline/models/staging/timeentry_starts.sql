-- Time entries with the day that those by hours alone state: they have it as midnight, which is no instant, so that no time zone moves it. What
-- needs no other day than that reads entries here, and depends on no zone.
select
    t.*,
    case when t.timeEnd is null and t.timeStart = date_trunc('DAY', t.timeStart) then cast(t.timeStart as date) end as statedDay
from silver_cw_timeentry t
