"""Works every saved question out of the bronze tables of a lakehouse, in DuckDB and by the contract of the star schema, and holds the
answers of the product against it.

    measures.py LAKEHOUSE DAY ANSWERS

Neither a model of gold nor measures.toml is read: the SQL here was written from the contract. DAY is the day on which gold was built.
ANSWERS is a JSON file, {"<question>": {"by": ["<column>", ...], "rows": [{...}, ...]}}, by company and month where a question has both. Which days
are business days, and which months there are, is taken from dimdate. What only several runs see isn't in bronze: after a first load no
ticket was seen reopened, no status ended, and recurring revenue is what the present records say of the past.

Prints JSON: {"<question>": {"rows": n, "compared": n, "nothing": ["<measure that is 0 everywhere>", ...],
"differing": [["<group>", "<measure>", "<of bronze>", "<answer>"], ...]}}.
"""

import decimal
import json
import sys

import duckdb
import money
import prepaid

MORE = [
    "board", "company", "worktype", "catalogitem", "opportunity", "opportunitystatus", "purchaseorder", "purchaseorderlineitem", "purchaseorderstatus",
    "configuration", "configurationstatus", "surveyresult", "sla", "slapriority", "opportunityforecast",
    "agreementadjustment"
]
# A ratio is a double, rounded to four places.
CLOSE = decimal.Decimal("0.00011")


def amount(text):
    return money.MONEY.format(text)


def stamp(info, key):
    """An instant of a record's own notes, which are texts."""
    return f"cast({info}['{key}'] as timestamptz)"


def ratio(part, whole, times="100"):
    return f"case when {whole} > 0 then {times} * cast({part} as double) / cast({whole} as double) end"


LINES = f"""
create table lines as
select l.source, l.id, l.invoice, l.amount, l.cost, coalesce(h.company, l.company) as company, h.date, h.type, l.class, l.quantity, l.bought,
    l.company as own
from (
    select 'time' as source, t.id, t.invoice.id as invoice, t.company.id as company, null as class, null as quantity, null as bought,
        coalesce(
            {amount('t.extendedInvoiceAmount')},
            cast(coalesce({amount('t.invoiceHours')}, {amount('t.actualHours')}) * {amount('t.hourlyRate')} as decimal(19, 4))
        ) as amount,
        cast(coalesce({amount('t.actualHours')}, 0)
            * coalesce({amount('m.hourlyCost')}, {amount('t.hourlyCost')}, 0) as decimal(19, 4)) as cost
    from timeentry t left join member m on m.id = t.member.id
    where t.invoice.id is not null
    union all
    select 'expense', id, invoice.id, company.id, null, null, null, coalesce({amount('invoiceAmount')}, {amount('amount')}, 0), 0
    from expenseentry where invoice.id is not null
    union all
    select 'product', id, invoice.id, company.id, coalesce(productClass, 'Unknown'), coalesce({amount('quantity')}, 0),
        cast(purchaseDate as date), coalesce({amount('extPrice')}, 0), coalesce({amount('extCost')}, 0)
    from productitem where invoice.id is not null
) l
left join headers h on h.id = l.invoice
"""

# What an invoice says of itself, with what its lines lack to its revenue.
BILLS = f"""
create table bills as
select h.*, billed + applied - case when h.type = 'DownPayment' then billed else 0 end as revenue,
    case when h.type = 'DownPayment' then billed else -applied end as deferred,
    coalesce({amount('i.salesTax')}, {amount('u.salesTaxAmount')}) as tax, {amount('i.total')} as total,
    h.type = 'Agreement' or coalesce(i.applyToType = 'Agreement', false) as fee,
    billed + applied - case when h.type = 'DownPayment' then billed else 0 end
        - coalesce((select sum(l.amount) from lines l where l.invoice = h.id), 0) as beyond
from headers h
left join invoice i on i.id = h.id
left join unpostedinvoice u on u.billingLogId = h.id
"""

TIME = f"""
create table entries as
select t.id, t.company.id as company, t.member.id as member, cast(t.timeStart as date) as day, t.timeStart as starts, t.timeEnd as ends,
    coalesce({amount('t.actualHours')}, 0) as hours, t.invoice.id as invoice, t.status = 'WrittenOff' as gone, t.billableOption,
    t.agreement.id as agreement,
    cast(coalesce({amount('t.actualHours')}, 0)
        * coalesce({amount('m.hourlyCost')}, {amount('t.hourlyCost')}, 0) as decimal(19, 4)) as cost,
    coalesce(
        {amount('t.extendedInvoiceAmount')},
        cast(case when t.invoice.id is null then {amount('t.actualHours')} else coalesce({amount('t.invoiceHours')}, {amount('t.actualHours')}) end
            * {amount('t.hourlyRate')} as decimal(19, 4))
    ) as amount,
    cast({amount('t.actualHours')} * {amount('t.hourlyRate')} as decimal(19, 4)) as worth,
    coalesce({amount('t.agreementHours')}, 0) as taken,
    {amount('t.member.dailyCapacity')} as capacity, t.workType.id as workType, t.chargeToType, t.chargeToId,
    cast(t.dateEntered as date) = cast(t.timeStart as date) as prompt,
    case when t.agreement.id is not null then coalesce(k.kind, 'other') end as kind
from timeentry t
left join member m on m.id = t.member.id
left join kinds k on k.id = t.agreement.id
"""

