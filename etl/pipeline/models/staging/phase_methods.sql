-- The billing method of each phase that has one.
select id as phaseId, billingMethod
from silver_cw_projectphase
where billingMethod is not null
