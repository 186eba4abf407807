-- One row per answered survey. Its member, board and team are those of the ticket that was asked about, and so are company and contact where the
-- answer names none. It was answered when its record was entered, or, where nobody says that, changed last.
with judged as (
    select
        s.id, coalesce(s.surveyId, cast(s._etl_parent_id as int)) as surveyId, s.ticketId, s.totalPoints, s.contactMeFlag, s.footerResponse,
        coalesce(s.companyId, t.companyId) as companyId,
        case when s.companyId is not null then s.companyName else t.companyName end as companyName,
        coalesce(s.contactId, t.contactId) as contactId,
        case when s.contactId is not null then s.contactName else t.contactName end as contactName,
        t.ownerId, t.ownerName, t.boardId, t.boardName, t.teamId, t.teamName,
        coalesce(s.dateEntered, s.lastUpdated) as answeredAt, s.lastUpdated, s.isDeleted
    from silver_cw_surveyresult s
    left join all_tickets t on t.ticketId = s.ticketId
)
select
    sha2(cast(j.id as string), 256) as SurveyResultSK,
    j.id as surveyResultId, j.surveyId, v.name as surveyName, j.ticketId, j.ownerId as memberId, j.ownerName as memberName,
    j.boardId, j.boardName, j.teamId, j.teamName, j.companyId, j.companyName, j.contactId, j.contactName,
    j.totalPoints, coalesce(j.contactMeFlag, false) as contactMe, j.footerResponse as response, j.answeredAt, j.lastUpdated,
    coalesce(da.DateKey, -1) as AnsweredDateSK,
    coalesce(dc.CompanyKey, -1) as CompanyKey,
    coalesce(dco.ContactKey, -1) as ContactKey,
    coalesce(dm.MemberKey, -1) as MemberKey,
    coalesce(db.BoardKey, -1) as BoardKey,
    coalesce(dg.TeamKey, -1) as TeamKey,
    j.isDeleted
from judged j
left join silver_cw_servicesurvey v on v.id = j.surveyId
left join dimdate da on da.`Date` = cast(from_utc_timestamp(j.answeredAt, '${time_zone}') as date)
left join dimcompany dc on dc.companyId = j.companyId
left join dimcontact dco on dco.contactId = j.contactId
left join dimmember dm on dm.memberId = j.ownerId
left join dimboard db on db.boardId = j.boardId
left join dimteam dg on dg.teamId = j.teamId
