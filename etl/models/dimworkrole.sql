-- Roles in which work is done. The name is the one that the row changed last has.
with named as (
    select workRoleId, workRoleName, max(lastUpdated) as updated, max(id) as latest
    from fact_rows
    where workRoleId is not null
    group by workRoleId, workRoleName
),
ranked as (
    select
        workRoleId, workRoleName,
        row_number() over (
            partition by workRoleId
            order by case when workRoleName is null then 1 else 0 end asc nulls last, updated desc nulls last, latest desc nulls last, workRoleName asc nulls last
        ) as place
    from named
),
used as (
    select
        workRoleId,
        count(*) filter (where not isDeleted) as usage_count,
        min(usedOn) filter (where not isDeleted) as first_use
    from fact_rows
    where workRoleId is not null
    group by workRoleId
)
select
    r.workRoleId, r.workRoleName,
    u.usage_count,
    u.usage_count > 0 as IsActive,
    u.first_use as EffectiveDate,
    cast(null as date) as EndDate
from ranked r
join used u on u.workRoleId = r.workRoleId
where r.place = 1
