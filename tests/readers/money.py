"""Works money and tickets out of the bronze tables of a lakehouse, in DuckDB and by the contract of the star schema, and holds gold
against it.

    money.py LAKEHOUSE DAY

No model of gold is read: the SQL here was written from the contract. DAY is the day on which gold was built. What agreements,
projects, phases, members and statuses said that are gone at the source is what older versions of their tables have: lines and
tickets go on naming them.

Prints JSON: {"<question>": {"rows": n, "total": "<of bronze>", "differing": [["<group>", "<of bronze>", "<of gold>"], ...]}}. A question
is answered by group: a company and a month, say.
"""

import json
import sys

import deltalake
import duckdb

ENTITIES = [
    "invoice", "unpostedinvoice", "timeentry", "expenseentry", "productitem", "agreement", "project", "projectphase", "serviceticket",
    "projectticket", "boardstatus", "member", "agreementaddition", "billingcycle", "agreementtype",
    "timesheet",
]
# Of these, rows that are gone count.
NAMED = ["agreement", "agreementtype", "project", "projectphase", "boardstatus", "member", "billingcycle"]
GOLD = [
    "fact_invoice", "fact_invoiceline", "fact_timeentry", "fact_ticket", "fact_backlog", "fact_agreementaddition", "fact_project", "fact_timesheet",
]

MONEY = "cast({} as decimal(19, 4))"

HEADERS = f"""
create table headers as
select id, company.id as company, cast(date as date) as date, cast(coalesce(dueDate, date) as date) as due, type,
    {MONEY.format('total')} - coalesce({MONEY.format('salesTax')}, 0) as billed,
    coalesce({MONEY.format('downpaymentApplied')}, 0) as applied, {MONEY.format('balance')} as balance
from invoice
union all by name
select billingLogId as id, company.id as company, cast(invoiceDate as date) as date, cast(dueDate as date) as due, invoiceType as type,
    {MONEY.format('total')} - coalesce({MONEY.format('salesTaxAmount')}, 0) as billed, 0 as applied
from unpostedinvoice u
where not exists (select * from invoice i where i.id = u.billingLogId)
"""

# Who pays for time under an agreement, by its own settings and else by its type's.
KINDS = """
create table kinds as
select id,
    case
        when internal then 'internal'
        when ahead or (covered > 0 and not coalesce(unlimited, false)) then 'prepaid'
        when covers or billing in ('DoNotBill', 'NoCharge') then 'operations'
        when billing in ('Billable', 'NoDefault') then 'service'
        else 'other'
    end as kind
from (
    select a.id, coalesce(a.chargeToFirm, t.chargeToFirmFlag) as internal, t.prePaymentFlag as ahead,
        coalesce(a.applicationLimit, t.applicationLimit) as covered,
        coalesce(a.applicationUnlimitedFlag, t.applicationUnlimitedFlag) as unlimited,
        coalesce(a.coverAgreementTime, t.coverAgreementTimeFlag) as covers, coalesce(a.billTime, t.billTime) as billing
    from agreement a left join agreementtype t on t.id = a.type.id
)
"""

WORK = f"""
create table work as
select w.*, k.kind, coalesce(f.billingMethod, p.billingMethod) as method
from (
    select 'time' as source, id, company.id as company, agreement.id as agreement, project.id as project, phase.id as phase,
        invoice.id as invoice, billableOption, status, cast(timeStart as date) as day,
        coalesce(
            {MONEY.format('extendedInvoiceAmount')},
            {MONEY.format('actualHours')} * {MONEY.format('hourlyRate')}
        ) as amount
    from timeentry
    union all
    select 'expense', id, company.id, agreement.id, project.id, phase.id, invoice.id, billableOption, status,
        cast(date as date), coalesce({MONEY.format('amount')}, 0)
    from expenseentry
    union all
    select 'product', id, company.id, agreement.id, project.id, phase.id, invoice.id,
        -- Neither what was cancelled nor what is only offered, on an opportunity, is sold.
        case when not coalesce(cancelledFlag, false) and (opportunity.id is null or coalesce(ticket.id, project.id, salesOrder.id) is not null)
            then billableOption end,
        null, cast(purchaseDate as date),
        coalesce({MONEY.format('extPrice')}, 0)
    from productitem
) w
left join kinds k on k.id = w.agreement
left join project p on p.id = w.project
left join projectphase f on f.id = w.phase
"""

