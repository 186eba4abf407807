-- Kinds of work that rows name, with how often, since when and up to which row.
select
    workTypeId, workTypeName,
    max(lastUpdated) as lastUpdated, max(id) as id, sum(uses) as uses, min(usedOn) filter (where uses > 0) as usedOn
from fact_rows
where workTypeId is not null
group by workTypeId, workTypeName