# Tickets of both lists, those of projects as their own list has them; merged and child tickets aside.
COUNTED = f"""
create table counted as
select t.*, coalesce(s.closedStatus, t.closedFlag, false) as closed, cast(t.dateEntered as date) as entered,
    coalesce(e.entries, 0) as entries, coalesce(e.members, 0) as members, coalesce(e.hours, 0) as hours, coalesce(e.cost, 0) as cost,
    coalesce(e.billed, 0) as billed,
    case when t.responded is not null then t.respondMinutes <= 60 * coalesce(o.respondHours, l.respondHours) end as answeredInTime,
    case when t.resolved is not null then t.resolveMinutes <= 60 * coalesce(o.resolutionHours, l.resolutionHours) end as resolvedInTime
from (
    select id, company.id as company, board.name as board, contact.id as contact, {stamp('_info', 'dateEntered')} as dateEntered,
        closedDate, {stamp('_info', 'lastUpdated')} as changed,
        status.id as status, closedFlag, respondMinutes, resolveMinutes, isInSla, null as project, 0 as budget,
        parentTicketId as child, mergedParentTicket.id as merged, dateResponded as responded, dateResolved as resolved, sla.id as sla,
        priority.id as priority
    from serviceticket where id not in (select id from projectticket)
    union all
    select p.id, p.company.id, p.board.name, p.contact.id, {stamp('p._info', 'dateEntered')},
        p.closedDate, {stamp('p._info', 'lastUpdated')}, p.status.id, p.closedFlag,
        s.respondMinutes, s.resolveMinutes, s.isInSla, p.project.id, coalesce({amount('p.budgetHours')}, 0), s.parentTicketId,
        s.mergedParentTicket.id, s.dateResponded, s.dateResolved, s.sla.id, p.priority.id
    from projectticket p left join serviceticket s on s.id = p.id
) t
left join sla l on l.id = t.sla
left join slapriority o on o._etl_parent_id = t.sla and o.priority.id = t.priority
left join boardstatus s on s.id = t.status
left join (
    select t.ticket.id as ticket, count(*) as entries, count(distinct t.member.id) as members, sum({amount('t.actualHours')}) as hours,
        sum(cast({amount('t.actualHours')} * coalesce({amount('m.hourlyCost')}, {amount('t.hourlyCost')}, 0) as decimal(19, 4))) as cost,
        sum(case when t.invoice.id is not null then coalesce(
            {amount('t.extendedInvoiceAmount')},
            cast(coalesce({amount('t.invoiceHours')}, {amount('t.actualHours')}) * {amount('t.hourlyRate')} as decimal(19, 4))) end) as billed
    from timeentry t left join member m on m.id = t.member.id
    group by 1
) e on e.ticket = t.id
where t.merged is null
"""

# Plans of projects with what was done, spent and billed. A phase below another one is part of its plan.
PROJECTS = f"""
create table projects as
with phases as (
    select projectId as project, sum({amount('budgetHours')}) as hours,
        sum(coalesce({amount('estimatedTimeCost')}, 0) + coalesce({amount('estimatedExpenseCost')}, 0) + coalesce({amount('estimatedProductCost')}, 0)) as cost,
        sum(coalesce({amount('estimatedTimeRevenue')}, 0) + coalesce({amount('estimatedExpenseRevenue')}, 0)
            + coalesce({amount('estimatedProductRevenue')}, 0)) as revenue
    from projectphase where parentPhase.id is null group by all
),
worked as (
    select t.project.id as project, sum(coalesce({amount('t.actualHours')}, 0)) as hours,
        sum(coalesce({amount('t.actualHours')}, 0) * coalesce({amount('m.hourlyCost')}, {amount('t.hourlyCost')}, 0)) as cost
    from timeentry t left join member m on m.id = t.member.id group by all
),
spent as (
    select project, sum(cost) as cost from (
        select project.id as project, coalesce({amount('amount')}, 0) as cost from expenseentry
        union all select project.id, coalesce({amount('extCost')}, 0) from productitem where cancelledFlag is distinct from true
    ) group by all
),
owners as (
    select i.id, coalesce(i.project.id, case when i.applyToType = 'Project' then i.applyToId end, f.projectId) as project
    from invoice i
    left join projectphase f on f.id = coalesce(i.phase.id, case when i.applyToType = 'ProjectPhase' then i.applyToId end)
),
billed as (
    select project, sum(amount) as amount from (
        select o.project, b.billed as amount from owners o join bills b on b.id = o.id
        union all
        select s.project, l.amount from lines l
        join (
            select 'time' as source, id, project.id as project from timeentry
            union all select 'expense', id, project.id from expenseentry
            union all select 'product', id, project.id from productitem
        ) s on s.source = l.source and s.id = l.id
        left join owners o on o.id = l.invoice
        where o.project is null
    ) where project is not null group by all
),
plans as (
    select p.id, p.company.id as company, p.closedFlag, cast(p.estimatedEnd as date) as ends, p.billingMethod, {amount('p.billingAmount')} as fee,
        coalesce(
            case when {amount('p.budgetHours')} > 0 then {amount('p.budgetHours')} end, case when f.hours > 0 then f.hours end,
            case when {amount('p.estimatedHours')} > 0 then {amount('p.estimatedHours')} end
        ) as budget,
        nullif(coalesce(nullif(coalesce({amount('p.estimatedTimeCost')}, 0) + coalesce({amount('p.estimatedExpenseCost')}, 0)
            + coalesce({amount('p.estimatedProductCost')}, 0), 0), f.cost), 0) as cost,
        nullif(coalesce(nullif(coalesce({amount('p.estimatedTimeRevenue')}, 0) + coalesce({amount('p.estimatedExpenseRevenue')}, 0)
            + coalesce({amount('p.estimatedProductRevenue')}, 0), 0), f.revenue), 0) as revenue,
        case when {amount('p.percentComplete')} > 1 then {amount('p.percentComplete')} / 100 else cast({amount('p.percentComplete')} as double) end as share
    from project p left join phases f on f.project = p.id
)
select p.*, coalesce(w.hours, 0) as hours, coalesce(w.cost, 0) + coalesce(s.cost, 0) as spent, coalesce(b.amount, 0) as billed,
    p.cost * coalesce(p.share, case when coalesce(w.hours, 0) >= 0 then least(1, coalesce(w.hours, 0) / p.budget) end) as earned
from plans p
left join worked w on w.project = p.id
left join spent s on s.project = p.id
left join billed b on b.project = p.id
"""

