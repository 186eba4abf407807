-- SLAs that tickets, agreements and configurations name: no list of them is loaded. The name is the one that the row changed last has.
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
)
select
    slaId, slaName,
    cast(usage_count as bigint) as usage_count,
    usage_count > 0 as IsActive,
    first_use as EffectiveDate,
    cast(null as date) as EndDate
from ranked
where place = 1
