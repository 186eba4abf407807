-- What an agreement says about the rows that name it. An agreement without a number has its parent's. It states how it is billed
-- where no configured rules say so.
select
    a.id as agreementId, a.typeId, a.typeName, a.parentAgreementId,
    coalesce(own.number, parent.number) as final_agreement_number,
    s.agreement_type_normalized as statedType, s.agreement_billing_behavior as statedBehavior
from silver_cw_agreement a
left join agreement_statements s on s.agreementId = a.id
left join agreement_numbers own on own.agreementId = a.id
left join agreement_numbers parent on parent.agreementId = a.parentAgreementId
