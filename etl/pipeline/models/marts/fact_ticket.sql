-- One row per ticket of services and projects. Merged and child tickets are rows and marked, for measures to leave them out.
--
-- reopenCount is what runs have seen (ticket_reopenings). A ticket that was reopened may still have a closing date. The targets are those of the
-- ticket's priority under its SLA, else those of the SLA itself; what was done is held against them by the minutes of the server, which
-- go by the SLA's calendar. isInSla is what the server says.
with judged as (
    select
        t.*,
        f.closedStatus,
        -- The board's list decides: the ticket's own flag lacks on some closed ones.
        coalesce(f.closedStatus, t.closedFlag, false) as isClosed,
        coalesce(w.entryCount, cast(0 as bigint)) as entryCount,
        coalesce(w.memberCount, cast(0 as bigint)) as memberCount,
        coalesce(w.hours, cast(0 as decimal(19, 4))) as actualHours,
        coalesce(w.billedAmount, cast(0 as decimal(19, 4))) as billedAmount,
        coalesce(w.laborCost, cast(0 as decimal(19, 4))) as laborCost,
        cast(from_utc_timestamp(t.dateEntered, '${time_zone}') as date) as enteredOn,
        cast(from_utc_timestamp(t.closedDate, '${time_zone}') as date) as closedOn,
        cast(from_utc_timestamp(t.lastUpdated, '${time_zone}') as date) as updatedOn,
        try_cast(coalesce(tp.respondMinutes, ts.respondMinutes) as decimal(19, 4)) as respondTargetMinutes,
        try_cast(coalesce(tp.planMinutes, ts.planMinutes) as decimal(19, 4)) as resPlanTargetMinutes,
        try_cast(coalesce(tp.resolveMinutes, ts.resolveMinutes) as decimal(19, 4)) as resolveTargetMinutes,
        r.asOf, r.staleOn
    from all_tickets t
    cross join run_day r
    left join status_flags f on f.statusId = t.statusId
    left join ticket_work w on w.ticketId = t.ticketId
    left join sla_targets tp on tp.targetOf = cast(t.slaId as string) || '-' || cast(t.priorityId as string)
    left join sla_targets ts on ts.targetOf = cast(t.slaId as string) || '-'
)
select
    sha2(cast(j.ticketId as string), 256) as TicketSK,
    j.ticketId, j.recordType, j.summary, j.boardId, j.boardName, j.statusId, j.statusName, j.closedStatus, j.priorityId, j.priorityName,
    j.typeId, j.typeName, j.subTypeId, j.subTypeName, j.itemId, j.itemName, j.teamId, j.teamName, j.ownerId, j.ownerName,
    j.companyId, j.companyName, j.siteId, j.siteName, j.contactId, j.contactName, j.agreementId, j.agreementName,
    j.projectId, j.projectName, j.phaseId, j.phaseName, j.sourceId, j.sourceName, j.slaId, j.slaName, j.severity, j.impact,
    j.locationId, j.locationName, j.departmentId, j.departmentName, j.openedBy, j.parentTicketId, j.mergedParentTicketId,
    j.mergedParentTicketId is not null as isMerged,
    j.parentTicketId is not null as isChild,
    j.isClosed,
    coalesce(de.DateKey, -1) as EnteredDateSK,
    coalesce(dr.DateKey, -1) as RespondedDateSK,
    coalesce(dl.DateKey, -1) as PlannedDateSK,
    coalesce(ds.DateKey, -1) as ResolvedDateSK,
    coalesce(dx.DateKey, -1) as ClosedDateSK,
    coalesce(dq.DateKey, -1) as RequiredDateSK,
    j.dateEntered, j.dateResponded, j.dateResplan, j.dateResolved, j.closedDate, j.requiredDate, j.lastUpdated,
    j.respondMinutes, j.resPlanMinutes, j.resolveMinutes, j.respondedSkippedMinutes, j.resplanSkippedMinutes,
    j.minutesBeforeWaiting, j.minutesWaiting, j.isInSla,
    j.respondTargetMinutes, j.resPlanTargetMinutes, j.resolveTargetMinutes,
    case when j.dateResponded is not null then j.respondMinutes <= j.respondTargetMinutes end as isRespondedInTime,
    case when j.dateResplan is not null then j.resPlanMinutes <= j.resPlanTargetMinutes end as isPlannedInTime,
    case when j.dateResolved is not null then j.resolveMinutes <= j.resolveTargetMinutes end as isResolvedInTime,
    case when j.isClosed then j.closedOn = j.enteredOn end as sameDayClose,
    -- A ticket that is gone waits for nobody.
    cast(case when not j.isClosed and not j.isDeleted then datediff(j.asOf, j.enteredOn) end as int) as ageDays,
    cast(case when not j.isClosed and not j.isDeleted then datediff(j.asOf, j.updatedOn) end as int) as daysSinceUpdate,
    coalesce(not j.isClosed and not j.isDeleted and j.updatedOn <= j.staleOn, false) as isStale,
    j.actualHours, j.budgetHours,
    cast(j.entryCount as int) as entryCount,
    cast(j.memberCount as int) as memberCount,
    j.entryCount = 1 and j.memberCount = 1 as isFirstTouch,
    coalesce(o.reopenCount, 0) as reopenCount,
    j.billedAmount, j.laborCost,
    coalesce(dc.CompanyKey, -1) as CompanyKey,
    coalesce(dm.MemberKey, -1) as MemberKey,
    coalesce(da.AgreementSK, -1) as AgreementSK,
    coalesce(dp.DepartmentKey, -1) as DepartmentKey,
    coalesce(db.BoardKey, -1) as BoardKey,
    coalesce(dt.TicketStatusKey, -1) as TicketStatusKey,
    coalesce(di.PriorityKey, -1) as PriorityKey,
    coalesce(dg.TeamKey, -1) as TeamKey,
    coalesce(dpj.ProjectKey, -1) as ProjectKey,
    coalesce(dph.PhaseKey, -1) as PhaseKey,
    coalesce(dlo.LocationKey, -1) as LocationKey,
    coalesce(dco.ContactKey, -1) as ContactKey,
    coalesce(dsl.SlaKey, -1) as SlaKey,
    j.isDeleted
