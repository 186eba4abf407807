-- Which ticket statuses of boards are closing ones, and in which a ticket waits for somebody else. A deleted status still says so of
-- the tickets that have it.
select id as statusId, closedStatus, escalationStatus = 'NoEscalation' as isWaiting
from silver_cw_boardstatus
