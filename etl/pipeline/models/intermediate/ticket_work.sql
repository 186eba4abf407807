-- Number, hours, cost and billed amount of the time entries of each ticket. Amount and cost of an entry are those that
-- fact_invoiceline and fact_timeentry give it; what is on a deleted invoice isn't billed.
select
    te.ticketId,
    count(*) as entryCount,
    count(distinct te.memberId) as memberCount,
    cast(sum(te.actualHours) as decimal(19, 4)) as hours,
    try_cast(
        sum(
            case
                when te.invoiceId is not null and d.invoiceId is null
                    then coalesce(
                        te.extendedInvoiceAmount,
                        try_cast(
                            cast(coalesce(te.invoiceHours, te.actualHours) as decimal(18, 4)) * cast(te.hourlyRate as decimal(18, 4))
                            as decimal(19, 4)
                        )
                    )
            end
        )
        as decimal(19, 4)
    ) as billedAmount,
    try_cast(
        sum(
            try_cast(
                cast(te.actualHours as decimal(18, 4)) * cast(coalesce(m.hourlyCost, te.hourlyCost, 0) as decimal(18, 4))
                as decimal(19, 4)
            )
        )
        as decimal(19, 4)
    ) as laborCost
from silver_cw_timeentry te
left join member_costs m on m.memberId = te.memberId
left join deleted_invoices d on d.invoiceId = te.invoiceId
where te.ticketId is not null and not te.isDeleted
group by te.ticketId
