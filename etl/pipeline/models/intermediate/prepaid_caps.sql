-- The most that can be carried from a period to the next one, of agreements whose grants expire: what was granted and added in periods that ended less
-- than so many days before the next one begins.
select n.agreementId, n.place, n.balance, sum(g.granted + g.given) as cap
from prepaid_periods n
join prepaid_periods g
    on g.agreementId = n.agreementId and g.place <= n.place
    and date_add(g.nextPeriodStart, g.expiredDays) > n.nextPeriodStart
where n.carriesOver and n.expiredDays is not null and not n.isLast
group by n.agreementId, n.place, n.balance
