-- Teams that tickets name, with how often, since when and up to which row.
select
    teamId, teamName,
    max(lastUpdated) as lastUpdated, max(id) as id, sum(uses) as uses, min(usedOn) filter (where uses > 0) as usedOn
from ticket_rows
where teamId is not null
group by teamId, teamName
