-- Hours of each time sheet, as its entries have them, and when the last of them was entered.
select timeSheetId, sum(actualHours) as hours, count(*) as entries, max(dateEntered) as lastEntered
from silver_cw_timeentry
where timeSheetId is not null and not isDeleted
group by timeSheetId
