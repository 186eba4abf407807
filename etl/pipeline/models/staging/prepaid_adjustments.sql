-- What adjustments add to the limit of their agreement, and what they take off it, by day. They are in the unit of the limit.
select
    coalesce(agreementId, cast(_etl_parent_id as int)) as agreementId, effectiveDate,
    sum(case when amount > 0 then amount else cast(0 as decimal(19, 4)) end) as given,
    sum(case when amount < 0 then -amount else cast(0 as decimal(19, 4)) end) as taken
from silver_cw_agreementadjustment
where not isDeleted
group by coalesce(agreementId, cast(_etl_parent_id as int)), effectiveDate
