-- Where time entries are on their way to an invoice, with how often, since when and up to which row.
select
    timeEntryStatus,
    max(lastUpdated) as lastUpdated, max(id) as id, sum(uses) as uses, min(usedOn) filter (where uses > 0) as usedOn
from fact_rows
where timeEntryStatus is not null
group by timeEntryStatus
