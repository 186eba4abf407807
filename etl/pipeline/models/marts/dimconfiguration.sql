-- Configurations: what clients have, with the end of its warranty. No fact names one, so that none is used.
select
    s.id as configurationId, s.name as configurationName, s.typeId, s.typeName, s.statusId, s.statusName,
    coalesce(t.closedFlag, false) as isClosed,
    s.companyId, s.companyName, s.contactId, s.contactName, s.siteName, s.slaId, s.slaName,
    s.manufacturerName, s.modelNumber, s.serialNumber, s.tagNumber, s.vendorName, s.parentConfigurationId,
    coalesce(s.billFlag, false) as isBilled,
    coalesce(s.needsRenewalFlag, false) as needsRenewal,
    s.installationDate, s.purchaseDate, s.warrantyExpirationDate,
    s.warrantyExpirationDate >= r.asOf as isUnderWarranty,
    cast(0 as bigint) as usage_count,
    not s.isDeleted and coalesce(s.activeFlag, true) and not coalesce(t.closedFlag, false) as IsActive,
    coalesce(s.installationDate, s.purchaseDate) as EffectiveDate,
    cast(null as date) as EndDate
from silver_cw_configuration s
cross join run_day r
left join silver_cw_configurationstatus t on t.id = s.statusId
