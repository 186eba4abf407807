-- Candidates for invoice lines, with the attributes of their member, agreement, project and phase.
select
    l.*,
    coalesce(l.statedDay, cast(from_utc_timestamp(l.workedAt, '${time_zone}') as date)) as workedOn,
    cast(
        case when l.lineSource = 'time' then coalesce(m.hourlyCost, l.statedCost, 0) else coalesce(l.statedCost, 0) end
        as decimal(19, 4)
    ) as cost,
    case when l.agreementId is not null then coalesce(r.agreement_type_normalized, a.statedType, 'other') end as agreement_type_normalized,
    b.boardId,
    -- A phase without a billing method has that of its project.
    coalesce(f.billingMethod, j.billingMethod) as billingMethod,
    l.lineSource in ('time', 'product') and coalesce(f.billingMethod, j.billingMethod, 'none') = 'FixedFee' as isFixedFee,
    coalesce(l.status = 'WrittenOff', false) as isWrittenOff
from line_sources l
left join member_costs m on m.memberId = l.memberId
left join agreement_facts a on a.agreementId = l.agreementId
left join agreement_type_rules r on r.typeName = coalesce(a.typeName, l.statedType)
left join project_methods j on j.projectId = l.projectId
left join phase_methods f on f.phaseId = l.phaseId
left join board_names b on b.boardName = l.ticketBoard
