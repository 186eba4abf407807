-- Boards by the name that time entries know them by. Should two have the same, it is the first.
select name as boardName, min(id) as boardId
from silver_cw_board
where name is not null
group by name