PROJECT_ROWS = f"""
    select company as companyId, id as projectId, sum(budget) as budgetHours, sum(hours) as hours,
        {ratio("sum(case when budget is not null then hours end)", "sum(budget)")} as budgetBurn, sum(budget - hours) as remainingHours,
        sum(cost) as plannedCost, sum(spent) as actualCost,
        {ratio("sum(earned)", "sum(case when earned is not null then spent end)", "1")} as costPerformance, sum(billed) as billed,
        sum(coalesce(case when billingMethod in ('FixedFee', 'NotToExceed') and fee > 0 then fee end, revenue) - billed) as leftToBill,
        count(*) as projects, count(*) filter (where not coalesce(closedFlag, false) and ends < getvariable('today')) as overdueProjects,
        count(*) filter (where hours > budget) as projectsOverBudget
    from projects group by all
"""

STALE = """
create table stale as
select max(day) as day from (
    select "Date" as day, count(*) filter (where isBusinessDay) over (order by "Date" desc rows between unbounded preceding and 1 preceding) as behind
    from (select "Date", isBusinessDay from dimdate where "Date" is not null and "Date" <= getvariable('today'))
) where behind >= 5
"""


def month(day):
    return f"strftime({day}, '%Y-%m')"


PROFIT_ROWS = f"""
    select company, {month('date')} as month, amount as revenue, case when source = 'time' then amount else 0 end as service,
        case when source = 'product' then cost else 0 end as product, 0 as labor, 0 as hours
    from lines
    union all select company, {month('date')}, beyond, beyond, 0, 0, 0 from bills
    union all select company, {month('day')}, 0, 0, 0, cost, hours from entries
"""


def profit(key):
    gain = "sum(revenue) - sum(product) - sum(labor)"
    return f"""
    select {key}, sum(revenue) as revenue, sum(product) as productCost, sum(labor) as laborCost, {gain} as profit,
        {ratio(f'({gain})', 'sum(revenue)')} as profitPercentage, sum(hours) as hours,
        {ratio('sum(service)', 'sum(hours)', '1')} as effectiveHourlyRate, {ratio(f'({gain})', 'sum(hours)', '1')} as profitPerHour
    from (
        select company as companyId, month, coalesce(revenue, 0) as revenue, coalesce(service, 0) as service, product, labor, hours
        from ({PROFIT_ROWS})
    ) group by all
    """


WORK_ROWS = f"""
    select company as companyId, {month('day')} as month, sum(hours) as hours,
        sum(case when {{0}} then hours else 0 end) as billableHours,
        {ratio("sum(case when {0} then hours else 0 end)", "sum(hours)")} as billableShare, sum(cost) as laborCost,
        {ratio("sum(case when invoice is not null then coalesce(amount, 0) else 0 end)",
               "sum(case when invoice is not null then coalesce(worth, 0) else 0 end)")} as realisation,
        sum(case when gone and invoice is null then coalesce(amount, 0) else 0 end) as writtenOff,
        {ratio("sum(case when prompt then 1 else 0 end)", "count(prompt)")} as sameDayEntry
    from entries group by all
""".format("billableOption = 'Billable' and coalesce(kind, '') <> 'internal'")

# Charge codes of the simulator that are vacation, sickness and parental leave, as the test configures them.
TIME_OFF = "42, 43, 50"

