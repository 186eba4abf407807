-- Days of fact rows, with the number of rows, and days of invoices, which count 0.
select d.usedOn, sum(d.uses) as uses
from (
    select usedOn, uses from fact_rows
    union all
    select invoicedOn, cast(0 as bigint) from fact_rows
    union all
    select dueDate, cast(0 as bigint) from silver_cw_invoice
    union all
    select dueDate, cast(0 as bigint) from silver_cw_unpostedinvoice
) d
where d.usedOn is not null
group by d.usedOn
