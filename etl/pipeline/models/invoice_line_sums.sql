-- What the lines of an invoice add up to. Deleted lines count, and add nothing.
select
    invoiceId,
    try_cast(sum(case when not isDeleted then lineAmount end) as decimal(19, 4)) as lineTotal,
    count(sourceId) as lineCount
from line_sources
where invoiceId is not null
group by invoiceId