CAPACITY_ROWS = f"""
    with counted as (
        select e.*, m.id as known, {amount('m.dailyCapacity')} as daily, cast(m.hireDate as date) as hired, cast(m.inactiveDate as date) as gone_on,
            coalesce(m.inactiveFlag, false) as inactive
        from entries e left join member m on m.id = e.member
        where e.member is not null and coalesce(m.includeInUtilizationReportingFlag, true)
    ),
    span as (select min(day) as first from entries where member is not null),
    staff as (
        select member, coalesce(max(daily), max(capacity), 8) as capacity, coalesce(max(hired), min(day)) as first,
            coalesce(max(gone_on), case when max(known) is null or bool_or(inactive) then max(day) end) as last
        from counted where day is not null group by member
    ),
    absent as (
        select c.member, c.day, sum(c.hours) as hours
        from counted c left join worktype w on w.id = c.workType
        where c.hours > 0 and coalesce(c.chargeToType, 'Company') in ('Company', 'ChargeCode')
            and (w.accrualType is not null or (c.chargeToType = 'ChargeCode' and c.chargeToId in ({TIME_OFF})))
        group by all
    ),
    days as (
        select s.member, d."Date" as day, s.capacity, case when d.isHoliday then s.capacity else 0 end as holiday
        from staff s, span p, dimdate d
        where not d.isWeekend and d."Date" between greatest(p.first, s.first) and least(coalesce(s.last, getvariable('today')), getvariable('today'))
    ),
    parts as (
        select member, strftime(day, '%Y-%m') as month, hours,
            case when billableOption = 'Billable' and coalesce(kind, '') <> 'internal' then hours else 0 end as billable,
            0 as capacity, 0 as holiday, 0 as away
        from counted
        union all
        select y.member, strftime(y.day, '%Y-%m'), 0, 0, y.capacity, y.holiday, least(coalesce(a.hours, 0), y.capacity - y.holiday)
        from days y left join absent a on a.member = y.member and a.day = y.day
    )
    select member as memberId, month, sum(hours) as hours, sum(billable) as billableHours, sum(capacity) as capacityHours,
        sum(holiday) as holidayHours, sum(away) as timeOffHours, sum(capacity) - sum(holiday) - sum(away) as availableHours,
        {ratio("sum(billable)", "(sum(capacity) - sum(holiday) - sum(away))")} as utilisation
    from parts group by all
"""

# A sheet is due on its deadline, else on its last day. Who enters time has the capacity of weekdays, holidays aside.
SHEET_ROWS = f"""
    with span as (select min(day) as first from entries where member is not null),
    staff as (
        select e.member, coalesce(max({amount('m.dailyCapacity')}), max(e.capacity), 8) as capacity,
            coalesce(max(cast(m.hireDate as date)), min(e.day)) as first,
            coalesce(max(cast(m.inactiveDate as date)),
                case when max(m.id) is null or bool_or(coalesce(m.inactiveFlag, false)) then max(e.day) end) as last
        from entries e left join member m on m.id = e.member where e.member is not null and e.day is not null group by e.member
    ),
    sheets as (
        select id, member.id as member, cast(dateStart as date) as first, cast(dateEnd as date) as last,
            coalesce(cast(deadline as date), cast(dateEnd as date)) as due, coalesce(status, 'Open') as status
        from timesheet
    ),
    due as (
        select h.id, sum(case when d.isHoliday then 0 else s.capacity end) as hours
        from sheets h, staff s, span p, dimdate d
        where s.member = h.member and not d.isWeekend and d."Date" between h.first and h.last and d."Date" between p.first and getvariable('today')
            and d."Date" >= s.first and (s.last is null or d."Date" <= s.last)
        group by all
    ),
    entered as (
        select timeSheet.id as id, sum({amount('actualHours')}) as hours, max(cast(dateEntered as date)) as last from timeentry group by all
    ),
    judged as (
        select h.member, h.due, h.status not in ('Open', 'Rejected', 'RejectBySecondTier') as given,
            coalesce(e.hours, 0) as entered, case when h.member in (select member from staff) then coalesce(d.hours, 0) end as hours, e.last
        from sheets h left join due d on d.id = h.id left join entered e on e.id = h.id
    ),
    counted as (
        select *, case when behind is not null then greatest(0, behind) end as late, behind is not null as known
        from (
            select *, case when given then last - due when due < getvariable('today') then getvariable('today') - due end as behind
            from judged
        )
    )
    select member as memberId, {month('due')} as month, {ratio("count(*) filter (where known and late = 0)", "count(*) filter (where known)")} as onTimeTimesheets,
        count(*) as timesheets, count(*) filter (where given) as submittedTimesheets, avg(late) filter (where known) as daysLate,
        sum(hours) as hoursDue, sum(entered) as hoursEntered,
        sum(case when (known or given) and hours > entered then hours - entered else 0 end) as hoursMissing
    from counted group by all
"""

RECEIVABLES = f"""
    select company as companyId, {money.AGE.format("(getvariable($$today$$) - due)")} as age, sum(balance) as receivables,
        sum(case when getvariable('today') > due then balance else 0 end) as overdue, count(*) as invoices
    from headers where balance <> 0 group by all
"""

UNBILLED_ROWS = f"""
    select company as companyId, {money.AGE.format("(getvariable($$today$$) - day)")} as age, coalesce(sum(amount), 0) as unbilled,
        count(*) as unbilledLines, count(*) filter (where amount is null) as withoutAmount
    from work where {money.UNBILLED} group by all
"""

TICKET_ROWS = f"""
    select company as companyId, {{}}, count(*) as tickets, avg(respondMinutes) as firstResponse, avg(resolveMinutes) as resolution,
        {ratio("count(*) filter (where isInSla)", "count(isInSla)")} as slaMet, 0.0 as reopenRate,
        {ratio("count(*) filter (where answeredInTime)", "count(answeredInTime)")} as responseInTime,
        {ratio("count(*) filter (where resolvedInTime)", "count(resolvedInTime)")} as resolutionInTime,
        {ratio("count(*) filter (where closed and entries = 1 and members = 1)", "count(*) filter (where closed)")} as firstTouch,
        avg(entries) as touches, sum(hours) as hours, sum(cost) as laborCost, sum(billed) as billedForTickets
    from counted where child is null group by all
"""

