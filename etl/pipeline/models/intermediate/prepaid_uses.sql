-- What time entries, expenses, products and tickets take off the limit of their agreement, by day. An incident is a service ticket,
-- on the day on which it was opened; merged and child tickets are none.
select
    u.agreementId, u.usedOn,
    sum(u.hours) as hours, sum(u.amount) as amount, sum(u.incidents) as incidents
from (
    select
        agreementId, workedOn as usedOn,
        coalesce(agreementHours, cast(0 as decimal(19, 4))) as hours, coalesce(agreementAmount, cast(0 as decimal(19, 4))) as amount,
        cast(0 as bigint) as incidents, isDeleted
    from timeentry_days
    where agreementHours <> 0 or agreementAmount <> 0
    union all
    select agreementId, `date`, cast(0 as decimal(19, 4)), agreementAmount, cast(0 as bigint), isDeleted
    from silver_cw_expenseentry
    where agreementAmount <> 0
    union all
    select agreementId, purchaseDate, cast(0 as decimal(19, 4)), agreementAmount, cast(0 as bigint), isDeleted
    from silver_cw_productitem
    where agreementAmount <> 0
    union all
    select
        agreementId, cast(from_utc_timestamp(dateEntered, '${time_zone}') as date),
        cast(0 as decimal(19, 4)), cast(0 as decimal(19, 4)), cast(1 as bigint), isDeleted
    from silver_cw_serviceticket
    where mergedParentTicketId is null and parentTicketId is null and coalesce(recordType, 'ServiceTicket') = 'ServiceTicket'
) u
where u.agreementId is not null and not u.isDeleted
group by u.agreementId, u.usedOn
