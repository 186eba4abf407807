-- Agreement types, and those that only agreements name, with the category that the classification rules give them, or their own
-- settings.
with named as (
    select typeId, typeName, max(lastUpdated) as updated, max(id) as latest
    from silver_cw_agreement
    where typeId is not null
    group by typeId, typeName
),
ranked as (
    select
        typeId, typeName,
        row_number() over (
            partition by typeId
            order by case when typeName is null then 1 else 0 end asc nulls last, updated desc nulls last, latest desc nulls last, typeName asc nulls last
        ) as place
    from named
),
listed as (
    select * from ranked where place = 1
),
uses as (
    select agreementId, sum(uses) as uses, min(usedOn) filter (where uses > 0) as firstUse
    from agreement_uses
    where agreementId is not null
    group by agreementId
),
used as (
    select a.typeId, sum(u.uses) as usage_count, min(u.firstUse) as first_use
    from uses u
    join silver_cw_agreement a on a.id = u.agreementId
    where a.typeId is not null
    group by a.typeId
),
joined as (
    select
        coalesce(s.id, l.typeId) as typeId,
        case when s.id is not null then s.name else l.typeName end as typeName,
        not s.isDeleted and not coalesce(s.inactiveFlag, false) as isOffered
    from silver_cw_agreementtype s
    full join listed l on l.typeId = s.id
)
select
    j.typeId, j.typeName,
    coalesce(c.agreement_type_normalized, t.agreement_type_normalized, 'other') as agreementCategory,
    coalesce(cast(u.usage_count as bigint), cast(0 as bigint)) as usage_count,
    coalesce(j.isOffered, u.usage_count > 0, false) as IsActive,
    u.first_use as EffectiveDate,
    cast(null as date) as EndDate
from joined j
left join used u on u.typeId = j.typeId
left join agreement_type_rules c on c.typeName = j.typeName
left join agreement_statements t on t.typeId = j.typeId
