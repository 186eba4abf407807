-- How many months a billing cycle lasts, by its name and by its kind in the list of billing cycles, in lower case.
select 'monthly' as cycleName, 1 as cycleMonths
union all
select 'quarterly', 3
union all
select 'semi-annually', 6
union all
select 'semi-annual', 6
union all
select 'semiannually', 6
union all
select 'semiannual', 6
union all
select 'annually', 12
union all
select 'annual', 12
union all
select 'yearly', 12
