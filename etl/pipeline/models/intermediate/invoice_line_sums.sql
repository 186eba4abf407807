-- Sum and number of the lines of each invoice. Deleted lines are in the number and not in the sum.
select
    invoiceId,
    try_cast(sum(case when not isDeleted then lineAmount end) as decimal(19, 4)) as lineTotal,
    count(sourceId) as lineCount
from line_sources
where invoiceId is not null
group by invoiceId
