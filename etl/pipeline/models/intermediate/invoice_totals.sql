-- Invoice headers with the sum and number of their lines, and the difference to the revenue.
select
    h.*,
    coalesce(s.lineTotal, cast(0 as decimal(19, 4))) as lineTotal,
    coalesce(s.lineCount, cast(0 as bigint)) as lineCount,
    coalesce(s.lineNumbers, cast(0 as bigint)) as lineNumbers,
    try_cast(h.revenueAmount - coalesce(s.lineTotal, 0) as decimal(19, 4)) as balancingAmount
from invoice_headers h
left join invoice_line_sums s on s.invoiceId = h.invoiceId
