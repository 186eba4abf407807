-- How a row is charged.
select
    f.billableOption as billableOption,
    case when f.billableOption = 'Billable' then 'Billable' else 'NonBillable' end as billableCategory,
    cast(sum(f.uses) as bigint) as usage_count,
    sum(f.uses) > 0 as IsActive,
    min(f.usedOn) filter (where f.uses > 0) as EffectiveDate,
    cast(null as date) as EndDate
from billableoption_uses f
where f.billableOption is not null
group by f.billableOption
