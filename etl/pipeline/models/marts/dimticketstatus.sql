-- Ticket statuses of boards, and those that only tickets name or once had. There name and board are those that the row changed last has.
with named as (
    select
        statusId, statusName, boardId, boardName, max(lastUpdated) as updated, max(id) as latest,
        sum(uses) as uses, min(usedOn) filter (where uses > 0) as firstUse
    from ticketstatus_uses
    where statusId is not null
    group by statusId, statusName, boardId, boardName
),
ranked as (
    select
        statusId, statusName, boardId, boardName,
        sum(uses) over (partition by statusId) as usage_count,
        min(firstUse) over (partition by statusId) as first_use,
        row_number() over (
            partition by statusId
            order by
                case when statusName is null then 1 else 0 end asc nulls last,
                case when boardId is null then 1 else 0 end asc nulls last,
                updated desc nulls last, latest desc nulls last,
                statusName asc nulls last, boardId asc nulls last, boardName asc nulls last
        ) as place
    from named
),
used as (
    select * from ranked where place = 1
)
select
    coalesce(s.id, u.statusId) as statusId,
    case when s.id is not null then s.name else u.statusName end as statusName,
    case when s.id is not null then s.boardId else u.boardId end as boardId,
    case when s.id is not null then s.boardName else u.boardName end as boardName,
    s.closedStatus,
    s.escalationStatus = 'NoEscalation' as isWaiting,
    s.sortOrder,
    coalesce(cast(u.usage_count as bigint), cast(0 as bigint)) as usage_count,
    coalesce(not s.isDeleted and not coalesce(s.inactive, false), u.usage_count > 0, false) as IsActive,
    u.first_use as EffectiveDate,
    cast(null as date) as EndDate
from silver_cw_boardstatus s
full join used u on u.statusId = s.id
