-- Products of the catalog, and those that only product items, additions and lines of purchase orders name. There the identifier is the one that
-- the row changed last has.
with named as (
    select
        productId, productIdentifier, max(lastUpdated) as updated, max(id) as latest,
        sum(uses) as uses, min(usedOn) filter (where uses > 0) as firstUse
    from product_uses
    where productId is not null
    group by productId, productIdentifier
),
ranked as (
    select
        productId, productIdentifier,
        sum(uses) over (partition by productId) as usage_count,
        min(firstUse) over (partition by productId) as first_use,
        row_number() over (
            partition by productId
            order by
                case when productIdentifier is null then 1 else 0 end asc nulls last,
                updated desc nulls last, latest desc nulls last, productIdentifier asc nulls last
        ) as place
    from named
),
used as (
    select * from ranked where place = 1
)
select
    coalesce(s.id, u.productId) as productId,
    case when s.id is not null then s.identifier else u.productIdentifier end as productIdentifier,
    s.description,
    s.categoryId, s.categoryName as category,
    s.subcategoryId, s.subcategoryName as subcategory,
    s.typeId as productTypeId, s.typeName as productType,
    s.manufacturerId, s.manufacturerName as manufacturer, s.manufacturerPartNumber,
    s.productClass, s.cost, s.price,
    coalesce(cast(u.usage_count as bigint), cast(0 as bigint)) as usage_count,
    coalesce(not s.isDeleted and not coalesce(s.inactiveFlag, false), u.usage_count > 0, false) as IsActive,
    u.first_use as EffectiveDate,
    cast(null as date) as EndDate
from silver_cw_catalogitem s
full join used u on u.productId = s.id
