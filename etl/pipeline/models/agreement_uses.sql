-- Agreements that rows name, with how often, since when and up to which row.
select
    agreementId, agreementName, typeName,
    max(lastUpdated) as lastUpdated, max(id) as id, sum(uses) as uses, min(usedOn) filter (where uses > 0) as usedOn
from fact_rows
where agreementId is not null
group by agreementId, agreementName, typeName
