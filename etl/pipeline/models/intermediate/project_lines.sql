-- What the lines of each invoice that name a project amount to.
select projectId, invoiceId, sum(lineAmount) as lineAmount
from line_sources
where projectId is not null and invoiceId is not null and not isDeleted
group by projectId, invoiceId
