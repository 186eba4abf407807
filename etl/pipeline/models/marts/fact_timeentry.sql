-- One row a time entry, with what its agreement, its agreement's parent and its member say about it.
with entry as (
    select
        te.id as timeEntryId, te.memberId, te.agreementId, te.chargeToId, te.chargeToType, te.invoiceId,
        te.invoiceIdentifier as invoiceNumber, te.ticketId, te.projectId, te.companyId,
        coalesce(te.locationId, te.locationLocationId) as locationId, te.departmentId, te.businessUnitId, te.timeSheetId,
        te.memberName, te.workTypeId, te.workTypeName, te.workRoleId, te.workRoleName, te.billableOption, te.status,
        te.companyIdentifier, te.companyName, te.agreementName,
        coalesce(te.agreementType, te.agreementAgreementType) as agreementType,
        coalesce(te.locationName, te.locationLocationName) as locationName, te.departmentName, te.projectName,
        te.ticketSummary, te.ticketBoard, te.ticketType, te.ticketSubType, te.timeStart, te.timeEnd, te.workedOn,
        te.phaseId, b.boardId,
        coalesce(f.billingMethod, p.billingMethod) as billingMethod,
        coalesce(
            te.extendedInvoiceAmount,
            try_cast(
                cast(case when te.invoiceId is not null then coalesce(te.invoiceHours, te.actualHours) else te.actualHours end as decimal(18, 4))
                    * cast(te.hourlyRate as decimal(18, 4))
                as decimal(19, 4)
            )
        ) as billableAmount,
        te.enteredBy, te.dateEntered, te.actualHours,
        cast(coalesce(te.hoursDeduct, 0) as decimal(19, 4)) as hoursDeduct,
        cast(coalesce(te.hoursBilled, 0) as decimal(19, 4)) as hoursBilled,
        cast(coalesce(te.invoiceHours, 0) as decimal(19, 4)) as invoiceHours,
        cast(coalesce(te.agreementHours, 0) as decimal(19, 4)) as agreementHours,
        te.hourlyRate,
        cast(coalesce(te.hourlyCost, 0) as decimal(19, 4)) as hourlyCost,
        cast(coalesce(te.overageRate, 0) as decimal(19, 4)) as overageRate,
        cast(coalesce(te.agreementAmount, 0) as decimal(19, 4)) as agreementAmount,
        cast(coalesce(te.agreementAdjustment, 0) as decimal(19, 4)) as agreementAdjustment,
        cast(coalesce(te.adjustment, 0) as decimal(19, 4)) as adjustment,
        cast(coalesce(te.extendedInvoiceAmount, 0) as decimal(19, 4)) as extendedInvoiceAmount,
        te.taxCodeId, te.taxCodeName,
        coalesce(te.invoiceFlag, false) as invoiceFlag,
        coalesce(te.invoiceReady, 0) as invoiceReady,
        coalesce(te.workTypeUtilizationFlag, false) as workTypeUtilizationFlag,
        cast(coalesce(te.memberDailyCapacity, 8) as decimal(19, 4)) as memberDailyCapacity,
        te.notes, te.internalNotes,
        cast(coalesce(m.hourlyCost, te.hourlyCost, 0) as decimal(19, 4)) as effectiveHourlyCost,
        a.typeId,
        case
            when te.agreementId is not null then coalesce(a.typeName, te.agreementType, te.agreementAgreementType)
        end as agreement_type,
        a.parentAgreementId,
        a.final_agreement_number,
        a.statedType, a.statedBehavior,
        te.isDeleted
    from timeentry_days te
    left join member_costs m on m.memberId = te.memberId
    left join agreement_facts a on a.agreementId = te.agreementId
    left join project_methods p on p.projectId = te.projectId
    left join phase_methods f on f.phaseId = te.phaseId
    left join board_names b on b.boardName = te.ticketBoard
),
priced as (
    select
        e.*,
        try_cast(cast(e.actualHours as decimal(18, 4)) * cast(e.hourlyRate as decimal(18, 4)) as decimal(19, 4)) as potentialRevenue,
        try_cast(cast(e.actualHours as decimal(18, 4)) * cast(e.effectiveHourlyCost as decimal(18, 4)) as decimal(19, 4)) as actualCost,
        case when e.agreementId is not null then coalesce(r.agreement_type_normalized, e.statedType, 'other') end as agreement_type_normalized,
        case when e.agreementId is not null then coalesce(r.agreement_billing_behavior, e.statedBehavior, 'unknown') end as agreement_billing_behavior
    from entry e
    left join agreement_type_rules r on r.typeName = e.agreement_type
),
judged as (
    select
        p.*,
        try_cast(p.potentialRevenue - p.actualCost as decimal(19, 4)) as margin,
        case
            when p.agreement_type_normalized = 'internal_project' then 'Internal'
            when p.billableOption = 'Billable' then 'Billable'
            when p.billableOption = 'NoCharge' then 'No Charge'
            else 'Non-Billable'
        end as utilizationType
    from priced p
)
select
    sha2(cast(j.timeEntryId as string), 256) as TimeentrySK,
    j.timeEntryId, j.memberId, j.agreementId, j.chargeToId, j.chargeToType, j.invoiceId, j.invoiceNumber, j.ticketId, j.projectId,
    j.companyId, j.locationId, j.departmentId, j.businessUnitId, j.timeSheetId, j.memberName, j.workTypeId, j.workTypeName,
    j.workRoleId, j.workRoleName, j.billableOption, j.status, j.companyIdentifier, j.companyName, j.agreementName, j.agreementType,
    j.locationName, j.departmentName, j.projectName, j.ticketSummary, j.ticketBoard, j.ticketType, j.ticketSubType,
    j.timeStart, j.timeEnd, j.enteredBy, j.dateEntered, j.actualHours, j.hoursDeduct, j.hoursBilled, j.invoiceHours,
    j.agreementHours, j.hourlyRate, j.hourlyCost, j.overageRate, j.agreementAmount, j.agreementAdjustment, j.adjustment,
    j.extendedInvoiceAmount, j.taxCodeId, j.taxCodeName, j.invoiceFlag, j.invoiceReady, j.workTypeUtilizationFlag,
    j.memberDailyCapacity, j.notes, j.internalNotes,
    coalesce(dd.DateKey, -1) as WorkDateSK,
    j.effectiveHourlyCost, j.potentialRevenue, j.actualCost, j.margin,
    case
        when j.potentialRevenue > 0 then try_cast(j.margin * cast(100 as decimal(3, 0)) / nullif(j.potentialRevenue, 0) as decimal(19, 4))
        when j.potentialRevenue <= 0 then cast(0 as decimal(19, 4))
    end as marginPercentage,
    j.agreement_type, j.agreement_type_normalized, j.agreement_billing_behavior, j.parentAgreementId, j.final_agreement_number,
    case
        when j.invoiceId is not null then 'Invoiced'
        when j.agreement_type_normalized = 'internal_project' then 'Internal'
        when j.agreement_type_normalized = 'prepaid_hours' then 'Prepaid'
        when j.agreement_billing_behavior = 'billable' and j.billableOption = 'Billable' then 'Billable'
        when j.billableOption = 'NoCharge' then 'NoCharge'
        when j.billableOption = 'DoNotBill' then 'DoNotBill'
    end as effectiveBillingStatus,
    j.utilizationType,
    j.utilizationType || ' - ' || j.status as utilizationStatus,
    j.billableAmount,
    coalesce(j.status = 'WrittenOff', false) as isWrittenOff,
    cast(from_utc_timestamp(j.dateEntered, '${time_zone}') as date) = j.workedOn as enteredSameDay,
    j.boardId, j.phaseId,
    coalesce(j.parentAgreementId, j.agreementId) as rootAgreementId,
    j.billingMethod,
    coalesce(j.billingMethod = 'FixedFee', false) as isFixedFee,
    coalesce(dc.CompanyKey, -1) as CompanyKey,
    coalesce(dm.MemberKey, -1) as MemberKey,
    coalesce(da.AgreementSK, -1) as AgreementSK,
    coalesce(dt.AgreementTypeKey, -1) as AgreementTypeKey,
    coalesce(db.BillableStatusKey, -1) as BillableStatusKey,
    coalesce(ds.TimeEntryStatusKey, -1) as TimeEntryStatusKey,
    coalesce(dg.ChargeTypeKey, -1) as ChargeTypeKey,
    coalesce(dw.WorkTypeKey, -1) as WorkTypeKey,
    coalesce(dr.WorkRoleKey, -1) as WorkRoleKey,
    coalesce(dp.DepartmentKey, -1) as DepartmentKey,
    coalesce(du.BusinessUnitKey, -1) as BusinessUnitKey,
    coalesce(di.BoardKey, -1) as BoardKey,
    coalesce(dpj.ProjectKey, -1) as ProjectKey,
    coalesce(dph.PhaseKey, -1) as PhaseKey,
    coalesce(dlo.LocationKey, -1) as LocationKey,
    j.isDeleted
from judged j
left join dimdate dd on dd.`Date` = j.workedOn
left join dimcompany dc on dc.companyId = j.companyId
left join dimmember dm on dm.memberId = j.memberId
left join dimagreement da on da.agreementId = j.agreementId
left join dimagreementtype dt on dt.typeId = j.typeId
left join dimbillablestatus db on db.billableOption = j.billableOption
left join dimtimeentrystatus ds on ds.status = j.status
left join dimchargetype dg on dg.chargeToType = j.chargeToType
left join dimworktype dw on dw.workTypeId = j.workTypeId
left join dimworkrole dr on dr.workRoleId = j.workRoleId
left join dimdepartment dp on dp.departmentId = j.departmentId
left join dimbusinessunit du on du.businessUnitId = j.businessUnitId
left join dimboard di on di.boardId = j.boardId
left join dimproject dpj on dpj.projectId = j.projectId
left join dimphase dph on dph.phaseId = j.phaseId
left join dimlocation dlo on dlo.locationId = j.locationId
