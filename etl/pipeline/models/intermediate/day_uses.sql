-- Days of fact rows, with the number of rows, and days of invoices, tickets, projects, purchase orders, opportunities, activities and
-- answered surveys, which count 0. A ticket's status began on the day of a change, or on that on which a run saw it. Of additions and agreements with a flat
-- amount, every version counts: closed months of what was changed since have rows. Agreements with a limit have periods from their first
-- day on.
select d.usedOn, sum(d.uses) as uses
from (
    select usedOn, uses from fact_rows
    union all
    select invoicedOn, cast(0 as bigint) from fact_rows
    union all
    select dueDate, cast(0 as bigint) from silver_cw_invoice
    union all
    select dueDate, cast(0 as bigint) from silver_cw_unpostedinvoice
    union all
    select cast(from_utc_timestamp(dateResponded, '${time_zone}') as date), cast(0 as bigint) from silver_cw_serviceticket
    union all
    select cast(from_utc_timestamp(dateResplan, '${time_zone}') as date), cast(0 as bigint) from silver_cw_serviceticket
    union all
    select cast(from_utc_timestamp(dateResolved, '${time_zone}') as date), cast(0 as bigint) from silver_cw_serviceticket
    union all
    select cast(from_utc_timestamp(closedDate, '${time_zone}') as date), cast(0 as bigint) from silver_cw_serviceticket
    union all
    select requiredDate, cast(0 as bigint) from silver_cw_serviceticket
    union all
    select cast(from_utc_timestamp(closedDate, '${time_zone}') as date), cast(0 as bigint) from silver_cw_projectticket
    union all
    select requiredDate, cast(0 as bigint) from silver_cw_projectticket
    union all
    select cast(from_utc_timestamp(lastUpdated, '${time_zone}') as date), cast(0 as bigint) from silver_cw_serviceticket
    union all
    select cast(from_utc_timestamp(etlTimestamp, '${time_zone}') as date), cast(0 as bigint) from silver_cw_serviceticket
    union all
    select cast(from_utc_timestamp(lastUpdated, '${time_zone}') as date), cast(0 as bigint) from silver_cw_projectticket
    union all
    select cast(from_utc_timestamp(etlTimestamp, '${time_zone}') as date), cast(0 as bigint) from silver_cw_projectticket
    union all
    select effectiveDate, cast(0 as bigint) from silver_cw_agreementaddition
    union all
    select cancelledDate, cast(0 as bigint) from silver_cw_agreementaddition
    union all
    select effectiveDate, cast(0 as bigint) from silver_cw_agreementaddition_history
    union all
    select cast(from_utc_timestamp(dateEntered, '${time_zone}') as date), cast(0 as bigint) from silver_cw_agreementaddition_history
    union all
    select startDate, cast(0 as bigint) from silver_cw_agreement_history where billAmount <> 0
    union all
    select billStartDate, cast(0 as bigint) from silver_cw_agreement_history where billAmount <> 0
    union all
    select cast(from_utc_timestamp(dateEntered, '${time_zone}') as date), cast(0 as bigint) from silver_cw_agreement_history where billAmount <> 0
    union all
    select startDate, cast(0 as bigint) from silver_cw_agreement where applicationLimit > 0
    union all
    select billStartDate, cast(0 as bigint) from silver_cw_agreement where applicationLimit > 0
    union all
    select cast(from_utc_timestamp(dateEntered, '${time_zone}') as date), cast(0 as bigint) from silver_cw_agreement where applicationLimit > 0
    union all
    select estimatedStart, cast(0 as bigint) from silver_cw_project
    union all
    select estimatedEnd, cast(0 as bigint) from silver_cw_project
    union all
    select actualStart, cast(0 as bigint) from silver_cw_project
    union all
    select actualEnd, cast(0 as bigint) from silver_cw_project
    union all
    select dateStart, cast(0 as bigint) from silver_cw_timesheet
    union all
    select dateEnd, cast(0 as bigint) from silver_cw_timesheet
    union all
    select deadline, cast(0 as bigint) from silver_cw_timesheet
    union all
    select poDate, cast(0 as bigint) from silver_cw_purchaseorder
    union all
    select expectedArrivalDate, cast(0 as bigint) from silver_cw_purchaseorderlineitem
    union all
    select dateReceived, cast(0 as bigint) from silver_cw_purchaseorderlineitem
    union all
    select expectedCloseDate, cast(0 as bigint) from silver_cw_opportunity
    union all
    select cast(from_utc_timestamp(closedDate, '${time_zone}') as date), cast(0 as bigint) from silver_cw_opportunity
    union all
    select cast(from_utc_timestamp(dateEntered, '${time_zone}') as date), cast(0 as bigint) from silver_cw_opportunity
    union all
    select cast(from_utc_timestamp(dateStart, '${time_zone}') as date), cast(0 as bigint) from silver_cw_activity
    union all
    select cast(from_utc_timestamp(coalesce(dateEntered, lastUpdated), '${time_zone}') as date), cast(0 as bigint) from silver_cw_surveyresult
) d
where d.usedOn is not null
group by d.usedOn
