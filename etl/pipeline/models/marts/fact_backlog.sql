-- One row per day, company, board, priority and team on which a ticket of these was opened, closed or opened again, with how many are
-- open at the end of that day. That many stay open until the day of the next row, nextChangeDate, so that the backlog of any day is
-- the sum over the rows with `date` <= day < nextChangeDate. What nothing tells the day of stands in a row without a date, before
-- all others.
select
    sha2(
        coalesce(cast(d.movedOn as string), '') || '-' || coalesce(cast(d.companyId as string), '')
            || '-' || coalesce(cast(d.boardId as string), '') || '-' || coalesce(cast(d.priorityId as string), '')
            || '-' || coalesce(cast(d.teamId as string), ''),
        256
    ) as BacklogSK,
    d.movedOn as `date`,
    coalesce(dd.DateKey, -1) as BacklogDateSK,
    d.companyId, d.boardId, d.priorityId, d.teamId,
    cast(d.opened as int) as opened,
    cast(d.closed as int) as closed,
    cast(d.reopened as int) as reopened,
    cast(d.opened - d.closed + d.reopened as int) as backlogChange,
    cast(d.openAtEnd as int) as openAtEnd,
    d.nextChangeDate,
    coalesce(dc.CompanyKey, -1) as CompanyKey,
    coalesce(db.BoardKey, -1) as BoardKey,
    coalesce(dp.PriorityKey, -1) as PriorityKey,
    coalesce(dm.TeamKey, -1) as TeamKey
from backlog_days d
left join dimdate dd on dd.`Date` = d.movedOn
left join dimcompany dc on dc.companyId = d.companyId
left join dimboard db on db.boardId = d.boardId
left join dimpriority dp on dp.priorityId = d.priorityId
left join dimteam dm on dm.teamId = d.teamId
