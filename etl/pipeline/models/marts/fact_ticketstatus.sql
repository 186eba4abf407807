-- One row per ticket and period in which it had one status of one board, as far as runs saw it. Versions with the same status follow
-- each other in one period. A period lasts until the next begins, the last one until the ticket is gone; a ticket that was gone for
-- a while was in its status meanwhile.
--
-- Company, priority and team are those that the ticket has now, as in fact_ticket.
with marked as (
    select
        v.*,
        case
            when lag(coalesce(v.boardId, -1)) over (partition by v.ticketId order by v.validFrom asc nulls last) = coalesce(v.boardId, -1)
                and lag(coalesce(v.statusId, -1)) over (partition by v.ticketId order by v.validFrom asc nulls last) = coalesce(v.statusId, -1)
                and lag(v.isClosed) over (partition by v.ticketId order by v.validFrom asc nulls last) = v.isClosed
                then 0
            else 1
        end as begins
    from ticket_versions v
),
periods as (
    select
        m.*,
        row_number() over (partition by m.ticketId order by m.validFrom asc nulls last) as periodNumber,
        lag(m.isClosed) over (partition by m.ticketId order by m.validFrom asc nulls last) as wasClosed,
        coalesce(lead(m.validFrom) over (partition by m.ticketId order by m.validFrom asc nulls last), m.goneAt) as validTo
    from marked m
    where m.begins = 1
)
select
    sha2(cast(p.ticketId as string) || '-' || cast(p.periodNumber as string), 256) as TicketStatusSK,
    p.ticketId,
    cast(p.periodNumber as int) as periodNumber,
    p.boardId, p.boardName, p.statusId, p.statusName, p.closedStatus, p.isClosed, p.isWaiting,
    p.validFrom, p.validTo,
    -- Of a status that it had when a run first saw it, nothing tells since when, unless it is as old as the ticket.
    p.periodNumber > 1 or coalesce(t.dateEntered >= p.validFrom, false) as isStartKnown,
    p.validTo is null as isCurrent,
    not p.isClosed and coalesce(p.wasClosed, false) as isReopened,
    cast(floor(cast(unix_seconds(p.validTo) - unix_seconds(p.validFrom) as double) / 60) as int) as minutesInStatus,
    coalesce(df.DateKey, -1) as FromDateSK,
    coalesce(dt.DateKey, -1) as ToDateSK,
    t.companyId, t.priorityId, t.teamId,
    t.mergedParentTicketId is not null as isMerged,
    t.parentTicketId is not null as isChild,
    coalesce(dc.CompanyKey, -1) as CompanyKey,
    coalesce(db.BoardKey, -1) as BoardKey,
    coalesce(ds.TicketStatusKey, -1) as TicketStatusKey,
    coalesce(dp.PriorityKey, -1) as PriorityKey,
    coalesce(dm.TeamKey, -1) as TeamKey,
    coalesce(t.isDeleted, true) as isDeleted
from periods p
left join all_tickets t on t.ticketId = p.ticketId
left join dimdate df on df.`Date` = cast(from_utc_timestamp(p.validFrom, '${time_zone}') as date)
left join dimdate dt on dt.`Date` = cast(from_utc_timestamp(p.validTo, '${time_zone}') as date)
left join dimcompany dc on dc.companyId = t.companyId
left join dimboard db on db.boardId = p.boardId
left join dimticketstatus ds on ds.statusId = p.statusId
left join dimpriority dp on dp.priorityId = t.priorityId
left join dimteam dm on dm.teamId = t.teamId
