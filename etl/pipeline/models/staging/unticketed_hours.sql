-- Hours of each member and day that are on no ticket and no activity, by work type and charge code: time off is among them.
select e.memberId, e.workedOn, e.workTypeId, e.workTypeName, e.chargeCodeId, sum(e.hours) as hours
from (
    select
        memberId, workTypeId, workTypeName, case when chargeToType = 'ChargeCode' then chargeToId end as chargeCodeId, actualHours as hours,
        -- An entry by hours alone has its day as midnight: no instant.
        case
            when timeEnd is null and timeStart = date_trunc('DAY', timeStart) then cast(timeStart as date)
            else cast(from_utc_timestamp(timeStart, '${time_zone}') as date)
        end as workedOn
    from silver_cw_timeentry
    where memberId is not null and not isDeleted and actualHours > 0
        and coalesce(chargeToType, 'None') not in ('ServiceTicket', 'ProjectTicket', 'Activity')
) e
where e.workedOn is not null
group by e.memberId, e.workedOn, e.workTypeId, e.workTypeName, e.chargeCodeId