AUDIT = f"""
    select company as companyId, 'to bill, and its amount is not known' as finding, count(*) as findings, 0 as amount,
        coalesce(sum(e.cost), 0) as lineCost
    from work w left join (select id, cost from entries) e on w.source = 'time' and e.id = w.id
    where {money.UNBILLED.replace('invoice is', 'w.invoice is')} and amount is null group by all
    union all
    select company, 'invoiced at no more than its cost', count(*), sum(amount), sum(cost) from lines where cost > 0 and amount <= cost group by all
    union all
    select company, 'invoice with an amount that no line explains', count(*), sum(beyond), 0 from bills where beyond <> 0 and not fee group by all
    union all
    select company, 'time that the same member entered twice', count(*), sum(coalesce(amount, 0)), sum(cost) from (
        select *, row_number() over (partition by member, starts, ends, hours, company order by id) as place
        from entries where member is not null and starts is not null
    ) where place > 1 group by all
    union all
    select company, 'to bill without an agreement, and the company has one', count(*), sum(coalesce(amount, 0)), sum(cost) from entries e
    where agreement is null and invoice is null and billableOption = 'Billable' and not coalesce(gone, false)
        and company in (
            select a.company.id from running a left join kinds k on k.id = a.id
            where coalesce(k.kind, 'other') <> 'internal'
        )
    group by all
"""

# Agreements that run today.
RUNNING = """
create table running as
select * from present_agreement
where (cancelledFlag is distinct from true or cast(dateCancelled as date) > getvariable('today'))
    and (dateCancelled is null or cast(dateCancelled as date) > getvariable('today'))
    and coalesce(agreementStatus, 'Active') = 'Active'
    and not coalesce(case when startDate >= '1900-01-01' then cast(startDate as date) else cast(billStartDate as date) end > getvariable('today'), false)
    and (coalesce(noEndingDateFlag, false) or endDate is null or cast(endDate as date) >= getvariable('today'))
"""

# Months of a cycle, by its name and else by its kind.
CYCLES = """
create table cycles as select * from (values
    ('monthly', 1), ('quarterly', 3), ('semi-annually', 6), ('semi-annual', 6), ('semiannually', 6), ('semiannual', 6), ('annually', 12),
    ('annual', 12), ('yearly', 12)
) c(name, months)
"""

# Ends of months up to the present one.
ENDS = """
create table ends as
select max("Date") as day from dimdate
where "Date" is not null and strftime("Date", '%Y-%m') <= strftime(getvariable('today'), '%Y-%m')
group by strftime("Date", '%Y-%m')
"""

# What runs at the end of a month: additions with their agreement, and agreements with an amount of their own.
RUNS = f"""
create table runs as
with terms as (
    select a.id, a.company.id as company, {amount('a.billAmount')} as flat,
        coalesce(n.months, k.months, o.months) as months,
        coalesce(case when a.startDate >= '1900-01-01' then cast(a.startDate as date) end, cast(a.billStartDate as date),
            cast({stamp('a._info', 'dateEntered')} as date)) as starts,
        case when not coalesce(a.noEndingDateFlag, false) then cast(a.endDate as date) end as ends,
        cast(a.dateCancelled as date) as cancelled,
        coalesce(a.cancelledFlag, false) and a.dateCancelled is null as over
    from agreement a
    left join cycles n on n.name = lower(trim(a.billingCycle.name))
    left join billingcycle b on b.id = a.billingCycle.id
    left join cycles k on k.name = lower(trim(b.billingOptions))
    left join cycles o on o.name = lower(trim(b.name))
)
select 'addition ' || p.id as key, e.day, t.company,
    case when coalesce(p.billCustomer, 'Billable') <> 'Billable' then 0 else coalesce(cast(coalesce({amount('p.extPrice')},
        cast((coalesce({amount('p.quantity')}, 0) - coalesce({amount('p.lessIncluded')}, 0)) * {amount('p.unitPrice')} as decimal(19, 4)), 0)
        / t.months as decimal(19, 4)), 0) end as mrr,
    coalesce(cast(coalesce({amount('p.extCost')}, cast({amount('p.quantity')} * {amount('p.unitCost')} as decimal(19, 4)), 0)
        / t.months as decimal(19, 4)), 0) as cost
from agreementaddition p
join ends e on coalesce(case when p.effectiveDate >= '1900-01-01' then cast(p.effectiveDate as date) end,
    cast({stamp('p._info', 'dateEntered')} as date)) <= e.day and (p.cancelledDate is null or cast(p.cancelledDate as date) > e.day)
left join terms t on t.id = p.agreementId
where (t.starts is null or t.starts <= e.day) and (t.ends is null or t.ends >= e.day) and (t.cancelled is null or t.cancelled > e.day)
    and not coalesce(t.over, false)
union all
select 'agreement ' || t.id, e.day, t.company, coalesce(cast(t.flat / t.months as decimal(19, 4)), 0), 0
from terms t join ends e on t.starts <= e.day
where t.flat <> 0 and (t.ends is null or t.ends >= e.day) and (t.cancelled is null or t.cancelled > e.day) and not t.over
"""

