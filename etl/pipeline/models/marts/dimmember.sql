-- Members of staff, and those that only the facts name.
with named as (
    select
        memberId, memberName, memberIdentifier, max(lastUpdated) as updated, max(id) as latest,
        sum(uses) as uses, min(usedOn) filter (where uses > 0) as firstUse
    from member_uses
    where memberId is not null
    group by memberId, memberName, memberIdentifier
),
ranked as (
    select
        memberId, memberName, memberIdentifier,
        sum(uses) over (partition by memberId) as usage_count,
        min(firstUse) over (partition by memberId) as first_use,
        row_number() over (
            partition by memberId
            order by
                case when memberName is null then 1 else 0 end asc nulls last,
                updated desc nulls last, latest desc nulls last, memberName asc nulls last, memberIdentifier asc nulls last
        ) as place
    from named
),
used as (
    select * from ranked where place = 1
)
select
    coalesce(s.id, u.memberId) as memberId,
    case
        when s.id is null then u.memberName
        else coalesce(nullif(concat_ws(' ', nullif(s.firstName, ''), nullif(s.lastName, '')), ''), s.identifier)
    end as memberName,
    case when s.id is not null then s.identifier else u.memberIdentifier end as memberIdentifier,
    s.officeEmail,
    s.typeName as memberType, s.title, s.defaultDepartmentName as departmentName, s.defaultLocationName as locationName,
    s.reportsToId, s.reportsToName, s.workRoleName, s.calendarName, s.dailyCapacity, s.hireDate, s.inactiveDate,
    coalesce(s.includeInUtilizationReportingFlag, true) as includeInUtilization,
    coalesce(s.inactiveFlag, false) as inactiveFlag,
    coalesce(cast(u.usage_count as bigint), cast(0 as bigint)) as usage_count,
    coalesce(not s.isDeleted and not coalesce(s.inactiveFlag, false), u.usage_count > 0, false) as IsActive,
    coalesce(s.hireDate, u.first_use) as EffectiveDate,
    s.inactiveDate as EndDate
from silver_cw_member s
full join used u on u.memberId = s.id
