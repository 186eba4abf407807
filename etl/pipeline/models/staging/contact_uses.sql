-- Contacts that tickets name, with how often, since when and up to which row, and those of opportunities, activities and
-- answered surveys.
select
    u.contactId, u.contactName, u.companyId, u.companyName,
    max(u.lastUpdated) as lastUpdated, max(u.id) as id, sum(u.uses) as uses, min(u.usedOn) filter (where u.uses > 0) as usedOn
from (
    select
        id, contactId, coalesce(contactContactName, contactName) as contactName, companyId, companyName,
        cast(from_utc_timestamp(dateEntered, '${time_zone}') as date) as usedOn, lastUpdated,
        case when isDeleted then cast(0 as bigint) else cast(1 as bigint) end as uses
    from silver_cw_serviceticket
    union all
    select
        id, contactId, coalesce(contactContactName, contactName), companyId, companyName,
        cast(from_utc_timestamp(dateEntered, '${time_zone}') as date), lastUpdated,
        case when isDeleted then cast(0 as bigint) else cast(1 as bigint) end
    from silver_cw_projectticket
    union all
    select id, contactId, contactName, companyId, companyName, cast(null as date), lastUpdated, cast(0 as bigint)
    from silver_cw_opportunity
    union all
    select id, contactId, contactName, companyId, companyName, cast(null as date), lastUpdated, cast(0 as bigint)
    from silver_cw_activity
    union all
    select id, contactId, contactName, companyId, companyName, cast(null as date), lastUpdated, cast(0 as bigint)
    from silver_cw_surveyresult
) u
where u.contactId is not null
group by u.contactId, u.contactName, u.companyId, u.companyName
