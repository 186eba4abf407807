-- One row per time sheet: hours entered against hours due, and whether they were entered in time.
--
-- Due is the capacity of the sheet's days, up to the day of the run, less holidays; time off is entered, too. Of a member who never entered
-- time nothing tells what is due. The list tells of no sheet when it was submitted: a submitted one was late by the days from its deadline to
-- the last entry, which isn't known where it has none; one that isn't is late until today. A sheet without a deadline is due on its last day.
with entered as (
    select timeSheetId, sum(hours) as hours, sum(entries) as entries, max(lastEntered) as lastEntered
    from sheet_hours
    group by timeSheetId
),
entering as (
    select memberId
    from timeentry_members
    group by memberId
),
due as (
    select s.id as timeSheetId, sum(c.capacityHours - c.holidayHours) as hours
    from silver_cw_timesheet s
    join capacity_days c on c.memberId = s.memberId and c.`date` >= s.dateStart and c.`date` <= s.dateEnd
    group by s.id
),
judged as (
    select
        s.*,
        coalesce(s.deadline, s.dateEnd) as dueOn,
        cast(from_utc_timestamp(e.lastEntered, '${time_zone}') as date) as enteredOn,
        coalesce(try_cast(e.hours as decimal(19, 4)), cast(0 as decimal(19, 4))) as enteredHours,
        coalesce(e.entries, cast(0 as bigint)) as entryCount,
        case when n.memberId is not null then coalesce(try_cast(d.hours as decimal(19, 4)), cast(0 as decimal(19, 4))) end as dueHours,
        -- With its errors corrected, a rejected sheet was handed in again.
        coalesce(
            s.status in (
                'PendingApproval', 'ErrorsCorrected', 'PendingProjectApproval', 'ApprovedByTierOne', 'ApprovedByTierTwo', 'ReadyToBill', 'Billed',
                'BilledAgreement', 'WrittenOff'
            ),
            false
        ) as isSubmitted,
        r.asOf
    from silver_cw_timesheet s
    cross join run_day r
    left join entered e on e.timeSheetId = s.id
    left join due d on d.timeSheetId = s.id
    left join entering n on n.memberId = s.memberId
),
measured as (
    select
        j.*,
        -- Of a sheet that is neither submitted nor due yet nothing is known.
        case
            when j.isDeleted then null
            when j.isSubmitted then datediff(j.enteredOn, j.dueOn)
            when j.dueOn < j.asOf then datediff(j.asOf, j.dueOn)
        end as daysBehind
    from judged j
)
select
    sha2(cast(m.id as string), 256) as TimesheetSK,
    m.id as timeSheetId, m.memberId, m.memberName, m.year, m.period, m.dateStart, m.dateEnd, m.deadline,
    coalesce(ds.DateKey, -1) as StartDateSK,
    coalesce(de.DateKey, -1) as EndDateSK,
    m.dueOn as dueDate,
    coalesce(dd.DateKey, -1) as DueDateSK,
    m.status, m.isSubmitted, m.hours as sheetHours, m.enteredHours,
    cast(m.entryCount as int) as entryCount,
    m.dueHours,
    try_cast(m.dueHours - m.enteredHours as decimal(19, 4)) as missingHours,
    m.enteredOn as lastEnteredOn,
    cast(case when m.daysBehind > 0 then m.daysBehind when m.daysBehind <= 0 then 0 end as int) as daysLate,
    m.daysBehind <= 0 as isOnTime,
    coalesce(dm.MemberKey, -1) as MemberKey,
    coalesce(dt.TimeEntryStatusKey, -1) as TimeEntryStatusKey,
    m.isDeleted
from measured m
left join dimdate ds on ds.`Date` = m.dateStart
left join dimdate de on de.`Date` = m.dateEnd
left join dimdate dd on dd.`Date` = m.dueOn
left join dimmember dm on dm.memberId = m.memberId
left join dimtimeentrystatus dt on dt.status = m.status