ADDITIONS = f"""
create table additions as
select x.id, a.company.id as company,
    cast(
        case when coalesce(x.billCustomer, 'Billable') = 'Billable' then {MONEY.format('x.extPrice')} else 0 end
        / case
            when lower(trim(a.billingCycle.name)) = 'monthly' then 1
            when lower(trim(a.billingCycle.name)) = 'quarterly' then 3
            when lower(trim(a.billingCycle.name)) in ('semi-annually', 'semi-annual') then 6
            when lower(trim(a.billingCycle.name)) in ('annual', 'annually', 'yearly') then 12
            when c.billingOptions = 'Monthly' then 1
            when c.billingOptions = 'Quarterly' then 3
            when c.billingOptions = 'SemiAnnual' then 6
            when c.billingOptions = 'Yearly' then 12
        end
        as decimal(19, 4)
    ) as mrr
from agreementaddition x
join agreement a on a.id = x.agreementId
left join billingcycle c on c.id = a.billingCycle.id
where cast(x.effectiveDate as date) <= getvariable('today')
    and coalesce(cast(a.startDate as date), cast(a.billStartDate as date), getvariable('today')) <= getvariable('today')
    and coalesce(cast(x.cancelledDate as date) > getvariable('today'), true)
    and coalesce(cast(a.dateCancelled as date) > getvariable('today'), not coalesce(a.cancelledFlag, false))
    and (coalesce(a.noEndingDateFlag, false) or coalesce(cast(a.endDate as date) >= getvariable('today'), true))
"""

TICKETS = """
create table tickets as
select t.id, t.company.id as company, coalesce(s.closedStatus, t.closedFlag, false) as closed, t.mergedInto is not null as merged,
    t.parent is not null as child
from (
    select id, company, status, closedFlag, mergedParentTicket.id as mergedInto, parentTicketId as parent from serviceticket
    where id not in (select id from projectticket)
    union all
    select p.id, p.company, p.status, p.closedFlag, s.mergedParentTicket.id, s.parentTicketId
    from projectticket p left join serviceticket s on s.id = p.id
) t
left join boardstatus s on s.id = t.status.id
"""

# What is still to bill: billable, on no invoice, neither given up nor billed, not covered, and of no fixed fee.
UNBILLED = """
invoice is null and billableOption = 'Billable' and coalesce(status, '') not in ('WrittenOff', 'Billed', 'BilledAgreement')
    and not (agreement is not null and coalesce(kind, 'other') in ('prepaid', 'internal'))
    and not (source <> 'expense' and coalesce(method, '') = 'FixedFee')
"""
AGE = """case when {0} <= 0 then 'Current' when {0} <= 30 then '1-30' when {0} <= 60 then '31-60' when {0} <= 90 then '61-90'
    when {0} > 90 then '90+' end"""

