-- Departments that rows name, with how often, since when and up to which row, and those of projects.
select
    u.departmentId, u.departmentName,
    max(u.lastUpdated) as lastUpdated, max(u.id) as id, sum(u.uses) as uses, min(u.usedOn) filter (where u.uses > 0) as usedOn
from (
    select departmentId, departmentName, lastUpdated, id, uses, usedOn
    from fact_rows
    union all
    select departmentId, departmentName, lastUpdated, id, cast(0 as bigint), cast(null as date)
    from silver_cw_project
) u
where u.departmentId is not null
group by u.departmentId, u.departmentName
