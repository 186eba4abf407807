-- Names of agreement types that rows state.
select typeName
from fact_rows
where typeName is not null
group by typeName
