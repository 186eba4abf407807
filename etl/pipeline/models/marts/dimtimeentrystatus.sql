-- Where a time entry is on its way to an invoice. A rejected one is open again, and so is what no one knows; once its errors are
-- corrected, it waits for approval again.
select
    f.timeEntryStatus as status,
    case
        when f.timeEntryStatus in ('Open', 'Rejected', 'RejectBySecondTier') then 'Open'
        when f.timeEntryStatus in ('PendingApproval', 'ErrorsCorrected', 'PendingProjectApproval') then 'Pending'
        when f.timeEntryStatus in ('ApprovedByTierOne', 'ApprovedByTierTwo') then 'Approved'
        when f.timeEntryStatus = 'ReadyToBill' then 'Ready'
        when f.timeEntryStatus in ('Billed', 'BilledAgreement') then 'Billed'
        when f.timeEntryStatus = 'WrittenOff' then 'Closed'
        else 'Open'
    end as statusCategory,
    cast(sum(f.uses) as bigint) as usage_count,
    sum(f.uses) > 0 as IsActive,
    min(f.usedOn) filter (where f.uses > 0) as EffectiveDate,
    cast(null as date) as EndDate
from timeentrystatus_uses f
where f.timeEntryStatus is not null
group by f.timeEntryStatus
