-- One row an expense entry. An expense is revenue at no cost of its own.
with entry as (
    select
        x.id as expenseId, x.memberId, x.agreementId, x.chargeToId, x.chargeToType, x.invoiceId, x.ticketId, x.projectId, x.companyId,
        x.typeId as expenseTypeId, x.typeName as expenseTypeName, x.billableOption,
        cast(coalesce(x.amount, 0) as decimal(19, 4)) as amount,
        x.`date` as spentOn, x.notes,
        a.typeId as agreementTypeId,
        case when x.agreementId is not null then coalesce(a.typeName, x.agreementType) end as agreement_type,
        a.parentAgreementId, a.final_agreement_number, a.statedType, a.statedBehavior, x.isDeleted
    from silver_cw_expenseentry x
    left join agreement_facts a on a.agreementId = x.agreementId
),
judged as (
    select
        e.*,
        case when e.agreementId is not null then coalesce(r.agreement_type_normalized, e.statedType, 'other') end as agreement_type_normalized,
        case when e.agreementId is not null then coalesce(r.agreement_billing_behavior, e.statedBehavior, 'unknown') end as agreement_billing_behavior
    from entry e
    left join agreement_type_rules r on r.typeName = e.agreement_type
)
select
    sha2(cast(j.expenseId as string), 256) as ExpenseSK,
    j.expenseId, j.memberId, j.agreementId, j.chargeToId, j.chargeToType, j.invoiceId, j.ticketId, j.projectId, j.companyId,
    j.expenseTypeId, j.expenseTypeName, j.billableOption, j.amount,
    cast(1 as decimal(19, 4)) as quantity,
    j.spentOn as `date`, j.notes,
    coalesce(dd.DateKey, -1) as ExpenseDateSK,
    j.amount as totalAmount,
    cast(0 as decimal(19, 4)) as totalCost,
    j.amount as margin,
    j.agreement_type, j.agreement_type_normalized, j.agreement_billing_behavior, j.parentAgreementId, j.final_agreement_number,
    case
        when j.invoiceId is not null then 'Invoiced'
        when j.agreement_type_normalized = 'internal_project' then 'Internal'
        when j.agreement_type_normalized = 'prepaid_hours' then 'Prepaid'
        when j.agreement_billing_behavior = 'billable' and j.billableOption = 'Billable' then 'Billable'
        when j.billableOption = 'NoCharge' then 'NoCharge'
        when j.billableOption = 'DoNotBill' then 'DoNotBill'
    end as effectiveBillingStatus,
    coalesce(dc.CompanyKey, -1) as CompanyKey,
    coalesce(dm.MemberKey, -1) as MemberKey,
    coalesce(da.AgreementSK, -1) as AgreementSK,
    coalesce(dt.AgreementTypeKey, -1) as AgreementTypeKey,
    coalesce(db.BillableStatusKey, -1) as BillableStatusKey,
    coalesce(dg.ChargeTypeKey, -1) as ChargeTypeKey,
    coalesce(dpj.ProjectKey, -1) as ProjectKey,
    j.isDeleted
from judged j
left join dimdate dd on dd.`Date` = j.spentOn
left join dimcompany dc on dc.companyId = j.companyId
left join dimmember dm on dm.memberId = j.memberId
left join dimagreement da on da.agreementId = j.agreementId
left join dimagreementtype dt on dt.typeId = j.agreementTypeId
left join dimbillablestatus db on db.billableOption = j.billableOption
left join dimchargetype dg on dg.chargeToType = j.chargeToType
left join dimproject dpj on dpj.projectId = j.projectId
