-- What a row is charged to. A project ticket is work on a project.
select
    f.chargeToType as chargeToType,
    case
        when f.chargeToType = 'Company' then 'Company'
        when f.chargeToType = 'ServiceTicket' then 'Ticket'
        when f.chargeToType in ('ProjectTicket', 'Project') then 'Project'
        else 'Other'
    end as chargeCategory,
    cast(sum(f.uses) as bigint) as usage_count,
    sum(f.uses) > 0 as IsActive,
    min(f.usedOn) filter (where f.uses > 0) as EffectiveDate,
    cast(null as date) as EndDate
from chargetype_uses f
where f.chargeToType is not null
group by f.chargeToType
