-- Agreements that rows name, with how often, since when and up to which row, and those that additions hang on, or
-- projects and activities name.
select
    u.agreementId, u.agreementName, u.typeName,
    max(u.lastUpdated) as lastUpdated, max(u.id) as id, sum(u.uses) as uses, min(u.usedOn) filter (where u.uses > 0) as usedOn
from (
    select agreementId, agreementName, typeName, lastUpdated, id, uses, usedOn
    from fact_rows
    union all
    select agreementId, cast(null as string), cast(null as string), lastUpdated, id, cast(0 as bigint), cast(null as date)
    from silver_cw_agreementaddition
    union all
    select agreementId, cast(null as string), cast(null as string), lastUpdated, id, cast(0 as bigint), cast(null as date)
    from silver_cw_agreementaddition_history
    union all
    select agreementId, agreementName, cast(null as string), lastUpdated, id, cast(0 as bigint), cast(null as date)
    from silver_cw_project
    union all
    select agreementId, agreementName, agreementType, lastUpdated, id, cast(0 as bigint), cast(null as date)
    from silver_cw_activity
) u
where u.agreementId is not null
group by u.agreementId, u.agreementName, u.typeName
