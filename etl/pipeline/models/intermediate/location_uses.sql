-- Locations that rows name, with how often, since when and up to which row. Time, expenses and products use a location; invoices and
-- tickets name one, and use none.
select
    u.locationId, u.locationName,
    max(u.lastUpdated) as lastUpdated, max(u.id) as id, sum(u.uses) as uses, min(u.usedOn) filter (where u.uses > 0) as usedOn
from (
    select
        id, coalesce(locationId, locationLocationId) as locationId, coalesce(locationName, locationLocationName) as locationName,
        workedOn as usedOn, lastUpdated, case when isDeleted then cast(0 as bigint) else cast(1 as bigint) end as uses
    from timeentry_days
    union all
    select id, locationId, cast(null as string), `date`, lastUpdated, case when isDeleted then cast(0 as bigint) else cast(1 as bigint) end
    from silver_cw_expenseentry
    union all
    select
        id, coalesce(locationId, locationLocationId), locationName, purchaseDate, lastUpdated,
        case when isDeleted then cast(0 as bigint) else cast(1 as bigint) end
    from silver_cw_productitem
    union all
    select id, coalesce(locationId, locationLocationId), locationName, cast(null as date), lastUpdated, cast(0 as bigint)
    from silver_cw_invoice
    union all
    select id, coalesce(locationId, locationLocationId), locationName, cast(null as date), lastUpdated, cast(0 as bigint)
    from silver_cw_unpostedinvoice
    union all
    select id, locationId, locationName, cast(null as date), lastUpdated, cast(0 as bigint)
    from silver_cw_serviceticket
    union all
    select id, locationId, locationName, cast(null as date), lastUpdated, cast(0 as bigint)
    from silver_cw_projectticket
) u
where u.locationId is not null
group by u.locationId, u.locationName
