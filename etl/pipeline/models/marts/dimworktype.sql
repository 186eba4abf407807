-- Kinds of work, and those that only the facts name. There the name is the one that the row changed last has.
with named as (
    select
        workTypeId, workTypeName, max(lastUpdated) as updated, max(id) as latest,
        sum(uses) as uses, min(usedOn) filter (where uses > 0) as firstUse
    from worktype_uses
    where workTypeId is not null
    group by workTypeId, workTypeName
),
ranked as (
    select
        workTypeId, workTypeName,
        sum(uses) over (partition by workTypeId) as usage_count,
        min(firstUse) over (partition by workTypeId) as first_use,
        row_number() over (
            partition by workTypeId
            order by case when workTypeName is null then 1 else 0 end asc nulls last, updated desc nulls last, latest desc nulls last, workTypeName asc nulls last
        ) as place
    from named
),
used as (
    select * from ranked where place = 1
)
select
    coalesce(s.id, u.workTypeId) as workTypeId,
    case when s.id is not null then s.name else u.workTypeName end as workTypeName,
    coalesce(cast(u.usage_count as bigint), cast(0 as bigint)) as usage_count,
    coalesce(not s.isDeleted and not coalesce(s.inactiveFlag, false), u.usage_count > 0, false) as IsActive,
    u.first_use as EffectiveDate,
    cast(null as date) as EndDate
from silver_cw_worktype s
full join used u on u.workTypeId = s.id
