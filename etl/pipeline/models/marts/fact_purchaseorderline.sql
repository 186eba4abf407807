-- One row per line of a purchase order. A line is open while something of it is still to come: neither it nor its order is closed or
-- cancelled, and it wasn't received, whole or with its rest given up. Days late are those from the expected arrival to the day of receipt, and to
-- today as long as the line is open; they aren't known where one of the two days isn't.
with lines as (
    select
        x.id as purchaseOrderLineId, cast(x._etl_parent_id as int) as purchaseOrderId,
        x.purchaseOrderNumber, x.lineNumber, x.productId, x.productIdentifier, x.description, x.vendorSku,
        x.warehouseId, x.warehouseName,
        cast(coalesce(x.quantity, 0) as decimal(19, 4)) as orderedQuantity,
        cast(coalesce(x.receivedQuantity, 0) as decimal(19, 4)) as receivedQuantity,
        coalesce(
            x.unitCost,
            try_cast(cast(x.extCost as decimal(18, 4)) / cast(nullif(x.quantity, 0) as decimal(18, 4)) as decimal(19, 4))
        ) as unitCost,
        coalesce(
            x.extCost,
            try_cast(cast(x.quantity as decimal(18, 4)) * cast(x.unitCost as decimal(18, 4)) as decimal(19, 4))
        ) as extendedCost,
        x.receivedStatus,
        coalesce(x.canceledFlag, false) as isCancelled,
        coalesce(x.closedFlag, false) as isClosed,
        x.expectedArrivalDate as expectedDate, x.shipDate, x.dateReceived as receivedDate, x.isDeleted
    from silver_cw_purchaseorderlineitem x
),
placed as (
    select
        l.*,
        coalesce(o.poNumber, l.purchaseOrderNumber) as poNumber,
        o.vendorCompanyId as vendorId, o.vendorCompanyName as vendorName, o.statusId, o.statusName,
        coalesce(l.warehouseId, o.warehouseId) as lineWarehouseId,
        case when l.warehouseId is not null then l.warehouseName else o.warehouseName end as lineWarehouseName,
        coalesce(o.currencyCurrencyCode, o.currencyCurrencyIdentifier, o.currencyName) as currency,
        o.poDate,
        l.isDeleted or coalesce(o.isDeleted, false) as isGone,
        case
            when l.isCancelled then 'Cancelled'
            when coalesce(l.receivedStatus, 'Waiting') in ('FullyReceived', 'PartiallyReceiveCancelRest', 'PartiallyReceiveCloneRest') then 'Received'
            when l.orderedQuantity > 0 and l.receivedQuantity >= l.orderedQuantity then 'Received'
            -- The order's own flag, or that of its status.
            when l.isClosed or coalesce(o.closedFlag, false) or coalesce(s.closedFlag, false) then 'Closed'
            else 'Open'
        end as lineStatus
    from lines l
    left join silver_cw_purchaseorder o on o.id = l.purchaseOrderId
    left join silver_cw_purchaseorderstatus s on s.id = o.statusId
),
judged as (
    select
        p.*,
        p.lineStatus = 'Open' and not p.isGone as isOpen,
        case
            when p.lineStatus = 'Received' then datediff(p.receivedDate, p.expectedDate)
            when p.lineStatus = 'Open' and not p.isGone then datediff(r.asOf, p.expectedDate)
        end as daysAfter
    from placed p
    cross join run_day r
),
counted as (
    select
        j.*,
        case
            when j.isOpen and j.orderedQuantity > j.receivedQuantity then cast(j.orderedQuantity - j.receivedQuantity as decimal(19, 4))
            else cast(0 as decimal(19, 4))
        end as openQuantity,
        cast(case when j.daysAfter > 0 then j.daysAfter when j.daysAfter <= 0 then 0 end as int) as daysLate
    from judged j
)
select
    sha2(cast(j.purchaseOrderLineId as string), 256) as PurchaseOrderLineSK,
    j.purchaseOrderLineId, j.purchaseOrderId, j.poNumber, j.lineNumber, j.productId, j.productIdentifier, j.description,
    j.vendorId, j.vendorName, j.vendorSku, j.lineWarehouseId as warehouseId, j.lineWarehouseName as warehouseName,
    j.statusId, j.statusName, j.currency, j.orderedQuantity, j.receivedQuantity, j.openQuantity, j.unitCost, j.extendedCost,
    case
        when j.openQuantity = 0 then cast(0 as decimal(19, 4))
        else try_cast(cast(j.openQuantity as decimal(18, 4)) * cast(j.unitCost as decimal(18, 4)) as decimal(19, 4))
    end as openCost,
    j.receivedStatus, j.lineStatus, j.isOpen,
    coalesce(j.daysLate > 0, false) as isLate,
    j.poDate, j.expectedDate, j.shipDate, j.receivedDate, j.daysLate,
    coalesce(dp.DateKey, -1) as PurchaseOrderDateSK,
    coalesce(de.DateKey, -1) as ExpectedDateSK,
    coalesce(dr.DateKey, -1) as ReceivedDateSK,
    coalesce(dc.CompanyKey, -1) as CompanyKey,
    coalesce(dx.ProductKey, -1) as ProductKey,
    j.isGone as isDeleted
from counted j
left join dimdate dp on dp.`Date` = j.poDate
left join dimdate de on de.`Date` = j.expectedDate
left join dimdate dr on dr.`Date` = j.receivedDate
left join dimcompany dc on dc.companyId = j.vendorId
left join dimproduct dx on dx.productId = j.productId
