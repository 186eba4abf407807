-- What a row is charged to. A project ticket is work on a project.
select
    f.chargeToType as chargeToType,
    case
        when f.chargeToType = 'Company' then 'Company'
        when f.chargeToType = 'ServiceTicket' then 'Ticket'
        when f.chargeToType in ('ProjectTicket', 'Project') then 'Project'
        else 'Other'
    end as chargeCategory,
    count(*) filter (where not f.isDeleted) as usage_count,
    count(*) filter (where not f.isDeleted) > 0 as IsActive,
    min(f.usedOn) filter (where not f.isDeleted) as EffectiveDate,
    cast(null as date) as EndDate
from fact_rows f
where f.chargeToType is not null
group by f.chargeToType