# As nothing changed yet, what has an amount begins once and ends once.
RECURRING = f"""
    with spans as (select key, company, min(day) as first, max(day) as last, max(mrr) as mrr from runs group by all),
    moves as (
        select company, day, mrr, cost, 0 as new, 0 as churned from runs
        union all select company, first, 0, 0, mrr, 0 from spans
        union all
        select s.company, (select min(e.day) from ends e where e.day > s.last), 0, 0, 0, -s.mrr from spans s
        where s.last < (select max(e.day) from ends e)
    )
    select company as companyId, {month('day')} as month, sum(mrr) as mrr, sum(new) + sum(churned) as mrrChange, sum(new) as newMrr,
        0 as reactivatedMrr, 0 as expansionMrr, 0 as priceMrr, 0 as contractionMrr, sum(churned) as churnedMrr, 12 * sum(mrr) as arr,
        sum(cost) as mrrCost
    from moves group by all
"""

# What nothing dates is of the day of its last change.
BACKLOG = f"""
    with days as (
        select company, coalesce(entered, case when closed then cast(closedDate as date) end, cast(changed as date)) as came,
            case when closed then greatest(
                coalesce(cast(closedDate as date), cast(changed as date)),
                coalesce(entered, cast(closedDate as date), cast(changed as date))) end as went,
            closed
        from counted where child is null
    ),
    moves as (
        select company, came as day, 1 as change from days union all select company, went, -1 from days where closed
    ),
    month_ends as (
        select max(d."Date") as day from dimdate d, (select min(day) as first, max(day) as last from moves) s
        where d."Date" >= s.first group by d.year, d.month, s.last having min(d."Date") <= s.last
    ),
    parts as (
        select company, day, change, 0 as open from moves
        union all select m.company, e.day, 0, m.change from moves m join month_ends e on m.day is null or m.day <= e.day
    )
    select company as companyId, {month('day')} as month, sum(open) as backlog, sum(change) as backlogChange, 0 as ticketsReopened
    from parts group by all
"""

# Opportunities with what their forecasts, else their products come to, and the probability as a number.
SALES = f"""
create table sales as
select o.id, o.company.id as company, cast(o.expectedCloseDate as date) as expected, cast(o.closedDate as date) as closed, coalesce(f.amount, p.amount) as amount,
    try_cast(trim(replace(o.probability.name, '%', '')) as decimal(7, 4)) as chance,
    coalesce(s.wonFlag, false) as won, coalesce(s.lostFlag, false) and not coalesce(s.wonFlag, false) as lost,
    case when s.id is null then o.closedDate is not null
        else coalesce(s.closedFlag, false) or coalesce(s.wonFlag, false) or coalesce(s.lostFlag, false) end as over,
    coalesce(cast(o.dateBecameLead as date), cast({stamp('o._info', 'dateEntered')} as date)) as began
from opportunity o
left join opportunitystatus s on s.id = o.status.id
left join (
    select opportunity.id as id, sum(coalesce({amount('extPrice')}, 0)) as amount
    from productitem where opportunity.id is not null and not coalesce(cancelledFlag, false) group by 1
) p on p.id = o.id
left join (
    select _etl_parent_id as id, sum({amount('forecastRevenueTotals.revenue')}) as amount from opportunityforecast group by 1
) f on f.id = o.id
"""

PIPELINE = f"""
    select company as companyId, {month('expected')} as month,
        coalesce(sum(cast(cast(amount as decimal(18, 4)) * chance * cast(0.01 as decimal(3, 2)) as decimal(19, 4))), 0) as weightedForecast,
        coalesce(sum(amount), 0) as forecast, count(*) as opportunities, count(*) filter (where amount is null or chance is null) as notWeighted,
        count(*) filter (where expected < getvariable('today')) as overdueOpportunities
    from sales where not over group by all
"""

# Lines of purchase orders that aren't cancelled, received or closed.
ORDERED = f"""
create table ordered as
select l.id, l._etl_parent_id as purchase, o.vendorCompany.id as vendor, cast(l.expectedArrivalDate as date) as expected,
    greatest(coalesce({amount('l.quantity')}, 0) - coalesce({amount('l.receivedQuantity')}, 0), 0) as missing,
    coalesce({amount('l.unitCost')}, cast(l.extCost / nullif(l.quantity, 0) as decimal(19, 4))) as cost
from purchaseorderlineitem l
left join purchaseorder o on o.id = l._etl_parent_id
left join purchaseorderstatus s on s.id = o.status.id
where not coalesce(l.canceledFlag, false) and coalesce(l.receivedStatus, 'Waiting') = 'Waiting'
    and not (coalesce(l.quantity, 0) > 0 and coalesce(l.receivedQuantity, 0) >= l.quantity)
    and not (coalesce(l.closedFlag, false) or coalesce(o.closedFlag, false) or coalesce(s.closedFlag, false))
"""

