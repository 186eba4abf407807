-- SLAs, and those that only tickets, agreements and configurations name. There the name is the one that the row changed last has.
with named as (
    select
        slaId, slaName, max(lastUpdated) as updated, max(id) as latest,
        sum(uses) as uses, min(usedOn) filter (where uses > 0) as firstUse
    from sla_uses
    where slaId is not null
    group by slaId, slaName
),
ranked as (
    select
        slaId, slaName,
        sum(uses) over (partition by slaId) as usage_count,
        min(firstUse) over (partition by slaId) as first_use,
        row_number() over (
            partition by slaId
            order by case when slaName is null then 1 else 0 end asc nulls last, updated desc nulls last, latest desc nulls last, slaName asc nulls last
        ) as place
    from named
),
used as (
    select * from ranked where place = 1
)
select
    coalesce(s.id, u.slaId) as slaId,
    case when s.id is not null then s.name else u.slaName end as slaName,
    coalesce(cast(u.usage_count as bigint), cast(0 as bigint)) as usage_count,
    coalesce(not s.isDeleted, u.usage_count > 0, false) as IsActive,
    u.first_use as EffectiveDate,
    cast(null as date) as EndDate
from silver_cw_sla s
full join used u on u.slaId = s.id
