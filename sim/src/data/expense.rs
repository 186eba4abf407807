//! Expense entries.

use super::names::{self, number};
use super::refs::{self, SetUp};
use super::shape::{Decimal, Shape};
use super::work::{Charge, Work};
use super::world::{self, NOW, Row, World};
use super::{agreement, invoice};
use crate::calendar::DAY;
use crate::kind::Kind;

pub(super) const TYPES: [SetUp; 5] =
    [(29, "Akstur"), (30, "Bílastæði "), (31, "Flug"), (32, "Hótel"), (33, "Matur og drykkur")];
pub(super) const METHODS: [SetUp; 3] = [(2, "Fyrirtækiskort"), (3, "Reiðufé"), (4, "Eigið kort ")];

pub(crate) fn last_updated(world: &World, row: Row) -> i64 {
    let work = Work::of(world, Kind::ExpenseEntry, row);
    match (row, work.invoice) {
        (Row { edited: 1.., .. }, _) => world::touched(work.draw, row.edited),
        (Row { born: 1.., .. }, _) => world::touched(work.draw, row.born),
        (_, Some(invoice)) => world.invoice_made(invoice),
        _ => (work.day * DAY + 18 * 3600 + work.draw.below(401, 5 * DAY as u64) as i64).min(NOW),
    }
}

/// Whole krónur; an edit may raise them.
fn spent(work: &Work, row: Row) -> i64 {
    100 * (2 + work.draw.below(410, 300) as i64) + 500 * i64::from(work.priced(row).version() % 7)
}

/// What the entry adds to its invoice.
pub(super) fn amount(work: &Work, row: Row) -> Decimal {
    if work.billable == "Billable" { Decimal::whole(spent(work, row)) } else { Decimal::ZERO }
}

pub(crate) fn shape(world: &World, row: Row, s: &mut impl Shape) {
    let work = Work::of(world, Kind::ExpenseEntry, row);
    let draw = work.draw;
    let report = 3 + super::plan::sheet_on(work.day, work.shift.seat);
    let amount = spent(&work, row);
    s.int("id", world.id(Kind::ExpenseEntry, row.slot));
    let report_name = |o: &mut String| {
        o.push_str("Vika ");
        number(o, work.day / 7);
    };
    refs::named(s, "expenseReport", report, report_name, "expenseReport_href", "expense/reports/");
    refs::company(s, "company", world, work.company);
    s.int("chargeToId", work.charge_to_id(world));
    s.text("chargeToType", work.charge.name());
    let kind = draw.pick(411, &TYPES);
    refs::set_up(s, "type", kind, "type_href", "expense/types/");
    refs::member(s, "member", world, work.member, false);
    refs::set_up(s, "paymentMethod", draw.pick(412, &METHODS), "method_href", "expense/paymentTypes/");
    refs::set_up(s, "classification", (1, "Almennt"), "classification_href", "expense/classifications/");
    s.num("amount", Decimal::whole(amount));
    s.text("billableOption", work.billable);
    s.time("date", work.day * DAY);
    s.int("locationId", draw.pick(30, &refs::LOCATIONS).0);
    s.int("businessUnitId", draw.pick(31, &refs::DEPARTMENTS).0);
    if draw.chance(413, 6_000) || row.edited > 0 {
        s.made("notes", |o| {
            names::prose(o, draw, 1_000, 1);
            if row.edited > 0 {
                o.push_str(" Leiðrétt ");
                number(o, i64::from(row.version()));
            }
        });
    } else if draw.chance(413, 7_000) {
        s.text("notes", "");
    }
    if let Some(slot) = work.agreement {
        agreement::reference(s, "agreement", world, slot);
    }
    let charged = self::amount(&work, row);
    s.num("invoiceAmount", charged);
    s.made("mobileGuid", |o| names::guid(o, draw, 414));
    if kind.0 == 29 {
        let from = 12_000 + draw.below(415, 90_000) as i64;
        s.num("odometerStart", Decimal::whole(from));
        s.num("odometerEnd", Decimal::whole(from + amount / 120));
    }
    if work.has_ticket() {
        refs::ticket(s, world, work.ticket());
    }
    if work.charge == Charge::ProjectTicket {
        refs::project(s, world, work.project());
        refs::phase(s, world, work.project(), work.phase());
    }
    refs::currency(s, draw.chance(416, 400), true);
    s.text("status", work.status());
    s.num("billAmount", charged);
    s.num("agreementAmount", Decimal::ZERO);
    if let Some(slot) = work.invoice {
        invoice::reference(s, world, slot);
    }
    if draw.chance(417, 100) {
        s.flag("receiptFlag", true);
    }
    if s.enter("_info") {
        s.time("lastUpdated", last_updated(world, row));
        s.made("updatedBy", |o| refs::member_identifier(o, draw, 150));
        s.leave();
    }
}
