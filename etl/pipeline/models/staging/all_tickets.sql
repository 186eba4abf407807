-- One row per ticket of either list. The list of service tickets may hold project tickets, too, of which the other list says
-- more: what only the first says (SLA, times of response, parents) is then taken from it.
select
    s.id as ticketId, coalesce(s.recordType, 'ServiceTicket') as recordType, s.summary, s.boardId, s.boardName, s.statusId, s.statusName,
    s.priorityId, s.priorityName, s.typeId, s.typeName, s.subTypeId, s.subTypeName, s.itemId, s.itemName, s.teamId, s.teamName,
    s.ownerId, s.ownerName, s.companyId, s.companyName, s.siteId, coalesce(s.siteSiteName, s.siteName) as siteName,
    s.contactId, coalesce(s.contactName, s.contactContactName) as contactName, s.agreementId, s.agreementName,
    cast(null as int) as projectId, cast(null as string) as projectName, cast(null as int) as phaseId, cast(null as string) as phaseName,
    s.sourceId, s.sourceName, s.slaId, s.slaName, s.severity, s.impact, s.locationId, s.locationName, s.departmentId, s.departmentName,
    s.enteredBy as openedBy, s.parentTicketId, s.mergedParentTicketId, s.closedFlag,
    s.dateEntered, s.dateResponded, s.dateResplan, s.dateResolved, s.closedDate, s.requiredDate, s.lastUpdated,
    s.respondMinutes, s.resPlanMinutes, s.resolveMinutes, s.respondedSkippedMinutes, s.resplanSkippedMinutes,
    s.minutesBeforeWaiting, s.minutesWaiting, s.isInSla, s.budgetHours, s.isDeleted
from silver_cw_serviceticket s
left join silver_cw_projectticket p on p.id = s.id
where p.id is null or (p.isDeleted and not s.isDeleted)
union all
select
    p.id, case when coalesce(p.isIssueFlag, false) then 'ProjectIssue' else 'ProjectTicket' end, p.summary, p.boardId, p.boardName,
    p.statusId, p.statusName,
    p.priorityId, p.priorityName, p.typeId, p.typeName, p.subTypeId, p.subTypeName, p.itemId, p.itemName, s.teamId, s.teamName,
    p.ownerId, p.ownerName, p.companyId, p.companyName, p.siteId, coalesce(p.siteSiteName, p.siteName),
    p.contactId, coalesce(p.contactName, p.contactContactName), p.agreementId, p.agreementName,
    p.projectId, p.projectName, p.phaseId, p.phaseName,
    p.sourceId, p.sourceName, s.slaId, s.slaName, s.severity, s.impact, p.locationId, p.locationName, p.departmentId, p.departmentName,
    p.enteredBy, s.parentTicketId, s.mergedParentTicketId, p.closedFlag,
    p.dateEntered, s.dateResponded, s.dateResplan, s.dateResolved, p.closedDate, p.requiredDate, p.lastUpdated,
    s.respondMinutes, s.resPlanMinutes, s.resolveMinutes, s.respondedSkippedMinutes, s.resplanSkippedMinutes,
    s.minutesBeforeWaiting, s.minutesWaiting, s.isInSla, p.budgetHours, p.isDeleted
from silver_cw_projectticket p
left join silver_cw_serviceticket s on s.id = p.id and not s.isDeleted
where s.id is null or not p.isDeleted
