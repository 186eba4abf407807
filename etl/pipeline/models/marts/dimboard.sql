-- Boards of services and projects, and those that only tickets name or were once on. There the name is the one that the row changed last has.
with named as (
    select
        boardId, boardName, max(lastUpdated) as updated, max(id) as latest,
        sum(uses) as uses, min(usedOn) filter (where uses > 0) as firstUse
    from board_uses
    where boardId is not null
    group by boardId, boardName
),
ranked as (
    select
        boardId, boardName,
        sum(uses) over (partition by boardId) as usage_count,
        min(firstUse) over (partition by boardId) as first_use,
        row_number() over (
            partition by boardId
            order by case when boardName is null then 1 else 0 end asc nulls last, updated desc nulls last, latest desc nulls last, boardName asc nulls last
        ) as place
    from named
),
used as (
    select * from ranked where place = 1
)
select
    coalesce(s.id, u.boardId) as boardId,
    case when s.id is not null then s.name else u.boardName end as boardName,
    s.locationName, s.departmentName,
    coalesce(s.projectFlag, false) as isProjectBoard,
    coalesce(cast(u.usage_count as bigint), cast(0 as bigint)) as usage_count,
    coalesce(not s.isDeleted and not coalesce(s.inactiveFlag, false), u.usage_count > 0, false) as IsActive,
    u.first_use as EffectiveDate,
    cast(null as date) as EndDate
from silver_cw_board s
full join used u on u.boardId = s.id
