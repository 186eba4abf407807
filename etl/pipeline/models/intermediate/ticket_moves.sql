-- Each day on which a ticket was opened, closed or opened again. Deleted, merged and child tickets aren't counted. Company, board,
-- priority and team are those that the ticket has now, whatever it had then.
--
-- A ticket comes on the day on which it was entered, and is closed on the day of its closing date. Where nothing tells the day, it is that
-- of its last change. What happened between is what runs saw.
with counted as (
    select
        t.ticketId, t.companyId, t.boardId, t.priorityId, t.teamId,
        coalesce(f.closedStatus, t.closedFlag, false) as isClosed,
        cast(from_utc_timestamp(t.dateEntered, '${time_zone}') as date) as enteredOn,
        cast(from_utc_timestamp(t.closedDate, '${time_zone}') as date) as closedOn,
        cast(from_utc_timestamp(t.lastUpdated, '${time_zone}') as date) as updatedOn
    from all_tickets t
    left join status_flags f on f.statusId = t.statusId
    where not t.isDeleted and t.mergedParentTicketId is null and t.parentTicketId is null
),
again as (
    select ticketId, min(closedOn) as firstClosedOn, max(reopenedOn) as lastReopenedOn
    from ticket_reopenings
    group by ticketId
),
placed as (
    select
        c.ticketId, c.companyId, c.boardId, c.priorityId, c.teamId, c.isClosed,
        -- Nothing is closed before it is opened, whatever its dates say.
        least(coalesce(c.enteredOn, case when c.isClosed then c.closedOn end, c.updatedOn), a.firstClosedOn) as openedOn,
        case when a.lastReopenedOn is null or c.closedOn >= a.lastReopenedOn then coalesce(c.closedOn, c.updatedOn) else c.updatedOn end as closedOn,
        a.lastReopenedOn
    from counted c
    left join again a on a.ticketId = c.ticketId
)
select p.ticketId, p.companyId, p.boardId, p.priorityId, p.teamId, p.openedOn as movedOn, 1 as opened, 0 as closed, 0 as reopened
from placed p
union all
select
    p.ticketId, p.companyId, p.boardId, p.priorityId, p.teamId, greatest(p.closedOn, p.lastReopenedOn, p.openedOn), 0, 1, 0
from placed p
where p.isClosed
union all
select c.ticketId, c.companyId, c.boardId, c.priorityId, c.teamId, r.closedOn, 0, 1, 0
from ticket_reopenings r
join counted c on c.ticketId = r.ticketId
union all
select c.ticketId, c.companyId, c.boardId, c.priorityId, c.teamId, r.reopenedOn, 0, 0, 1
from ticket_reopenings r
join counted c on c.ticketId = r.ticketId
