-- Statuses that tickets name, with how often, since when and up to which row, and those that they had before.
select
    u.statusId, u.statusName, u.boardId, u.boardName,
    max(u.lastUpdated) as lastUpdated, max(u.id) as id, sum(u.uses) as uses, min(u.usedOn) filter (where u.uses > 0) as usedOn
from (
    select statusId, statusName, boardId, boardName, lastUpdated, id, uses, usedOn
    from ticket_rows
    union all
    select statusId, statusName, boardId, boardName, lastUpdated, id, cast(0 as bigint), cast(null as date)
    from silver_cw_serviceticket_history
    union all
    select statusId, statusName, boardId, boardName, lastUpdated, id, cast(0 as bigint), cast(null as date)
    from silver_cw_projectticket_history
) u
where u.statusId is not null
group by u.statusId, u.statusName, u.boardId, u.boardName
