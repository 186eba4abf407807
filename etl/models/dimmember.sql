-- Members of staff, and those that only the facts name.
with named as (
    select memberId, memberName, memberIdentifier, max(lastUpdated) as updated, max(id) as latest
    from fact_rows
    where memberId is not null
    group by memberId, memberName, memberIdentifier
),
ranked as (
    select
        memberId, memberName, memberIdentifier,
        row_number() over (
            partition by memberId
            order by
                case when memberName is null then 1 else 0 end asc nulls last,
                updated desc nulls last, latest desc nulls last, memberName asc nulls last, memberIdentifier asc nulls last
        ) as place
    from named
),
used as (
    select
        memberId,
        count(*) filter (where not isDeleted) as usage_count,
        min(usedOn) filter (where not isDeleted) as first_use
    from fact_rows
    where memberId is not null
    group by memberId
),
members as (
    select
        s.id as memberId,
        coalesce(nullif(concat_ws(' ', nullif(s.firstName, ''), nullif(s.lastName, '')), ''), s.identifier) as memberName,
        s.identifier as memberIdentifier, s.officeEmail,
        coalesce(s.inactiveFlag, false) as inactiveFlag,
        not s.isDeleted and not coalesce(s.inactiveFlag, false) as active,
        cast(s.hireDate as date) as begins, cast(s.inactiveDate as date) as ends
    from silver_cw_member s
    union all
    select
        r.memberId, r.memberName, r.memberIdentifier, cast(null as string), false,
        cast(null as boolean), cast(null as date), cast(null as date)
    from ranked r
    left anti join silver_cw_member s on s.id = r.memberId
    where r.place = 1
)
select
    m.memberId, m.memberName, m.memberIdentifier, m.officeEmail, m.inactiveFlag,
    coalesce(u.usage_count, cast(0 as bigint)) as usage_count,
    coalesce(m.active, u.usage_count > 0, false) as IsActive,
    coalesce(m.begins, u.first_use) as EffectiveDate,
    m.ends as EndDate
from members m
left join used u on u.memberId = m.memberId
