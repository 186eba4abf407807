-- The list of billing cycles: how many months each lasts by its kind, else by its name, and whether it bills again at all. A deleted
-- one still says so of the agreements that have it.
select
    b.id as billingCycleId, b.name as billingCycleName,
    coalesce(k.cycleMonths, n.cycleMonths) as cycleMonths,
    coalesce(b.billingOptions = 'NotRecurring', false) as isOnce
from silver_cw_billingcycle b
left join cycle_lengths k on k.cycleName = lower(trim(b.billingOptions))
left join cycle_lengths n on n.cycleName = lower(trim(b.name))
