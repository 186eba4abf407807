-- The id of each board by its name, which is all that time entries have. Of boards with the same name it is the lowest.
select name as boardName, min(id) as boardId
from silver_cw_board
where name is not null
group by name
