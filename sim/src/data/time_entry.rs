//! Time entries.

use super::names::{self, href};
use super::refs;
use super::setup::{BOARD_TYPES, BOARDS};
use super::shape::{Decimal, Shape};
use super::work::{Charge, Work};
use super::world::{self, LAST_DAY, MASS_UPDATE, NOW, Row, World};
use super::{agreement, invoice};
use crate::calendar::{DAY, civil};
use crate::kind::Kind;

const WORK_TYPES: [(i64, &str, bool); 6] = [
    (3, "Regular", true),
    (4, "Yfirvinna ", true),
    (5, "Akstur", false),
    (6, "Innri vinna", false),
    (7, "Útkall", true),
    (8, "Fundur", true),
];
pub(super) const WORK_TYPE_NAMES: [(i64, &str); 6] =
    [(3, "Regular"), (4, "Yfirvinna "), (5, "Akstur"), (6, "Innri vinna"), (7, "Útkall"), (8, "Fundur")];
pub(super) const WORK_ROLES: [(i64, &str); 5] =
    [(11, "Management"), (12, "Tæknimaður"), (13, "Sérfræðingur"), (14, "Forritari"), (15, "Verkefnastjóri ")];

struct Times {
    start: i64,
    end: i64,
    entered: i64,
    /// Hundredths of an hour.
    hours: i64,
}

/// Working hours 08-17. An edit takes off a quarter of an hour, or adds up to three.
fn times(work: &Work, row: Row) -> Times {
    let draw = work.draw;
    let start = work.day * DAY + 8 * 3600 + work.shift.start as i64 * 60;
    let minutes = work.shift.minutes as i64;
    let mut hours = (minutes * 100 + 30) / 60;
    if row.edited > 0 {
        hours = (hours + 25 * [1, -1, 2, 1, 3][row.version() as usize % 5]).max(8);
    }
    let end = start + minutes * 60;
    // Some are entered days later, but none after its invoice or the clock.
    let (_, _, of_month) = civil(work.day);
    let tardy = (work.invoice.is_none() || of_month < 24) && draw.chance(304, 1_500);
    let late = draw.below(305, if tardy { 5 * DAY as u64 } else { 2_400 }) as i64;
    Times { start, end, entered: (end + late).min(LAST_DAY.max(work.day) * DAY + DAY - 1), hours }
}

pub(crate) fn last_updated(world: &World, row: Row) -> i64 {
    let work = Work::of(world, Kind::TimeEntry, row);
    if row.edited > 0 {
        return world::touched(work.draw, row.edited);
    }
    if row.born > 0 {
        return world::touched(work.draw, row.born).max(times(&work, row).entered);
    }
    if let Some(invoice) = work.invoice {
        return world.invoice_made(invoice);
    }
    let entered = times(&work, row).entered;
    if entered < MASS_UPDATE && work.draw.chance(306, 150) {
        return MASS_UPDATE;
    }
    (entered + work.draw.below(307, 2 * DAY as u64) as i64).min(NOW)
}

