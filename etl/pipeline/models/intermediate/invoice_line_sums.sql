-- Sum and number of the lines of each invoice, and how many numbers they take: deleted lines keep theirs.
select
    invoiceId,
    try_cast(sum(case when not isDeleted then lineAmount end) as decimal(19, 4)) as lineTotal,
    count(case when not isDeleted then sourceId end) as lineCount,
    count(sourceId) as lineNumbers
from line_sources
where invoiceId is not null
group by invoiceId
