-- One row per activity of sales: a call, a visit, a task. It is overdue when it isn't closed and was to be over before today.
with judged as (
    select
        a.*,
        coalesce(s.closedFlag, false) as isClosed,
        cast(from_utc_timestamp(a.dateStart, '${time_zone}') as date) as startsOn,
        cast(from_utc_timestamp(coalesce(a.dateEnd, a.dateStart), '${time_zone}') as date) as endsOn,
        r.asOf
    from silver_cw_activity a
    cross join run_day r
    left join silver_cw_activitystatus s on s.id = a.statusId
)
select
    sha2(cast(j.id as string), 256) as ActivitySK,
    j.id as activityId, j.name as activityName, j.typeId, j.typeName, j.statusId, j.statusName, j.isClosed,
    j.companyId, j.companyName, j.contactId, j.contactName, j.assignToId as memberId, j.assignToName as memberName,
    j.opportunityId, j.opportunityName, j.ticketId, j.agreementId, j.agreementName, j.campaignId, j.campaignName,
    j.dateStart, j.dateEnd, j.dateEntered, j.lastUpdated,
    coalesce(not j.isClosed and not j.isDeleted and j.endsOn < j.asOf, false) as isOverdue,
    coalesce(dd.DateKey, -1) as StartDateSK,
    coalesce(dc.CompanyKey, -1) as CompanyKey,
    coalesce(dm.MemberKey, -1) as MemberKey,
    coalesce(da.AgreementSK, -1) as AgreementSK,
    coalesce(dco.ContactKey, -1) as ContactKey,
    j.isDeleted
from judged j
left join dimdate dd on dd.`Date` = j.startsOn
left join dimcompany dc on dc.companyId = j.companyId
left join dimmember dm on dm.memberId = j.assignToId
left join dimagreement da on da.agreementId = j.agreementId
left join dimcontact dco on dco.contactId = j.contactId
