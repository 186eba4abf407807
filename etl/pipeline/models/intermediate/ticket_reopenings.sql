-- Each time that runs saw a ticket opened again, with the day on which it was closed before: that of its closing date where the date
-- lies between the two openings (a ticket may keep an older one), else the day of the first version that is closed. What was
-- before the first run, and between two runs, isn't in it.
with again as (
    -- Few tickets: the rest isn't put in order.
    select ticketId
    from ticket_history
    group by ticketId
    having min(case when isClosed then validFrom end) < max(case when not isClosed then validFrom end)
),
placed as (
    select
        h.ticketId, h.validFrom, h.listOrder, h.historyKey, h.isClosed, h.closedDate,
        lag(h.validFrom) over (
            partition by h.ticketId order by h.validFrom asc nulls last, h.listOrder asc nulls last, h.historyKey asc nulls last
        ) as earlier
    from ticket_history h
    left semi join again a on a.ticketId = h.ticketId
),
marked as (
    select
        v.ticketId, v.validFrom, v.isClosed, v.closedDate,
        case when lag(v.isClosed) over (partition by v.ticketId order by v.validFrom asc nulls last) = v.isClosed then 0 else 1 end as begins
    from placed v
    -- Of two versions of the same instant one counts, as in ticket_versions.
    where v.earlier is null or v.earlier <> v.validFrom
),
numbered as (
    select
        m.*,
        sum(m.begins) over (
            partition by m.ticketId order by m.validFrom asc nulls last rows between unbounded preceding and current row
        ) as stretch
    from marked m
),
stretches as (
    select n.ticketId, n.stretch, n.isClosed, min(n.validFrom) as since, max(n.closedDate) as closedDate
    from numbered n
    group by n.ticketId, n.stretch, n.isClosed
),
followed as (
    select
        s.ticketId, s.isClosed, s.since, s.closedDate,
        lag(s.since) over (partition by s.ticketId order by s.stretch asc nulls last) as openedAt,
        lead(s.since) over (partition by s.ticketId order by s.stretch asc nulls last) as reopenedAt
    from stretches s
)
select
    w.ticketId,
    cast(from_utc_timestamp(case when w.closedDate <= w.reopenedAt and coalesce(w.closedDate >= w.openedAt, true) then w.closedDate else w.since end, '${time_zone}') as date) as closedOn,
    cast(from_utc_timestamp(w.reopenedAt, '${time_zone}') as date) as reopenedOn
from followed w
where w.isClosed and w.reopenedAt is not null