pub(crate) fn shape(world: &World, row: Row, s: &mut impl Shape) {
    let work = Work::of(world, Kind::TimeEntry, row);
    let draw = work.draw;
    let priced = work.priced(row);
    let times = times(&work, priced);
    s.int("id", world.id(Kind::TimeEntry, row.slot));
    refs::company(s, "company", world, work.company);
    s.text("companyType", draw.pick(310, &["Client", "Client", "Prospect", "Vendor", ""]));
    s.int("chargeToId", work.charge_to_id(world));
    s.text("chargeToType", work.charge.name());
    refs::member(s, "member", world, work.member, true);
    let (location, place) = draw.pick(30, &refs::LOCATIONS);
    let (department, group) = draw.pick(31, &refs::DEPARTMENTS);
    s.int("locationId", location);
    s.int("businessUnitId", department);
    s.text("businessGroupDesc", group);
    refs::location(s, draw);
    refs::department(s, "department", draw);
    work_type(s, &work);
    refs::set_up(s, "workRole", draw.pick(312, &WORK_ROLES), "workRole_href", "time/workRoles/");
    if let Some(slot) = work.agreement {
        agreement::reference(s, "agreement", world, slot);
        s.text("agreementType", agreement::type_of(world, slot).1);
    }
    if work.charge == Charge::Activity {
        let id = work.activity(world);
        let named = |o: &mut String| names::title(o, world.draw_other(6, id), 200, 3);
        refs::named(s, "activity", id as i64, named, "activity_href", "sales/activities/");
    }
    if work.charge == Charge::ProjectTicket {
        s.made("projectActivity", |o| refs::ticket_summary(o, world, work.ticket()));
    }
    s.text("territory", draw.pick(313, &["Suðvesturland", "Norðurland ", "Austurland"]));
    s.time("timeStart", times.start);
    s.time("timeEnd", times.end);
    money(s, world, [row, priced], &work, &times);
    s.text("status", work.status());
    place_of_work(s, world, &work);
    s.flag("invoiceFlag", work.invoice.is_some());
    // Entries without an invoice may lack an amount, and most do that lack a rate.
    let lacking = if lacks_rate(&work) { 7_500 } else { 1_000 };
    if work.invoice.is_some() || !draw.chance(337, lacking) {
        s.num("extendedInvoiceAmount", extended(priced, &work, &times));
    }
    s.text("locationName", place);
    refs::tax_code(s, draw);
    if draw.chance(331, 40) {
        s.int("timeZoneOffset", 0);
    }
    if s.enter("_info") {
        s.time("lastUpdated", last_updated(world, row));
        s.made("updatedBy", |o| refs::member_identifier(o, world.draw(Kind::Member, 0), 150));
        s.made("chargeToMobileGuid", |o| names::guid(o, draw, 332));
        s.leave();
    }
}

fn work_type(s: &mut impl Shape, work: &Work) {
    if !s.enter("workType") {
        return;
    }
    let (id, name, utilization) = if work.internal { WORK_TYPES[3] } else { work.draw.pick(311, &WORK_TYPES) };
    s.int("id", id);
    s.text("name", name);
    s.flag("utilizationFlag", utilization);
    if work.draw.chance(333, 30) {
        s.flag("afterHoursFlag", true);
    }
    if s.enter("_info") {
        s.made("workType_href", |o| href(o, "time/workTypes/", id));
        s.leave();
    }
    s.leave();
}

/// Whether an entry lacks the rate behind its amount.
fn lacks_rate(work: &Work) -> bool {
    work.draw.chance(321, 800)
}

/// Whole krónur per hour; an edit may raise it. A few cost nothing.
fn hourly_rate(row: Row, work: &Work) -> i64 {
    let rate = work.draw.pick(320, &[14_900, 18_500, 21_900, 23_800, 26_500]);
    match row.edited {
        _ if work.draw.chance(319, 250) => 0,
        0 => rate,
        _ => rate + 100 * i64::from(row.version() % 6),
    }
}

/// Hours are billed by the quarter.
fn billed_hours(work: &Work, times: &Times) -> i64 {
    if work.billable == "Billable" { (times.hours + 24) / 25 * 25 } else { 0 }
}

fn extended(row: Row, work: &Work, times: &Times) -> Decimal {
    // The fee of the agreement pays for them.
    let hours = if work.covered { 0 } else { billed_hours(work, times) };
    Decimal::hundredths(hourly_rate(row, work) * hours)
}

/// What the entry adds to its invoice.
pub(super) fn amount(work: &Work, row: Row) -> Decimal {
    let priced = work.priced(row);
    extended(priced, work, &times(work, priced))
}

