-- The versions of each ticket, those of both lists on one line of time: a ticket that moves from one list to the other goes on, and
-- one that both have is the same ticket seen twice. Of two versions of the same instant the project's counts, as it does in
-- fact_ticket. goneAt is when the last list lost it, NULL while one has it.
with placed as (
    select
        h.*,
        lag(h.validFrom) over (
            partition by h.ticketId order by h.validFrom asc nulls last, h.listOrder asc nulls last, h.historyKey asc nulls last
        ) as earlier,
        max(case when h.isCurrent then 1 else 0 end) over (partition by h.ticketId) as isThere,
        max(h.validTo) over (partition by h.ticketId) as lastSeen
    from ticket_history h
)
select
    p.ticketId, p.validFrom, p.boardId, p.boardName, p.statusId, p.statusName, p.closedDate, p.closedStatus, p.isWaiting, p.isClosed,
    case when p.isThere = 0 then p.lastSeen end as goneAt
from placed p
where p.earlier is null or p.earlier <> p.validFrom