from judged j
left join (
    select ticketId, cast(count(reopenedOn) as int) as reopenCount
    from ticket_reopenings
    group by ticketId
) o on o.ticketId = j.ticketId
left join dimdate de on de.`Date` = j.enteredOn
left join dimdate dr on dr.`Date` = cast(from_utc_timestamp(j.dateResponded, '${time_zone}') as date)
left join dimdate dl on dl.`Date` = cast(from_utc_timestamp(j.dateResplan, '${time_zone}') as date)
left join dimdate ds on ds.`Date` = cast(from_utc_timestamp(j.dateResolved, '${time_zone}') as date)
left join dimdate dx on dx.`Date` = j.closedOn
left join dimdate dq on dq.`Date` = j.requiredDate
left join dimcompany dc on dc.companyId = j.companyId
left join dimmember dm on dm.memberId = j.ownerId
left join dimagreement da on da.agreementId = j.agreementId
left join dimdepartment dp on dp.departmentId = j.departmentId
left join dimboard db on db.boardId = j.boardId
left join dimticketstatus dt on dt.statusId = j.statusId
left join dimpriority di on di.priorityId = j.priorityId
left join dimteam dg on dg.teamId = j.teamId
left join dimproject dpj on dpj.projectId = j.projectId
left join dimphase dph on dph.phaseId = j.phaseId
left join dimlocation dlo on dlo.locationId = j.locationId
left join dimcontact dco on dco.contactId = j.contactId
left join dimsla dsl on dsl.slaId = j.slaId
