-- Teams that tickets name: no list of them is loaded. The name is the one that the row changed last has.
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
)
select
    teamId, teamName,
    cast(usage_count as bigint) as usage_count,
    usage_count > 0 as IsActive,
    first_use as EffectiveDate,
    cast(null as date) as EndDate
from ranked
where place = 1
