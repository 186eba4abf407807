-- Agreements, and those that only the facts name. Its own isActive and endDate are the dimension's IsActive and EndDate.
with named as (
    select
        agreementId, agreementName, typeName, max(lastUpdated) as updated, max(id) as latest,
        sum(uses) as uses, min(usedOn) filter (where uses > 0) as firstUse
    from agreement_uses
    where agreementId is not null
    group by agreementId, agreementName, typeName
),
ranked as (
    select
        agreementId, agreementName, typeName,
        sum(uses) over (partition by agreementId) as usage_count,
        min(firstUse) over (partition by agreementId) as first_use,
        row_number() over (
            partition by agreementId
            order by case when agreementName is null then 1 else 0 end asc nulls last, updated desc nulls last, latest desc nulls last, agreementName asc nulls last, typeName asc nulls last
        ) as place,
        row_number() over (
            partition by agreementId
            order by case when typeName is null then 1 else 0 end asc nulls last, updated desc nulls last, latest desc nulls last, typeName asc nulls last, agreementName asc nulls last
        ) as typePlace
    from named
),
used as (
    -- The newest name and the newest type need not be of one row.
    select n.agreementId, n.agreementName, t.typeName, n.usage_count, n.first_use
    from ranked n
    join ranked t on t.agreementId = n.agreementId
    where n.place = 1 and t.typePlace = 1
)
select
    coalesce(a.id, u.agreementId) as agreementId,
    case when a.id is not null then a.name else u.agreementName end as agreementName,
    n.final_agreement_number as number,
    a.typeId,
    coalesce(a.typeName, u.typeName) as typeName,
    a.parentAgreementId, a.parentAgreementName,
    a.companyId, a.companyName, a.contactId, a.contactName, a.siteId, a.siteName,
    a.billToCompanyId, a.billToCompanyName, a.billToContactId, a.billToContactName, a.billToSiteId, a.billToSiteName,
    a.applicationUnits as billingModel,
    a.applicationLimit as contractLimit,
    a.applicationCycle as billingCycle,
    coalesce(a.applicationUnlimitedFlag, false) as isUnlimited,
    coalesce(a.coverAgreementTime, false) as coversTime,
    coalesce(a.coverAgreementProduct, false) as coversProducts,
    coalesce(a.coverAgreementExpense, false) as coversExpenses,
    coalesce(a.coverSalesTax, false) as coversSalesTax,
    coalesce(a.carryOverUnused, false) as allowsCarryOver,
    coalesce(a.allowOverruns, false) as allowsOverruns,
    coalesce(a.expireWhenZero, false) as expiresWhenZero,
    a.billAmount as recurringAmount,
    a.compHourlyRate as compensationHourlyRate,
    a.compLimitAmount as compensationLimit,
    a.workRoleId as defaultWorkRoleId, a.workRoleName as defaultWorkRoleName,
    a.workTypeId as defaultWorkTypeId, a.workTypeName as defaultWorkTypeName,
    a.locationId as defaultLocationId, a.locationName as defaultLocationName,
    a.departmentId as defaultDepartmentId, a.departmentName as defaultDepartmentName,
    a.billTime as defaultBillTime, a.billExpenses as defaultBillExpenses, a.billProducts as defaultBillProducts,
    a.startDate, a.endDate,
    coalesce(a.noEndingDateFlag, false) as isOpenEnded,
    a.dateCancelled as cancelledDate,
    coalesce(a.cancelledFlag, false) as isCancelled,
    case
        when a.id is null then coalesce(u.usage_count > 0, false)
        else not a.isDeleted
            and coalesce(coalesce(case when a.startDate >= date '1900-01-01' then a.startDate end, a.billStartDate) <= t.asOf, true)
            -- Cancelled for a day to come, it runs until then.
            and not coalesce(a.dateCancelled <= t.asOf, coalesce(a.cancelledFlag, false))
            and coalesce(a.agreementStatus, 'Active') = 'Active'
            and (coalesce(a.noEndingDateFlag, false) or a.endDate is null or a.endDate >= t.asOf)
    end as isActive,
    cast(
        (extract(year from t.asOf) - extract(year from a.startDate)) * 12 + extract(month from t.asOf) - extract(month from a.startDate)
        as int
    ) as ageInMonths,
    case when coalesce(a.noEndingDateFlag, false) then cast(null as int) else datediff(a.endDate, a.startDate) end as durationDays,
    coalesce(c.agreement_type_normalized, n.statedType, 'other') as agreementTypeNormalized,
    coalesce(c.agreement_billing_behavior, n.statedBehavior, 'unknown') as billingBehavior,
    coalesce(cast(u.usage_count as bigint), cast(0 as bigint)) as usage_count,
    coalesce(a.startDate, u.first_use) as EffectiveDate
from silver_cw_agreement a
full join used u on u.agreementId = a.id
cross join run_day t
left join agreement_facts n on n.agreementId = a.id
left join agreement_type_rules c on c.typeName = coalesce(a.typeName, u.typeName)
