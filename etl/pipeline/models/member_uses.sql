-- Members that rows name, with how often, since when and up to which row.
select
    memberId, memberName, memberIdentifier,
    max(lastUpdated) as lastUpdated, max(id) as id, sum(uses) as uses, min(usedOn) filter (where uses > 0) as usedOn
from fact_rows
where memberId is not null
group by memberId, memberName, memberIdentifier
