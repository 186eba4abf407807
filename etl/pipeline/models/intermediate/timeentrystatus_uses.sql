-- Where time entries are on their way to an invoice, with how often, since when and up to which row, and where time sheets are.
select
    u.timeEntryStatus,
    max(u.lastUpdated) as lastUpdated, max(u.id) as id, sum(u.uses) as uses, min(u.usedOn) filter (where u.uses > 0) as usedOn
from (
    select timeEntryStatus, lastUpdated, id, uses, usedOn
    from fact_rows
    union all
    select status, lastUpdated, id, cast(0 as bigint), cast(null as date)
    from silver_cw_timesheet
) u
where u.timeEntryStatus is not null
group by u.timeEntryStatus
