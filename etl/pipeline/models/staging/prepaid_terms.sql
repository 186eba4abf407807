-- Agreements that cover hours, an amount or incidents up to a limit: what they grant in each period, and of which days the periods are.
-- `base` is the day that periods are counted from, of calendar periods the first one of the period in which the agreement begins;
-- a limit without a cycle is granted once.
select
    k.*,
    case
        when k.cycle in ('CalendarYear', 'ContractYear') then 12
        when k.cycle in ('CalendarQuarter', 'ContractQuarter') then 3
        when k.cycle = 'CalendarMonth' then 1
        else 0
    end as stepMonths,
    case
        when k.cycle = 'CalendarWeek' then 7
        when k.cycle = 'Contract2Weeks' then 14
        when k.cycle = 'Contract4Weeks' then 28
        else 0
    end as stepDays,
    case
        when k.cycle in ('CalendarYear', 'CalendarQuarter', 'CalendarMonth') then add_months(
            date_add(k.startsOn, cast(1 - extract(day from k.startsOn) as int)),
            cast(
                case
                    when k.cycle = 'CalendarYear' then 1 - extract(month from k.startsOn)
                    when k.cycle = 'CalendarQuarter' then -((extract(month from k.startsOn) - 1) % 3)
                    else 0
                end
                as int
            )
        )
        -- 1 January 1900 was a Monday.
        when k.cycle = 'CalendarWeek' then date_add(k.startsOn, cast(-(datediff(k.startsOn, date '1900-01-01') % 7) as int))
        else k.startsOn
    end as base,
    k.isDeleted or k.isCancelled or coalesce(k.endsBefore <= k.asOf, false) as isOver
from (
    select
        a.id as agreementId, coalesce(a.parentAgreementId, a.id) as rootAgreementId, a.companyId,
        a.applicationUnits as units,
        case when coalesce(a.oneTimeFlag, false) then 'Once' else coalesce(a.applicationCycle, 'Once') end as cycle,
        a.applicationLimit as periodLimit,
        coalesce(a.carryOverUnused, false) as carriesOver,
        case when a.expiredDays > 0 then a.expiredDays end as expiredDays,
        coalesce(a.expireWhenZero, false) as endsWhenZero,
        coalesce(
            case when a.startDate >= date '1900-01-01' then a.startDate end, a.billStartDate,
            cast(from_utc_timestamp(a.dateEntered, '${time_zone}') as date)
        ) as startsOn,
        -- The first day on which it is over.
        least(
            case when not coalesce(a.noEndingDateFlag, false) then date_add(a.endDate, 1) end,
            a.dateCancelled
        ) as endsBefore,
        coalesce(a.cancelledFlag, false) and a.dateCancelled is null as isCancelled,
        r.asOf, a.isDeleted
    from silver_cw_agreement a
    cross join run_day r
    where a.applicationLimit > 0 and a.applicationUnits is not null and not coalesce(a.applicationUnlimitedFlag, false)
) k
where k.startsOn >= date '1900-01-01'
