-- Companies that rows name, with how often, since when and up to which row, and those of agreements, projects,
-- opportunities, activities and answered surveys, and vendors of purchase orders.
select
    u.companyId, u.companyName, u.companyIdentifier, u.companyType,
    max(u.lastUpdated) as lastUpdated, max(u.id) as id, sum(u.uses) as uses, min(u.usedOn) filter (where u.uses > 0) as usedOn
from (
    select companyId, companyName, companyIdentifier, companyType, lastUpdated, id, uses, usedOn
    from fact_rows
    union all
    select companyId, companyName, companyIdentifier, cast(null as string), lastUpdated, id, cast(0 as bigint), cast(null as date)
    from silver_cw_agreement
    union all
    select companyId, companyName, companyIdentifier, cast(null as string), lastUpdated, id, cast(0 as bigint), cast(null as date)
    from silver_cw_agreement_history
    union all
    select companyId, companyName, companyIdentifier, cast(null as string), lastUpdated, id, cast(0 as bigint), cast(null as date)
    from silver_cw_project
    union all
    select vendorCompanyId, vendorCompanyName, vendorCompanyIdentifier, cast(null as string), lastUpdated, id, cast(0 as bigint), cast(null as date)
    from silver_cw_purchaseorder
    union all
    select companyId, companyName, companyIdentifier, cast(null as string), lastUpdated, id, cast(0 as bigint), cast(null as date)
    from silver_cw_opportunity
    union all
    select companyId, companyName, companyIdentifier, cast(null as string), lastUpdated, id, cast(0 as bigint), cast(null as date)
    from silver_cw_activity
    union all
    select companyId, companyName, companyIdentifier, cast(null as string), lastUpdated, id, cast(0 as bigint), cast(null as date)
    from silver_cw_surveyresult
) u
where u.companyId is not null
group by u.companyId, u.companyName, u.companyIdentifier, u.companyType
