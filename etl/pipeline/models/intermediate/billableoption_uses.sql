-- How rows are charged, with how often, since when and up to which row.
select
    billableOption,
    max(lastUpdated) as lastUpdated, max(id) as id, sum(uses) as uses, min(usedOn) filter (where uses > 0) as usedOn
from fact_rows
where billableOption is not null
group by billableOption
