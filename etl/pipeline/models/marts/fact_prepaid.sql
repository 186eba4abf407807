-- One row per agreement with a limit and period: granted + carriedOver + adjusted - used - expired = remaining. What remains of a period that is over is
-- carried over to the next one, and nothing where it is less than 0: what was used beyond the limit. The oldest is used first.
--
-- What expires at the end of a period: all of it where the agreement carries nothing over, or is over; else what was granted in periods
-- that ended so many days ago (expiredDays) that the next period begins too late for it. What was carried into a period can be used until
-- its end, so that expiresOn is the first day of the first period that begins too late.
--
-- What is carried can neither be less than 0 nor more than the cap. So many periods after it was 0 for the last time, it is the
-- balance of these, or what the least cap on the way leaves.
with paths as (
    select
        n.agreementId, n.place, n.balance, s.balance as balanceThen,
        min(s.cap - s.balance) over (
            partition by n.agreementId, n.place order by s.place desc nulls last rows between unbounded preceding and 1 preceding
        ) as leastCap
    from prepaid_caps n
    join (
        select agreementId, place, balance, cap from prepaid_caps
        union all
        select agreementId, -1, cast(0 as decimal(29, 4)), cast(null as decimal(29, 4)) from prepaid_caps where place = 0
    ) s on s.agreementId = n.agreementId and s.place <= n.place
),
carried as (
    select agreementId, place, max(balance + least(-balanceThen, leastCap)) as carry
    from paths
    group by agreementId, place
),
kept as (
    select
        s.*,
        case
            when s.isLast then cast(null as decimal(38, 4))
            when not s.carriesOver then cast(0 as decimal(38, 4))
            when s.expiredDays is not null then cast(c.carry as decimal(38, 4))
            else cast(
                s.balance - least(
                    cast(0 as decimal(29, 4)),
                    min(s.balance) over (
                        partition by s.agreementId order by s.place asc nulls last rows between unbounded preceding and current row
                    )
                )
                as decimal(38, 4)
            )
        end as carry
    from prepaid_periods s
    left join carried c on c.agreementId = s.agreementId and c.place = s.place
),
balanced as (
    select
        k.*,
        cast(
            coalesce(lag(k.carry) over (partition by k.agreementId order by k.place asc nulls last), cast(0 as decimal(38, 4)))
            as decimal(19, 4)
        ) as carriedOver,
        cast(k.given - k.taken as decimal(19, 4)) as adjusted
    from kept k
),
-- An agreement that ends when nothing is left grants nothing from then on.
judged as (
    select
        b.*,
        b.carriedOver + b.granted + b.adjusted - b.used as unused,
        min(case when b.endsWhenZero and b.carriedOver + b.granted + b.adjusted - b.used <= 0 then b.place end) over (
            partition by b.agreementId
        ) as emptyAt
    from balanced b
),
ended as (
    select
        j.agreementId, j.rootAgreementId, j.companyId, j.units, j.cycle, j.place, j.periodStart, j.nextPeriodStart, j.carriesOver, j.expiredDays,
        j.endsBefore, j.isLast, j.isDeleted, j.used, j.adjusted, j.carry, j.isOver, j.base, j.stepMonths, j.stepDays,
        date_add(j.nextPeriodStart, j.expiredDays) as usableBefore,
        j.emptyAt is not null as isUsedUp,
        coalesce(j.place > j.emptyAt, false) as isAfterEnd,
        case when j.place > j.emptyAt then cast(0 as decimal(19, 4)) else j.granted end as granted,
        case when j.place > j.emptyAt then cast(0 as decimal(19, 4)) else j.carriedOver end as carriedOver,
        case when j.place > j.emptyAt then j.adjusted - j.used else j.unused end as unused
    from judged j
),
settled as (
    select
        e.*,
        case
            when e.unused <= 0 then cast(0 as decimal(19, 4))
            when e.isAfterEnd or (e.isLast and e.isOver) then cast(e.unused as decimal(19, 4))
            when not e.isLast then cast(e.unused - e.carry as decimal(19, 4))
            else cast(0 as decimal(19, 4))
        end as expired,
        -- Where the calendar has a day on which a period would begin: in months one of this month or of the next step.
        cast(
            ceil(
                cast(
                    case
                        when e.stepMonths > 0 then
                            (extract(year from e.usableBefore) - extract(year from e.base)) * 12
                                + extract(month from e.usableBefore) - extract(month from e.base)
                        else datediff(e.usableBefore, e.base)
                    end
                    as double
                ) / nullif(e.stepMonths + e.stepDays, 0)
            )
            as int
        ) as steps
    from ended e
)
select
    sha2(cast(s.agreementId as string) || '-' || cast(s.place + 1 as string), 256) as PrepaidSK,
    s.agreementId, s.rootAgreementId, s.companyId, s.units, s.cycle as applicationCycle,
    cast(s.place + 1 as int) as periodNumber,
    s.periodStart, s.nextPeriodStart,
    coalesce(dd.DateKey, -1) as PeriodStartDateSK,
    s.granted, s.carriedOver, s.adjusted, s.used, s.expired,
    cast(s.unused - s.expired as decimal(19, 4)) as remaining,
    least(
        case
            when not s.carriesOver then s.nextPeriodStart
            when s.expiredDays is not null and s.stepDays > 0 then date_add(s.base, cast(s.steps * s.stepDays as int))
            when s.expiredDays is not null then
                case
                    when add_months(s.base, cast(s.steps * s.stepMonths as int)) >= s.usableBefore
                        then add_months(s.base, cast(s.steps * s.stepMonths as int))
                    else add_months(s.base, cast((s.steps + 1) * s.stepMonths as int))
                end
        end,
        s.endsBefore
    ) as expiresOn,
    s.isLast and not s.isOver and not s.isUsedUp as isCurrent,
    coalesce(dc.CompanyKey, -1) as CompanyKey,
    coalesce(da.AgreementSK, -1) as AgreementSK,
    s.isDeleted
from settled s
left join dimdate dd on dd.`Date` = s.periodStart
left join dimcompany dc on dc.companyId = s.companyId
left join dimagreement da on da.agreementId = s.agreementId
where s.granted <> 0 or s.carriedOver <> 0 or s.used <> 0 or s.adjusted <> 0
