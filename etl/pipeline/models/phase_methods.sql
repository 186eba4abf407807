-- How the work of a phase is billed.
select id as phaseId, billingMethod
from silver_cw_projectphase
where billingMethod is not null
