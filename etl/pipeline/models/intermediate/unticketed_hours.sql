-- Hours of each member and day that are on no ticket and no activity, by work type and charge code: time off is among them.
select e.memberId, e.workedOn, e.workTypeId, e.workTypeName, e.chargeCodeId, sum(e.actualHours) as hours
from (
    select
        memberId, workedOn, workTypeId, workTypeName, case when chargeToType = 'ChargeCode' then chargeToId end as chargeCodeId, actualHours
    from timeentry_days
    where memberId is not null and not isDeleted and actualHours > 0 and workedOn is not null
        and coalesce(chargeToType, 'None') not in ('ServiceTicket', 'ProjectTicket', 'Activity')
) e
group by e.memberId, e.workedOn, e.workTypeId, e.workTypeName, e.chargeCodeId
