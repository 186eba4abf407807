-- Projects that rows name, with how often, since when and up to which row, and those of phases.
select
    u.projectId, u.projectName,
    max(u.lastUpdated) as lastUpdated, max(u.id) as id, sum(u.uses) as uses, min(u.usedOn) filter (where u.uses > 0) as usedOn
from (
    select projectId, projectName, lastUpdated, id, uses, usedOn
    from project_rows
    union all
    select projectId, cast(null as string), lastUpdated, id, cast(0 as bigint), cast(null as date)
    from silver_cw_projectphase
) u
where u.projectId is not null
group by u.projectId, u.projectName
