-- How a row is charged.
select
    f.billableOption as billableOption,
    case when f.billableOption = 'Billable' then 'Billable' else 'NonBillable' end as billableCategory,
    count(*) filter (where not f.isDeleted) as usage_count,
    count(*) filter (where not f.isDeleted) > 0 as IsActive,
    min(f.usedOn) filter (where not f.isDeleted) as EffectiveDate,
    cast(null as date) as EndDate
from fact_rows f
where f.billableOption is not null
group by f.billableOption
