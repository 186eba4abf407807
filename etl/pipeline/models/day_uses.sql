-- Days of fact rows, with the number of rows, and days of invoices and tickets, which count 0.
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
    select cast(dateResponded as date), cast(0 as bigint) from silver_cw_serviceticket
    union all
    select cast(dateResplan as date), cast(0 as bigint) from silver_cw_serviceticket
    union all
    select cast(dateResolved as date), cast(0 as bigint) from silver_cw_serviceticket
    union all
    select cast(closedDate as date), cast(0 as bigint) from silver_cw_serviceticket
    union all
    select requiredDate, cast(0 as bigint) from silver_cw_serviceticket
    union all
    select cast(closedDate as date), cast(0 as bigint) from silver_cw_projectticket
    union all
    select requiredDate, cast(0 as bigint) from silver_cw_projectticket
) d
where d.usedOn is not null
group by d.usedOn