COMPANY_MONTH = f"company as companyId, {month('date')} as month"
EXPECTED = {
    "revenue by month": profit("companyId, month"),
    "client profitability": profit("companyId, month"),
    "agreement profit": profit("companyId, month"),
    "billing by month": f"""
        select {COMPANY_MONTH}, count(*) as invoices, sum(billed) as billed, sum(deferred) as deferred, sum(revenue) as revenue, sum(tax) as tax,
            sum(case when fee then 0 else beyond end) as notExplained
        from bills group by all""",
    "revenue by source": f"""
        select companyId, month, sum(amount) as revenue, sum(cost) as lineCost, sum(amount - cost) as margin,
            {ratio("sum(amount - cost)", "sum(amount)")} as marginPercentage
        from (
            select {COMPANY_MONTH}, amount, cost from lines union all select {COMPANY_MONTH}, beyond, 0 from bills where beyond <> 0
        ) group by all""",
    "receivables by age": RECEIVABLES,
    "receivables by company": RECEIVABLES,
    "days sales outstanding": f"""
        select companyId, {ratio("sum(balance)", "sum(lately)", "90")} as daysSalesOutstanding, sum(balance) as openBalance, sum(lately) as billedLately
        from (
            select company as companyId, coalesce(balance, 0) as balance,
                case when getvariable('today') - date between 0 and 89 then coalesce(total, 0) else 0 end as lately
            from bills
        ) group by all""",
    "unbilled by age": UNBILLED_ROWS,
    "product margin": f"""
        select own as companyId, {month('bought')} as month, sum(amount) as revenue, sum(cost) as lineCost, sum(amount - cost) as margin,
            {ratio("sum(amount - cost)", "sum(amount)")} as marginPercentage, sum(quantity) as quantity
        from lines where source = 'product' group by all""",
    "product margin by category": f"""
        select coalesce(c.category.name, 'Unknown') as category, {month('cast(p.purchaseDate as date)')} as month, sum(p.price) as revenue,
            sum(p.cost) as lineCost, sum(p.price - p.cost) as margin, {ratio("sum(p.price - p.cost)", "sum(p.price)")} as marginPercentage,
            sum(p.quantity) as quantity
        from (
            select catalogItem.id as item, purchaseDate, coalesce({amount('extPrice')}, 0) as price, coalesce({amount('extCost')}, 0) as cost,
                coalesce({amount('quantity')}, 0) as quantity
            from productitem where invoice.id is not null
        ) p left join catalogitem c on c.id = p.item group by all""",
    "billing audit": AUDIT,
    "pipeline": PIPELINE,
    "pipeline by month": PIPELINE,
    "opportunities won and lost": f"""
        select company as companyId, {month('closed')} as month, count(*) filter (where won) as opportunitiesWon,
            count(*) filter (where lost) as opportunitiesLost,
            {ratio("count(*) filter (where won)", "count(*) filter (where won or lost)")} as winRate,
            coalesce(sum(amount) filter (where won), 0) as wonAmount, avg(closed - began) as daysToClose
        from sales where over group by all""",
    "purchase orders open": f"""
        select vendor as companyId, {month('expected')} as month, sum(coalesce(cast(missing * cost as decimal(19, 4)), 0)) as openCost,
            coalesce(sum(cast(missing * cost as decimal(19, 4))) filter (where expected < getvariable('today')), 0) as lateCost,
            count(distinct purchase) as openOrders, count(*) as openLines,
            count(*) filter (where expected < getvariable('today')) as lateLines
        from ordered group by all""",
    "recurring revenue": RECURRING,
    "backlog by month": BACKLOG,
    "time in status": """
        select null as companyId, null as month, 0 as hoursInStatus, 0 as averageHoursInStatus, 0 as timesInStatus where false""",
    "expiring agreements": f"""
        select company.id as companyId, {month('cast(endDate as date)')} as month, count(*) as agreementsEnding,
            sum({amount('billAmount')}) as recurringAmount
        from running where endDate is not null and not coalesce(noEndingDateFlag, false) group by all""",
    "prepaid hours": f"""
        select company as companyId, {month('day')} as month, sum(hours) as hours, sum(taken) as prepaidHoursUsed
        from entries where kind = 'prepaid' group by all""",
    "warranty expiry": f"""
        select c.company.id as companyId, {month("cast(c.warrantyExpirationDate as date)")} as month, count(*) as warrantiesEnding,
            count(*) filter (where cast(c.warrantyExpirationDate as date) < getvariable('today')) as outOfWarranty
        from configuration c left join configurationstatus s on s.id = c.status.id
        where c.warrantyExpirationDate is not null and coalesce(c.activeFlag, true) and not coalesce(s.closedFlag, false) group by all""",
    "prepaid left": f"""
        select company as companyId, sum(case when units = 'Hours' then remaining else 0 end) as hoursLeft,
            sum(case when units = 'Amount' then remaining else 0 end) as amountLeft,
            sum(case when units = 'Incidents' then remaining else 0 end) as incidentsLeft,
            {ratio("sum(used)", "sum(granted + carried)")} as prepaidShareUsed
        from prepaid group by all""",
    "utilisation": CAPACITY_ROWS,
    "utilisation by month": CAPACITY_ROWS,
    "hours by month": WORK_ROWS,
    "hours by cover": WORK_ROWS,
    "realisation": WORK_ROWS,
    "service levels": TICKET_ROWS.format(f"{month('entered')} as month"),
    "ticket quality": TICKET_ROWS.format(f"{month('entered')} as month"),
    "tickets by company": TICKET_ROWS.format(f"{month('entered')} as month"),
    "survey scores": f"""
        select coalesce(r.company.id, t.company) as companyId, {month('cast(r.came as date)')} as month, avg(r.totalPoints) as surveyScore,
            count(*) as surveysAnswered, min(r.totalPoints) as lowestScore, count(*) filter (where r.contactMeFlag) as callBacks
        from (
            select *, coalesce({stamp('_info', 'dateEntered')}, {stamp('_info', 'lastUpdated')}) as came from surveyresult
        ) r
        left join (
            select id, company.id as company from serviceticket union select id, company.id from projectticket
        ) t on t.id = r.ticketId
        group by all""",
    "tickets by contact": TICKET_ROWS.format("contact as contactId"),
    "tickets opened and closed": f"""
        select companyId, month, sum(opened) as ticketsOpened, sum(closed) as ticketsClosed, {ratio("sum(closed)", "sum(opened)")} as killRate,
            {ratio("sum(prompt)", "sum(closed)")} as sameDayClose
        from (
            select company as companyId, {month('entered')} as month, 1 as opened, 0 as closed, 0 as prompt from counted where child is null
            union all
            select company, {month('cast(closedDate as date)')}, 0, 1, case when cast(closedDate as date) = entered then 1 else 0 end
            from counted where closed and child is null
        ) group by all""",
    "open tickets by age": """
        select company as companyId,
            case when age is null then 'not known' when age <= 1 then 'up to a day' when age <= 7 then '2-7 days'
                when age <= 30 then '8-30 days' when age <= 90 then '31-90 days' else 'more than 90 days' end as age,
            count(*) as openTickets, count(*) filter (where changed <= (select day from stale)) as staleTickets, avg(days) as averageAge
        from (
            select company, getvariable('today') - entered as age, getvariable('today') - entered as days, cast(changed as date) as changed
            from counted where not closed and child is null
        ) group by all""",
    "on time timesheets": SHEET_ROWS,
    "project budget": PROJECT_ROWS,
    "projects by manager": PROJECT_ROWS,
    "project hours": f"""
        select company as companyId, project as projectId, sum(budget) as budgetHours, sum(hours) as hours,
            {ratio("sum(hours)", "sum(budget)")} as budgetUsed, sum(cost) as laborCost, count(*) filter (where not closed) as openProjectTickets
        from counted where project is not null group by all""",
}
# Ages are called otherwise in answers.
AGES = {
    "not due": "Current", "of today": "Current", "1-30 days": "1-30", "31-60 days": "31-60", "61-90 days": "61-90",
    "more than 90 days": "90+", "no date": None,
}


