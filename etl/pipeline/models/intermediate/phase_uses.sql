-- Phases of projects that rows name, with how often, since when and up to which row.
select
    phaseId, phaseName,
    max(lastUpdated) as lastUpdated, max(id) as id, sum(uses) as uses, min(usedOn) filter (where uses > 0) as usedOn
from project_rows
where phaseId is not null
group by phaseId, phaseName
