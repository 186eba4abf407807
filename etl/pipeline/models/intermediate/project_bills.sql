-- What was billed for each project, and what of it is revenue. An invoice that names a project is of that project, with all of its lines; of
-- another invoice those lines count that name the project. What is on a deleted invoice isn't billed.
select b.projectId, sum(b.billedAmount) as billedAmount, sum(b.revenueAmount) as revenueAmount
from (
    select projectId, billedAmount, revenueAmount
    from invoice_headers
    where projectId is not null and not isDeleted
    union all
    select l.projectId, l.lineAmount as billedAmount, l.lineAmount as revenueAmount
    from project_lines l
    left join invoice_headers h on h.invoiceId = l.invoiceId and (h.projectId is not null or h.isDeleted)
    where h.invoiceId is null
) b
group by b.projectId
