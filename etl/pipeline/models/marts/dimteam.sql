-- Teams of services, and those that only tickets name. There the name is the one that the row changed last has.
with named as (
    select
        teamId, teamName, max(lastUpdated) as updated, max(id) as latest,
        sum(uses) as uses, min(usedOn) filter (where uses > 0) as firstUse
    from team_uses
    where teamId is not null
    group by teamId, teamName
),
ranked as (
    select
        teamId, teamName,
        sum(uses) over (partition by teamId) as usage_count,
        min(firstUse) over (partition by teamId) as first_use,
        row_number() over (
            partition by teamId
            order by case when teamName is null then 1 else 0 end asc nulls last, updated desc nulls last, latest desc nulls last, teamName asc nulls last
        ) as place
    from named
),
used as (
    select * from ranked where place = 1
)
select
    coalesce(s.id, u.teamId) as teamId,
    case when s.id is not null then s.name else u.teamName end as teamName,
    coalesce(cast(u.usage_count as bigint), cast(0 as bigint)) as usage_count,
    coalesce(not s.isDeleted, u.usage_count > 0, false) as IsActive,
    u.first_use as EffectiveDate,
    cast(null as date) as EndDate
from silver_cw_serviceteam s
full join used u on u.teamId = s.id
