-- Boards that tickets name, with how often, since when and up to which row, those on which they were before, and those of
-- projects.
select
    u.boardId, u.boardName,
    max(u.lastUpdated) as lastUpdated, max(u.id) as id, sum(u.uses) as uses, min(u.usedOn) filter (where u.uses > 0) as usedOn
from (
    select boardId, boardName, lastUpdated, id, uses, usedOn
    from ticket_rows
    union all
    select boardId, boardName, lastUpdated, id, cast(0 as bigint), cast(null as date)
    from silver_cw_serviceticket_history
    union all
    select boardId, boardName, lastUpdated, id, cast(0 as bigint), cast(null as date)
    from silver_cw_projectticket_history
    union all
    select boardId, boardName, lastUpdated, id, cast(0 as bigint), cast(null as date)
    from silver_cw_project
) u
where u.boardId is not null
group by u.boardId, u.boardName
