-- Time entries with the day on which the work was done.
select t.*, coalesce(t.statedDay, cast(from_utc_timestamp(t.timeStart, '${time_zone}') as date)) as workedOn
from timeentry_starts t
