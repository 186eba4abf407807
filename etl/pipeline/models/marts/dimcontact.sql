-- Contacts, and those that only tickets, opportunities, activities and surveys name. There the name is the one that the row changed last has. What the
-- privacy policy drops of a contact's name is NULL; a hashed name is made of the hashes of its parts.
with named as (
    select
        contactId, contactName, companyId, companyName, max(lastUpdated) as updated, max(id) as latest,
        sum(uses) as uses, min(usedOn) filter (where uses > 0) as firstUse
    from contact_uses
    where contactId is not null
    group by contactId, contactName, companyId, companyName
),
ranked as (
    select
        contactId, contactName, companyId, companyName,
        sum(uses) over (partition by contactId) as usage_count,
        min(firstUse) over (partition by contactId) as first_use,
        row_number() over (
            partition by contactId
            order by
                case when contactName is null then 1 else 0 end asc nulls last,
                updated desc nulls last, latest desc nulls last,
                contactName asc nulls last, companyId asc nulls last, companyName asc nulls last
        ) as place
    from named
),
used as (
    select * from ranked where place = 1
)
select
    coalesce(s.id, u.contactId) as contactId,
    case
        when s.id is not null then nullif(trim(coalesce(s.firstName, '') || ' ' || coalesce(s.lastName, '')), '')
        else u.contactName
    end as contactName,
    s.title,
    case when s.id is not null then s.companyId else u.companyId end as companyId,
    case when s.id is not null then s.companyName else u.companyName end as companyName,
    s.siteName, s.departmentName as contactDepartment, s.relationshipName as relationship,
    coalesce(s.defaultFlag, false) as isDefaultContact,
    coalesce(s.defaultBillingFlag, false) as isBillingContact,
    coalesce(cast(u.usage_count as bigint), cast(0 as bigint)) as usage_count,
    coalesce(not s.isDeleted and not coalesce(s.inactiveFlag, false), u.usage_count > 0, false) as IsActive,
    u.first_use as EffectiveDate,
    cast(null as date) as EndDate
from silver_cw_contact s
full join used u on u.contactId = s.id
