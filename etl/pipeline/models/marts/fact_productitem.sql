-- One row a product item. Revenue and cost are the extended ones, which carry quantity and discount.
with item as (
    select
        p.id as productItemId, p.catalogItemId, p.companyId, p.agreementId, p.invoiceId, p.ticketId, p.projectId, p.phaseId,
        coalesce(f.billingMethod, j.billingMethod) as billingMethod,
        p.description, p.customerDescription,
        cast(coalesce(p.quantity, 0) as decimal(19, 4)) as quantity,
        cast(coalesce(p.quantityCancelled, 0) as decimal(19, 4)) as quantityCancelled,
        cast(coalesce(p.price, 0) as decimal(19, 4)) as price,
        cast(coalesce(p.cost, 0) as decimal(19, 4)) as cost,
        cast(coalesce(p.calculatedPrice, 0) as decimal(19, 4)) as calculatedPrice,
        cast(coalesce(p.calculatedCost, 0) as decimal(19, 4)) as calculatedCost,
        cast(coalesce(p.extPrice, 0) as decimal(19, 4)) as extPrice,
        cast(coalesce(p.extCost, 0) as decimal(19, 4)) as extCost,
        cast(coalesce(p.discount, 0) as decimal(19, 4)) as discount,
        cast(coalesce(p.agreementAmount, 0) as decimal(19, 4)) as agreementAmount,
        p.billableOption, p.productClass, p.purchaseDate,
        a.typeId as agreementTypeId,
        case when p.agreementId is not null then coalesce(a.typeName, p.agreementType) end as agreement_type,
        a.parentAgreementId, a.final_agreement_number, a.statedType, a.statedBehavior, p.isDeleted
    from silver_cw_productitem p
    left join agreement_facts a on a.agreementId = p.agreementId
    left join project_methods j on j.projectId = p.projectId
    left join phase_methods f on f.phaseId = p.phaseId
),
judged as (
    select
        i.*,
        try_cast(i.extPrice - i.extCost as decimal(19, 4)) as margin,
        case when i.agreementId is not null then coalesce(r.agreement_type_normalized, i.statedType, 'other') end as agreement_type_normalized,
        case when i.agreementId is not null then coalesce(r.agreement_billing_behavior, i.statedBehavior, 'unknown') end as agreement_billing_behavior
    from item i
    left join agreement_type_rules r on r.typeName = i.agreement_type
)
select
    sha2(cast(j.productItemId as string), 256) as ProductItemSK,
    j.productItemId, j.catalogItemId, j.companyId, j.agreementId, j.invoiceId, j.ticketId, j.projectId, j.description,
    j.customerDescription, j.quantity, j.quantityCancelled, j.price, j.cost, j.calculatedPrice, j.calculatedCost, j.extPrice,
    j.extCost, j.discount, j.agreementAmount, j.billableOption, j.productClass, j.margin,
    case
        when j.extPrice > 0 then try_cast(j.margin * cast(100 as decimal(3, 0)) / nullif(j.extPrice, 0) as decimal(19, 4))
        else cast(0 as decimal(19, 4))
    end as marginPercentage,
    coalesce(dd.DateKey, -1) as PurchaseDateSK,
    j.agreement_type, j.agreement_type_normalized, j.agreement_billing_behavior, j.parentAgreementId, j.final_agreement_number,
    j.phaseId, j.billingMethod,
    coalesce(j.billingMethod = 'FixedFee', false) as isFixedFee,
    coalesce(dc.CompanyKey, -1) as CompanyKey,
    coalesce(da.AgreementSK, -1) as AgreementSK,
    coalesce(dt.AgreementTypeKey, -1) as AgreementTypeKey,
    coalesce(db.BillableStatusKey, -1) as BillableStatusKey,
    coalesce(dx.ProductKey, -1) as ProductKey,
    coalesce(dpj.ProjectKey, -1) as ProjectKey,
    coalesce(dph.PhaseKey, -1) as PhaseKey,
    j.isDeleted
from judged j
left join dimdate dd on dd.`Date` = j.purchaseDate
left join dimcompany dc on dc.companyId = j.companyId
left join dimagreement da on da.agreementId = j.agreementId
left join dimagreementtype dt on dt.typeId = j.agreementTypeId
left join dimbillablestatus db on db.billableOption = j.billableOption
left join dimproduct dx on dx.productId = j.catalogItemId
left join dimproject dpj on dpj.projectId = j.projectId
left join dimphase dph on dph.phaseId = j.phaseId
