-- Every row of the lists of tickets with the natural keys that only tickets carry: what dimensions count, date and fill their gaps
-- from. A ticket that both lists have counts in each.
select
    id, boardId, boardName, statusId, statusName, priorityId, priorityName, teamId, teamName,
    cast(from_utc_timestamp(dateEntered, '${time_zone}') as date) as usedOn, lastUpdated, case when isDeleted then cast(0 as bigint) else cast(1 as bigint) end as uses
from silver_cw_serviceticket
union all
select
    id, boardId, boardName, statusId, statusName, priorityId, priorityName, cast(null as int), cast(null as string),
    cast(from_utc_timestamp(dateEntered, '${time_zone}') as date), lastUpdated, case when isDeleted then cast(0 as bigint) else cast(1 as bigint) end
from silver_cw_projectticket
