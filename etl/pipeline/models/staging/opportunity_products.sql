-- What the products of each opportunity come to. Cancelled and deleted ones are none of it.
select
    p.opportunityId, count(p.id) as productCount,
    try_cast(sum(cast(coalesce(p.extPrice, 0) as decimal(19, 4))) as decimal(19, 4)) as forecastAmount,
    try_cast(sum(cast(coalesce(p.extCost, 0) as decimal(19, 4))) as decimal(19, 4)) as forecastCost
from silver_cw_productitem p
where p.opportunityId is not null and not p.isDeleted and not coalesce(p.cancelledFlag, false)
group by p.opportunityId