def number(value):
    return decimal.Decimal(str(value)) if value is not None else decimal.Decimal(0)


def same(expected, found):
    """Sums agree to the last digit, ratios to what rounding leaves. Nothing and no row are the same, but for a ratio."""
    if isinstance(expected, float):
        return found is not None and abs(number(expected) - number(found)) <= CLOSE
    return number(expected) == number(found)


def compare(connection, question, answer):
    rows = connection.execute(EXPECTED[question])
    names = [column[0] for column in rows.description]
    expected = [dict(zip(names, row)) for row in rows.fetchall()]
    keys = [key for key in answer["by"] if key in names]
    is_aged = question.startswith(("receivables", "unbilled"))

    def key(row, ours):
        parts = [row.get(key) for key in keys]
        if is_aged and not ours:
            parts = [AGES.get(part, part) if name == "age" else part for name, part in zip(keys, parts)]
        return tuple(str(part) for part in parts)

    sides = [{key(row, True): row for row in expected}, {key(row, False): row for row in answer["rows"]}]
    assert [len(side) for side in sides] == [len(expected), len(answer["rows"])], f"{question}: the keys {keys} aren't unique"
    measures = answer["measures"]
    missing = [name for name in measures if name not in names]
    assert not missing, f"{question}: {missing} isn't worked out"
    differing = []
    for group in sorted(sides[0].keys() | sides[1].keys()):
        ours, theirs = (side.get(group, {}) for side in sides)
        for name in measures:
            if not same(ours.get(name), theirs.get(name)):
                differing.append([" ".join(group), name, str(ours.get(name)), str(theirs.get(name))])
    nothing = [name for name in measures if not any(row[name] for row in expected)]
    return {"rows": len(expected), "compared": len(expected) * len(measures), "nothing": nothing, "differing": differing}


def main(lakehouse, day, answers):
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'")
    for name in money.ENTITIES + MORE:
        money.load(connection, name, f"{lakehouse}/bronze/bronze_cw_{name}")
    money.load(connection, "dimdate", f"{lakehouse}/gold/dimdate")
    connection.execute("create table present_agreement as select * from agreement")
    connection.execute(f"set variable today = date '{day}'")
    for table in [money.HEADERS, money.KINDS, money.WORK, LINES, BILLS, PROJECTS, TIME, COUNTED, RUNNING, STALE, CYCLES, ENDS, RUNS, SALES, ORDERED]:
        connection.execute(table)
    prepaid.load(connection)
    with open(answers, encoding="utf-8") as file:
        answers = json.load(file, parse_float=decimal.Decimal)
    missing = answers.keys() ^ EXPECTED.keys()
    assert not missing, f"{missing} is on one side only"
    json.dump({question: compare(connection, question, answer) for question, answer in answers.items()}, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
