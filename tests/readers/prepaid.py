"""What is left of agreements with a limit on hours, amount or incidents, worked out period by period as a person would: what is granted
goes on a pile, what is used comes off its bottom, and what has become too old is thrown away."""

import calendar
import datetime
import decimal

ZERO = decimal.Decimal(0)
MONTHS = {"CalendarMonth": 1, "CalendarQuarter": 3, "CalendarYear": 12, "ContractQuarter": 3, "ContractYear": 12}
WEEKS = {"CalendarWeek": 1, "Contract2Weeks": 2, "Contract4Weeks": 4}

TERMS = """
select id, company.id as company, applicationUnits as units, cast(applicationLimit as decimal(19, 4)) as granted,
    case when oneTimeFlag then null else applicationCycle end as cycle, coalesce(carryOverUnused, false) as carries,
    coalesce(expiredDays, 0) as days, coalesce(expireWhenZero, false) as ends_empty,
    coalesce(
        case when cast(startDate as date) >= date '1900-01-01' then cast(startDate as date) end, cast(billStartDate as date),
        cast(cast(_info['dateEntered'] as timestamptz) as date)
    ) as first,
    case when not coalesce(noEndingDateFlag, false) then cast(endDate as date) end as last,
    cast(dateCancelled as date) as cancelled, coalesce(cancelledFlag, false) and dateCancelled is null as over
from present_agreement
where applicationLimit > 0 and applicationUnits is not null and not coalesce(applicationUnlimitedFlag, false)
"""

USES = """
select a.id, u.day, cast(case a.applicationUnits when 'Hours' then u.hours when 'Incidents' then u.incidents else u.amount end as decimal(19, 4))
from (
    select agreement.id as agreement, cast(timeStart as date) as day, coalesce(agreementHours, 0) as hours,
        coalesce(agreementAmount, 0) as amount, 0 as incidents
    from timeentry
    union all select agreement.id, cast(date as date), 0, coalesce(agreementAmount, 0), 0 from expenseentry
    union all select agreement.id, cast(purchaseDate as date), 0, coalesce(agreementAmount, 0), 0 from productitem
    union all
    select agreement.id, cast(cast(_info['dateEntered'] as timestamptz) as date), 0, 0, 1 from serviceticket
    where coalesce(recordType, 'ServiceTicket') = 'ServiceTicket' and parentTicketId is null and mergedParentTicket.id is null
) u
join present_agreement a on a.id = u.agreement
"""


ADJUSTED = """
select _etl_parent_id, cast(effectiveDate as date), cast(amount as decimal(19, 4)) from agreementadjustment
"""


def later(day, months):
    """So many months after a day, or the last day of that month."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return datetime.date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def starts(first, cycle):
    """The first days of the periods of an agreement, one after the other."""
    yield first
    if cycle in MONTHS:
        step = MONTHS[cycle]
        base = first
        if cycle.startswith("Calendar"):
            base = first.replace(month=(first.month - 1) // step * step + 1, day=1)
        number = 1
        while True:
            yield later(base, number * step)
            number += 1
    elif cycle in WEEKS:
        base = first - datetime.timedelta(days=first.weekday() if cycle == "CalendarWeek" else 0)
        while True:
            base += datetime.timedelta(weeks=WEEKS[cycle])
            yield base


def periods(first, cycle, end, today):
    """First days of the periods that have begun, at least one, and each one's successor."""
    days = starts(first, cycle)
    day = next(days)
    found = []
    while True:
        following = next(days, None)
        found.append((day, following))
        if following is None or following > today or (end is not None and following >= end):
            return found
        day = following


def take(pile, amount):
    """Takes so much off the bottom of the pile, as far as it goes."""
    while amount > 0 and pile:
        of, there = pile.pop(0)
        if there > amount:
            pile.insert(0, (of, there - amount))
        amount -= there


def balances(terms, uses, adjustments, today):
    """The periods of one agreement: first day, granted, carried over and adjusted, used, expired, left, and whether it goes on."""
    one_day = datetime.timedelta(days=1)
    ends = [day for day in (terms["last"] and terms["last"] + one_day, terms["cancelled"]) if day is not None]
    end = min(ends, default=None)
    over = terms["over"] or (end is not None and end <= today)
    begun = periods(terms["first"], terms["cycle"], end, today)
    pile, empty, rows, adjusted = [], False, [], {}
    for at, (first, following) in enumerate(begun):
        is_last = at + 1 == len(begun)
        def within(dated):
            return [
                amount for day, amount in dated
                if (at == 0 or (day is not None and day >= first)) and (is_last or day is None or day < following)
                and (day is not None or at == 0)
            ]

        used = sum(within(uses), ZERO)
        given = sum((amount for amount in within(adjustments) if amount > 0), ZERO)
        lost = -sum((amount for amount in within(adjustments) if amount < 0), ZERO)
        adjusted[following] = given
        began = first <= today and (end is None or first < end)
        granted = terms["granted"] if began and not empty else ZERO
        carried = sum((amount for _, amount in pile), ZERO)
        if granted or given:
            pile.append((following, granted + given))
        take(pile, used + lost)
        if used < 0:
            # More was given back than used.
            pile.append((following, -used))
        unused = carried + granted + given - lost - used
        is_empty = empty or (terms["ends_empty"] and unused <= 0)
        if is_last and (over or is_empty) or not is_last and (is_empty or not terms["carries"]):
            pile = []
        elif not is_last and terms["days"]:
            lives = datetime.timedelta(days=terms["days"])
            pile = [one for one in pile if one[0] + lives > following]
            # What was given back lives no longer than what was granted.
            most = sum((terms["granted"] + adjusted[of] for _, of in begun[: at + 1] if of + lives > following), ZERO)
            take(pile, max(sum((amount for _, amount in pile), ZERO) - most, ZERO))
        kept = sum((amount for _, amount in pile), ZERO)
        expired = max(unused, ZERO) - kept
        if granted or carried or used or given != lost:
            rows.append((first, granted, carried + given - lost, used, expired, unused - expired, is_last and not over and not is_empty))
        empty = is_empty
    return rows


def load(connection):
    """The table `prepaid`: what is left of each agreement that goes on."""
    today = connection.execute("select getvariable('today')").fetchone()[0]
    found = connection.execute(TERMS)
    names = [column[0] for column in found.description]
    agreements = [dict(zip(names, row)) for row in found.fetchall()]
    adjustments = {}
    for agreement, day, amount in connection.execute(ADJUSTED).fetchall():
        adjustments.setdefault(agreement, []).append((day, amount))
    uses = {}
    for agreement, day, amount in connection.execute(USES).fetchall():
        if amount:
            uses.setdefault(agreement, []).append((day, amount))
    connection.execute(
        """create table prepaid (agreement int, company int, units text, granted decimal(19, 4), carried decimal(19, 4),
            used decimal(19, 4), remaining decimal(19, 4))"""
    )
    for terms in agreements:
        if terms["first"] is None or terms["first"] < datetime.date(1900, 1, 1):
            continue
        for _, granted, carried, used, _, remaining, goes_on in balances(terms, uses.get(terms["id"], []), adjustments.get(terms["id"], []), today):
            if goes_on:
                row = [terms["id"], terms["company"], terms["units"], granted, carried, used, remaining]
                connection.execute("insert into prepaid values (?, ?, ?, ?, ?, ?, ?)", row)