fn money(s: &mut impl Shape, world: &World, [row, priced]: [Row; 2], work: &Work, times: &Times) {
    let draw = work.draw;
    s.num("hoursDeduct", if draw.chance(322, 500) { Decimal::hundredths(25) } else { Decimal::ZERO });
    s.num("actualHours", Decimal::hundredths(times.hours));
    s.text("billableOption", work.billable);
    if draw.chance(323, 8_500) || row.edited > 0 {
        s.made("notes", |o| {
            names::prose(o, draw, 1_000, 1 + draw.below(324, 6));
            if row.edited > 0 {
                o.push_str(" Leiðrétt ");
                names::number(o, i64::from(row.version()));
                o.push('.');
            }
        });
    }
    if draw.chance(325, 1_500) {
        s.made("internalNotes", |o| names::prose(o, draw, 2_000, 1));
    } else if draw.chance(325, 2_500) {
        s.text("internalNotes", "");
    }
    s.flag("addToDetailDescriptionFlag", true);
    s.flag("addToInternalAnalysisFlag", draw.chance(326, 900));
    s.flag("addToResolutionFlag", draw.chance(327, 600));
    s.flag("emailResourceFlag", false);
    s.flag("emailContactFlag", draw.chance(328, 2_000));
    s.flag("emailCcFlag", false);
    if draw.chance(328, 300) {
        s.text("emailCc", "thjonusta@example.com;");
    }
    let billed = billed_hours(work, times);
    s.num("hoursBilled", Decimal::hundredths(billed));
    s.num("invoiceHours", Decimal::hundredths(billed));
    if !draw.chance(329, 300) {
        s.made("hourlyCost", |o| {
            names::number(o, world.draw(Kind::Member, work.member.slot).pick(401, &[6_400, 7_200, 8_900, 10_800]));
            o.push_str(".00");
        });
    }
    s.made("enteredBy", |o| {
        let id = world.link_id(Kind::Member, work.member);
        refs::member_identifier(o, world.draw(Kind::Member, work.member.slot), id);
    });
    s.time("dateEntered", times.entered);
    s.made("mobileGuid", |o| names::guid(o, draw, 330));
    let rate = hourly_rate(priced, work);
    if !lacks_rate(work) {
        s.num("hourlyRate", Decimal::whole(rate));
    }
    if draw.chance(334, 300) {
        s.num("overageRate", Decimal::whole(32_000));
    }
    s.num("agreementHours", if work.covered { Decimal::hundredths(billed) } else { Decimal::ZERO });
    s.num("agreementAmount", if work.covered { Decimal::hundredths(rate * billed) } else { Decimal::ZERO });
    s.num("agreementAdjustment", Decimal::ZERO);
    s.num("adjustment", if draw.chance(336, 200) { Decimal::whole(-1_500) } else { Decimal::ZERO });
    s.int("invoiceReady", i64::from(work.invoice.is_some() || work.status() == "ReadyToBill"));
    let sheet = 37 + super::plan::sheet_on(work.day, work.shift.seat);
    refs::named(s, "timeSheet", sheet, |o| sheet_name(o, work.day), "timeSheet_href", "time/sheets/");
}

/// A sheet is a week, from its Monday to its Sunday.
fn sheet_name(out: &mut String, day: i64) {
    let monday = day - (day + 3).rem_euclid(7);
    for (at, day) in [monday, monday + 6].into_iter().enumerate() {
        if at > 0 {
            out.push_str(" til ");
        }
        let text = crate::calendar::text(day * DAY);
        out.extend(text[..10].iter().map(|byte| char::from(*byte)));
    }
}

fn place_of_work(s: &mut impl Shape, world: &World, work: &Work) {
    if let Some(slot) = work.invoice {
        invoice::reference(s, world, slot);
    }
    if work.has_ticket() {
        let draw = world.draw_other(3, work.ticket());
        refs::ticket(s, world, work.ticket());
        if work.charge == Charge::ProjectTicket {
            refs::project(s, world, work.project());
            refs::phase(s, world, work.project(), work.phase());
        }
        let board = super::own::board_of(draw, work.charge == Charge::ProjectTicket);
        s.text("ticketBoard", BOARDS[board as usize].1);
        s.text("ticketStatus", refs::ticket_status(world, work.ticket()));
        if draw.chance(341, 7_000) {
            s.text("ticketType", draw.pick(72, &BOARD_TYPES));
        }
        if draw.chance(343, 5_000) {
            s.text("ticketSubType", draw.pick(344, &["Tölvupóstur", "Net", "Vélbúnaður", ""]));
        }
    }
}
