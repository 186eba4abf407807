-- Which ticket statuses of boards are closing ones. A deleted status still says so of the tickets that have it.
select id as statusId, closedStatus
from silver_cw_boardstatus
