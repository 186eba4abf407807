-- How the work of a project is billed.
select id as projectId, billingMethod
from silver_cw_project
where billingMethod is not null
