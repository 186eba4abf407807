-- The billing method of each project that has one.
select id as projectId, billingMethod
from silver_cw_project
where billingMethod is not null
