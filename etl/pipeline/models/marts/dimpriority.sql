-- Priorities of tickets, and those that only tickets name. There the name is the one that the row changed last has.
with named as (
    select
        priorityId, priorityName, max(lastUpdated) as updated, max(id) as latest,
        sum(uses) as uses, min(usedOn) filter (where uses > 0) as firstUse
    from priority_uses
    where priorityId is not null
    group by priorityId, priorityName
),
ranked as (
    select
        priorityId, priorityName,
        sum(uses) over (partition by priorityId) as usage_count,
        min(firstUse) over (partition by priorityId) as first_use,
        row_number() over (
            partition by priorityId
            order by case when priorityName is null then 1 else 0 end asc nulls last, updated desc nulls last, latest desc nulls last, priorityName asc nulls last
        ) as place
    from named
),
used as (
    select * from ranked where place = 1
)
select
    coalesce(s.id, u.priorityId) as priorityId,
    case when s.id is not null then s.name else u.priorityName end as priorityName,
    s.level as priorityLevel, s.sortOrder,
    coalesce(cast(u.usage_count as bigint), cast(0 as bigint)) as usage_count,
    coalesce(not s.isDeleted, u.usage_count > 0, false) as IsActive,
    u.first_use as EffectiveDate,
    cast(null as date) as EndDate
from silver_cw_priority s
full join used u on u.priorityId = s.id
