-- Locations of the business, and those that only other rows name. There the name is the one that the row changed last has.
with named as (
    select
        locationId, locationName, max(lastUpdated) as updated, max(id) as latest,
        sum(uses) as uses, min(usedOn) filter (where uses > 0) as firstUse
    from location_uses
    where locationId is not null
    group by locationId, locationName
),
ranked as (
    select
        locationId, locationName,
        sum(uses) over (partition by locationId) as usage_count,
        min(firstUse) over (partition by locationId) as first_use,
        row_number() over (
            partition by locationId
            order by case when locationName is null then 1 else 0 end asc nulls last, updated desc nulls last, latest desc nulls last, locationName asc nulls last
        ) as place
    from named
),
used as (
    select * from ranked where place = 1
)
select
    coalesce(s.id, u.locationId) as locationId,
    case when s.id is not null then s.name else u.locationName end as locationName,
    s.structureLevelName as structureLevel, s.managerName, s.calendarName, s.timeZoneSetupName as timeZoneName,
    coalesce(cast(u.usage_count as bigint), cast(0 as bigint)) as usage_count,
    coalesce(not s.isDeleted, u.usage_count > 0, false) as IsActive,
    u.first_use as EffectiveDate,
    cast(null as date) as EndDate
from silver_cw_location s
full join used u on u.locationId = s.id
