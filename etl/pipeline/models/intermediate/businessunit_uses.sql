-- Business units that rows name, with how often, since when and up to which row.
select
    businessUnitId, businessGroupDesc,
    max(lastUpdated) as lastUpdated, max(id) as id, sum(uses) as uses, min(usedOn) filter (where uses > 0) as usedOn
from fact_rows
where businessUnitId is not null
group by businessUnitId, businessGroupDesc
