-- Roles in which work is done. The name is the one that the row changed last has.
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
)
select
    r.workRoleId, r.workRoleName,
    cast(r.usage_count as bigint) as usage_count,
    r.usage_count > 0 as IsActive,
    r.first_use as EffectiveDate,
    cast(null as date) as EndDate
from ranked r
where r.place = 1
