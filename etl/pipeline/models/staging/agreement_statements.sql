-- What agreements (agreementId) and their types (typeId) say themselves of how they are billed, unless configured rules classify them by
-- the names of their types. What an agreement leaves open is as its type has it. Without an answer there is no row.
with terms as (
    select
        a.id as agreementId, cast(null as int) as typeId,
        coalesce(a.chargeToFirm, t.chargeToFirmFlag, false) as isInternal,
        coalesce(t.prePaymentFlag, false) as isPrepayment,
        coalesce(a.applicationUnlimitedFlag, t.applicationUnlimitedFlag, false) as isUnlimited,
        coalesce(a.applicationLimit, t.applicationLimit) as coveredUnits,
        coalesce(a.coverAgreementTime, t.coverAgreementTimeFlag, false) as coversTime,
        coalesce(a.billTime, t.billTime) as billTime
    from silver_cw_agreement a
    left join silver_cw_agreementtype t on t.id = a.typeId
    union all
    select
        cast(null as int), t.id, coalesce(t.chargeToFirmFlag, false), coalesce(t.prePaymentFlag, false),
        coalesce(t.applicationUnlimitedFlag, false), t.applicationLimit, coalesce(t.coverAgreementTimeFlag, false), t.billTime
    from silver_cw_agreementtype t
),
judged as (
    select
        t.agreementId, t.typeId,
        case
            when t.isInternal then 'internal_project'
            -- Hours, an amount or incidents that are paid for ahead.
            when t.isPrepayment or (not t.isUnlimited and t.coveredUnits > 0) then 'prepaid_hours'
            -- The fee pays for the time, or nobody does.
            when t.coversTime or t.billTime in ('DoNotBill', 'NoCharge') then 'operations'
            -- Where there is no default, each entry says whether it is billed.
            when t.billTime in ('Billable', 'NoDefault') then 'billable_service'
        end as agreement_type_normalized
    from terms t
    cross join agreement_classification c
    where not c.byName
)
select
    agreementId, typeId, agreement_type_normalized,
    case agreement_type_normalized
        when 'internal_project' then 'internal'
        when 'prepaid_hours' then 'prepaid'
        when 'operations' then 'operations'
        else 'billable'
    end as agreement_billing_behavior
from judged
where agreement_type_normalized is not null
