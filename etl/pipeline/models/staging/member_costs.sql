-- What an hour of a member costs.
select id as memberId, hourlyCost
from silver_cw_member