QUESTIONS = {
    "revenue by company and month": (
        """select company || ' ' || strftime(date, '%Y-%m'), sum(billed + applied - case when type = 'DownPayment' then billed else 0 end)
        from headers group by 1""",
        "select companyId || ' ' || strftime(\"date\", '%Y-%m'), sum(revenueAmount) from fact_invoice where not isDeleted group by 1",
    ),
    "lines by company and month": (
        """select company || ' ' || strftime(date, '%Y-%m'), sum(billed + applied - case when type = 'DownPayment' then billed else 0 end)
        from headers group by 1""",
        """select companyId || ' ' || strftime("date", '%Y-%m'), sum(lineAmount) from fact_invoiceline
        where isInvoiced and not isDeleted group by 1""",
    ),
    "lines and revenue by company and month": (
        "select companyId || ' ' || strftime(\"date\", '%Y-%m'), sum(revenueAmount) from fact_invoice where not isDeleted group by 1",
        """select companyId || ' ' || strftime("date", '%Y-%m'), sum(lineAmount) from fact_invoiceline
        where isInvoiced and not isDeleted group by 1""",
    ),
    "billed by company and month": (
        "select company || ' ' || strftime(date, '%Y-%m'), sum(billed) from headers group by 1",
        "select companyId || ' ' || strftime(\"date\", '%Y-%m'), sum(billedAmount) from fact_invoice where not isDeleted group by 1",
    ),
    "billed by type": (
        "select type, sum(billed) from headers group by 1",
        "select invoiceType, sum(billedAmount) from fact_invoice where not isDeleted group by 1",
    ),
    "receivables by company": (
        "select company, sum(balance) from headers where balance <> 0 group by 1",
        "select companyId, sum(balance) from fact_invoice where not isDeleted and balance <> 0 group by 1",
    ),
    "receivables by age": (
        f"select {AGE.format('(getvariable($$today$$) - due)')}, sum(balance) from headers where balance <> 0 group by 1",
        "select agingBucket, sum(balance) from fact_invoice where not isDeleted and balance <> 0 group by 1",
    ),
    "unbilled by company": (
        f"select company || ' ' || source, sum(coalesce(amount, 0)) from work where {UNBILLED} group by 1",
        """select companyId || ' ' || lineSource, sum(coalesce(lineAmount, 0)) from fact_invoiceline
        where not isInvoiced and not isDeleted group by 1""",
    ),
    "unbilled by age": (
        f"select {AGE.format('(getvariable($$today$$) - day)')}, sum(coalesce(amount, 0)) from work where {UNBILLED} group by 1",
        "select agingBucket, sum(coalesce(lineAmount, 0)) from fact_invoiceline where not isInvoiced and not isDeleted group by 1",
    ),
    "unbilled of no known amount": (
        f"select source, count(*) from work where {UNBILLED} and amount is null group by 1",
        """select lineSource, count(*) from fact_invoiceline where not isInvoiced and not isDeleted and lineAmount is null
        group by 1""",
    ),
    "tickets by company": (
        "select company || case when closed then ' closed' else ' open' end, count(*) from tickets where not merged group by 1",
        """select companyId || case when isClosed then ' closed' else ' open' end, count(*) from fact_ticket
        where not isMerged and not isDeleted group by 1""",
    ),
    "backlog by company": (
        "select company, count(*) from tickets where not merged and not child and not closed group by 1",
        "select companyId, sum(openAtEnd) from fact_backlog where nextChangeDate is null group by 1",
    ),
    "hours of tickets by company": (
        f"select t.company, sum({MONEY.format('e.actualHours')}) from timeentry e join tickets t on t.id = e.ticket.id group by 1",
        "select companyId, sum(actualHours) from fact_ticket where not isDeleted and entryCount > 0 group by 1",
    ),
    "cost of tickets by company": (
        f"""select t.company, sum(cast({MONEY.format('e.actualHours')}
            * coalesce({MONEY.format('m.hourlyCost')}, {MONEY.format('e.hourlyCost')}, 0) as decimal(19, 4)))
        from timeentry e join tickets t on t.id = e.ticket.id left join member m on m.id = e.member.id group by 1""",
        "select companyId, sum(laborCost) from fact_ticket where not isDeleted and entryCount > 0 group by 1",
    ),
    "hours of projects": (
        f"select project.id, sum({MONEY.format('actualHours')}) from timeentry where project.id in (select id from project) group by 1",
        "select projectId, sum(actualHours) from fact_project where entryCount > 0 group by 1",
    ),
    "cost of projects": (
        f"""select e.project.id, sum(cast({MONEY.format('e.actualHours')}
            * coalesce({MONEY.format('m.hourlyCost')}, {MONEY.format('e.hourlyCost')}, 0) as decimal(19, 4)))
        from timeentry e left join member m on m.id = e.member.id where e.project.id in (select id from project) group by 1""",
        "select projectId, sum(laborCost) from fact_project where entryCount > 0 group by 1",
    ),
    "hours of time sheets by member and month": (
        f"""select s.member.id || ' ' || strftime(cast(s.dateStart as date), '%Y-%m'), sum({MONEY.format('e.actualHours')})
        from timeentry e join timesheet s on s.id = e.timeSheet.id group by 1""",
        """select memberId || ' ' || strftime(dateStart, '%Y-%m'), sum(enteredHours) from fact_timesheet
        where not isDeleted and entryCount > 0 group by 1""",
    ),
    "monthly recurring revenue of additions by company": (
        "select company, sum(mrr) from additions group by 1",
        "select companyId, sum(mrr) from fact_agreementaddition where isActive group by 1",
    ),
    "written off": (
        "select 'all', sum(amount) from work where source = 'time' and status = 'WrittenOff' and invoice is null",
        "select 'all', sum(billableAmount) from fact_timeentry where isWrittenOff and not isDeleted and invoiceId is null",
    ),
}


def load(connection, name, folder):
    newest = deltalake.DeltaTable(folder)
    connection.register("arrived", newest.to_pyarrow_table())
    connection.execute(f"create table {name} as select * from arrived")
    connection.unregister("arrived")
    for version in range(newest.version() - 1, -1, -1) if name in NAMED else []:
        connection.register("older", deltalake.DeltaTable(folder, version=version).to_pyarrow_table())
        connection.execute(f"insert into {name} by name select * from older where id not in (select id from {name})")
        connection.unregister("older")


def main(lakehouse, day):
    connection = duckdb.connect()
    # Days are days in UTC, wherever this runs.
    connection.execute("set timezone = 'UTC'")
    for layer, name, prefix in [("bronze", name, "bronze_cw_") for name in ENTITIES] + [("gold", name, "") for name in GOLD]:
        load(connection, name, f"{lakehouse}/{layer}/{prefix}{name}")
    connection.execute(f"set variable today = date '{day}'")
    connection.execute(HEADERS)
    connection.execute(KINDS)
    connection.execute(WORK)
    connection.execute(TICKETS)
    connection.execute(ADDITIONS)
    answers = {}
    for question, sides in QUESTIONS.items():
        bronze, gold = ({str(group): value for group, value in connection.execute(sql).fetchall()} for sql in sides)
        groups = sorted(bronze.keys() | gold.keys())
        # Who has no row has nothing: a month in which all that was billed is paid ahead has no lines.
        differing = [
            [group, str(bronze.get(group)), str(gold.get(group))]
            for group in groups
            if (bronze.get(group) or 0) != (gold.get(group) or 0)
        ]
        total = sum(value or 0 for value in bronze.values())
        answers[question] = {"rows": len(bronze), "total": str(total), "differing": differing}
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
