-- Roles in which work is done, and those that only the facts name. There the name is the one that the row changed last has.
with named as (
    select
        workRoleId, workRoleName, max(lastUpdated) as updated, max(id) as latest,
        sum(uses) as uses, min(usedOn) filter (where uses > 0) as firstUse
    from workrole_uses
    where workRoleId is not null
    group by workRoleId, workRoleName
),
ranked as (
    select
        workRoleId, workRoleName,
        sum(uses) over (partition by workRoleId) as usage_count,
        min(firstUse) over (partition by workRoleId) as first_use,
        row_number() over (
            partition by workRoleId
            order by case when workRoleName is null then 1 else 0 end asc nulls last, updated desc nulls last, latest desc nulls last, workRoleName asc nulls last
        ) as place
    from named
),
used as (
    select * from ranked where place = 1
)
select
    coalesce(s.id, u.workRoleId) as workRoleId,
    case when s.id is not null then s.name else u.workRoleName end as workRoleName,
    coalesce(cast(u.usage_count as bigint), cast(0 as bigint)) as usage_count,
    coalesce(not s.isDeleted and not coalesce(s.inactiveFlag, false), u.usage_count > 0, false) as IsActive,
    u.first_use as EffectiveDate,
    cast(null as date) as EndDate
from silver_cw_workrole s
full join used u on u.workRoleId = s.id
