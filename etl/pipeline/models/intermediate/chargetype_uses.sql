-- What rows are charged to, with how often, since when and up to which row.
select
    chargeToType,
    max(lastUpdated) as lastUpdated, max(id) as id, sum(uses) as uses, min(usedOn) filter (where uses > 0) as usedOn
from fact_rows
where chargeToType is not null
group by chargeToType
