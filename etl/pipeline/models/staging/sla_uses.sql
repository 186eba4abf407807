-- SLAs that tickets name, with how often, since when and up to which row, and those of agreements and configurations.
select
    u.slaId, u.slaName,
    max(u.lastUpdated) as lastUpdated, max(u.id) as id, sum(u.uses) as uses, min(u.usedOn) filter (where u.uses > 0) as usedOn
from (
    select
        id, slaId, slaName, cast(from_utc_timestamp(dateEntered, '${time_zone}') as date) as usedOn, lastUpdated,
        case when isDeleted then cast(0 as bigint) else cast(1 as bigint) end as uses
    from silver_cw_serviceticket
    union all
    select id, slaId, slaName, cast(null as date), lastUpdated, cast(0 as bigint)
    from silver_cw_agreement
    union all
    select id, slaId, slaName, cast(null as date), lastUpdated, cast(0 as bigint)
    from silver_cw_configuration
) u
where u.slaId is not null
group by u.slaId, u.slaName
