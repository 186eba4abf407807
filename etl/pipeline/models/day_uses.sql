-- Days that rows and their invoices are on. An invoice's day is no use.
select d.usedOn, sum(d.uses) as uses
from (
    select usedOn, uses from fact_rows
    union all
    select invoicedOn, cast(0 as bigint) from fact_rows
) d
where d.usedOn is not null
group by d.usedOn
