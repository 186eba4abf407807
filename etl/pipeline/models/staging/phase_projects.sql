-- The project of each phase.
select id as phaseId, projectId
from silver_cw_projectphase
where projectId is not null
