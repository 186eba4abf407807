-- Members that rows name, with how often, since when and up to which row, and those who manage projects, sell, have
-- activities to do, or have time sheets.
select
    u.memberId, u.memberName, u.memberIdentifier,
    max(u.lastUpdated) as lastUpdated, max(u.id) as id, sum(u.uses) as uses, min(u.usedOn) filter (where u.uses > 0) as usedOn
from (
    select memberId, memberName, memberIdentifier, lastUpdated, id, uses, usedOn
    from fact_rows
    union all
    select managerId, managerName, managerIdentifier, lastUpdated, id, cast(0 as bigint), cast(null as date)
    from silver_cw_project
    union all
    select primarySalesRepId, primarySalesRepName, primarySalesRepIdentifier, lastUpdated, id, cast(0 as bigint), cast(null as date)
    from silver_cw_opportunity
    union all
    select assignToId, assignToName, assignToIdentifier, lastUpdated, id, cast(0 as bigint), cast(null as date)
    from silver_cw_activity
    union all
    select memberId, memberName, memberIdentifier, lastUpdated, id, cast(0 as bigint), cast(null as date)
    from silver_cw_timesheet
) u
where u.memberId is not null
group by u.memberId, u.memberName, u.memberIdentifier
