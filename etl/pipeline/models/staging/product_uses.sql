-- Products that rows name, with how often, since when and up to which row. An addition without an effective date runs since it was entered.
-- Former versions of additions name products and use none of them.
select
    u.productId, u.productIdentifier,
    max(u.lastUpdated) as lastUpdated, max(u.id) as id, sum(u.uses) as uses, min(u.usedOn) filter (where u.uses > 0) as usedOn
from (
    select
        catalogItemId as productId, coalesce(catalogItemIdentifier, catalogItemName) as productIdentifier, purchaseDate as usedOn, lastUpdated, id,
        case when isDeleted then cast(0 as bigint) else cast(1 as bigint) end as uses
    from silver_cw_productitem
    union all
    select
        productId, productIdentifier,
        coalesce(
            case when effectiveDate >= date '1900-01-01' then effectiveDate end,
            cast(from_utc_timestamp(dateEntered, '${time_zone}') as date)
        ),
        lastUpdated, id, case when isDeleted then cast(0 as bigint) else cast(1 as bigint) end
    from silver_cw_agreementaddition
    union all
    select productId, productIdentifier, cast(null as date), lastUpdated, id, cast(0 as bigint)
    from silver_cw_agreementaddition_history
    union all
    select
        productId, productIdentifier, cast(from_utc_timestamp(dateEntered, '${time_zone}') as date), lastUpdated, id,
        case when isDeleted then cast(0 as bigint) else cast(1 as bigint) end
    from silver_cw_purchaseorderlineitem
) u
where u.productId is not null
group by u.productId, u.productIdentifier
