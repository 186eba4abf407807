-- The days of fact_backlog: what was opened, closed and opened again of each company, board, priority and team, how many are open at the
-- end of the day, and the next day on which anything happened to these.
select
    m.movedOn, m.companyId, m.boardId, m.priorityId, m.teamId, m.opened, m.closed, m.reopened,
    sum(m.opened - m.closed + m.reopened) over (
        partition by m.companyId, m.boardId, m.priorityId, m.teamId
        order by m.movedOn asc nulls first
        rows between unbounded preceding and current row
    ) as openAtEnd,
    lead(m.movedOn) over (
        partition by m.companyId, m.boardId, m.priorityId, m.teamId order by m.movedOn asc nulls first
    ) as nextChangeDate
from (
    select
        movedOn, companyId, boardId, priorityId, teamId,
        sum(opened) as opened, sum(closed) as closed, sum(reopened) as reopened
    from ticket_moves
    group by movedOn, companyId, boardId, priorityId, teamId
) m
