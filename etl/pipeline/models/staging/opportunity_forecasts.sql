-- What the PSA's own forecast of each opportunity comes to.
select
    cast(f._etl_parent_id as int) as opportunityId,
    try_cast(sum(f.forecastRevenueTotalsRevenue) as decimal(19, 4)) as forecastAmount,
    try_cast(sum(coalesce(f.forecastRevenueTotalsCost, cast(0 as decimal(19, 4)))) as decimal(19, 4)) as forecastCost
from silver_cw_opportunityforecast f
where not f.isDeleted and f.forecastRevenueTotalsRevenue is not null
group by f._etl_parent_id
