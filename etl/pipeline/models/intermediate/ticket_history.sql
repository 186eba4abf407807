-- The versions that runs have seen of tickets, in both lists. Statuses are judged as they are now: one that is made a closing one later
-- makes closed versions of all that had it. Versions that were never valid, which begin and end at the same time, are left out.
select
    h.id as ticketId, h.validFrom, h.validTo, h.isCurrent, h.historyKey, 2 as listOrder, h.boardId, h.boardName, h.statusId, h.statusName,
    h.closedDate, f.closedStatus, f.isWaiting,
    coalesce(f.closedStatus, h.closedFlag, false) as isClosed
from silver_cw_serviceticket_history h
left join status_flags f on f.statusId = h.statusId
where h.validTo is null or h.validTo > h.validFrom
union all
select
    h.id, h.validFrom, h.validTo, h.isCurrent, h.historyKey, 1, h.boardId, h.boardName, h.statusId, h.statusName,
    h.closedDate, f.closedStatus, f.isWaiting,
    coalesce(f.closedStatus, h.closedFlag, false)
from silver_cw_projectticket_history h
left join status_flags f on f.statusId = h.statusId
where h.validTo is null or h.validTo > h.validFrom
