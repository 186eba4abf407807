-- How often a ticket was opened again after it was closed, in the versions that runs have seen of it. What was before the first
-- run, and between two runs, isn't in it. Of a ticket that both lists have, the list that says more counts. Statuses are judged as
-- they are now: one that is made a closing one later makes closed versions of all that had it. Versions that were never valid, which
-- begin and end at the same time, are left out.
select n.ticketId, max(n.reopenCount) as reopenCount
from (
    select r.list, r.ticketId, cast(sum(r.reopened) as int) as reopenCount
    from (
        select
            v.list, v.ticketId,
            case
                when not v.isClosed
                    and lag(v.isClosed) over (
                        partition by v.list, v.ticketId order by v.validFrom asc nulls last, v.historyKey asc nulls last
                    )
                    then 1
                else 0
            end as reopened
        from (
            select
                'service' as list, h.id as ticketId, h.validFrom, h.historyKey,
                coalesce(f.closedStatus, h.closedFlag, false) as isClosed
            from silver_cw_serviceticket_history h
            left join status_flags f on f.statusId = h.statusId
            where h.validTo is null or h.validTo > h.validFrom
            union all
            select 'project', h.id, h.validFrom, h.historyKey, coalesce(f.closedStatus, h.closedFlag, false)
            from silver_cw_projectticket_history h
            left join status_flags f on f.statusId = h.statusId
            where h.validTo is null or h.validTo > h.validFrom
        ) v
    ) r
    where r.reopened > 0
    group by r.list, r.ticketId
) n
group by n.ticketId
