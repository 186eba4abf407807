//! What hangs on agreements, invoices and opportunities and says what they come to: adjustments, payments, forecasts.

use super::day;
use crate::calendar::DAY;
use crate::data::made::Cast;
use crate::data::shape::{Decimal, Shape};
use crate::data::world::{LAST_DAY, Link, Row, World};
use crate::data::{agreement, invoice, names, refs, setup};
use crate::document::Member;
use crate::kind::Kind;
use crate::place::Place;

/// Adjustments of an agreement from the start: one in five has some.
pub(in crate::data) fn adjustments(cast: &Cast) -> u64 {
    if cast.draw.chance(1, 2_000) { 1 + cast.draw.below(2, 3) } else { 0 }
}

/// Hours or an amount that are given on top of what an agreement grants, or taken off again.
pub(super) fn adjustment(cast: &Cast, member: &Member, s: &mut impl Shape) -> bool {
    let (world, draw) = (cast.world, cast.draw);
    let parent = cast.place.parent().unwrap_or(0);
    let agreement = world.slot_of(Kind::Agreement, parent, u64::MAX);
    match member.name {
        "agreementId" => s.int("agreementId", parent),
        "amount" => {
            let is_prepaid = agreement.is_some_and(|slot| agreement::is_prepaid(world, slot));
            let amount = (1 + draw.below(40, 12) as i64) * if is_prepaid { 1 } else { 2_500 };
            let sign = if draw.chance(41, 2_500) { -1 } else { 1 };
            s.num("amount", Decimal::whole(sign * (amount + i64::from(cast.row.version()))));
        }
        "description" => s.text("description", draw.pick(42, &["Viðbót ", "Leiðrétting", "Samkvæmt samkomulagi", ""])),
        // Neither before its agreement nor after it.
        "effectiveDate" => {
            let (first, last) = agreement.map_or((i64::MIN, None), |slot| agreement::days_of(world, slot));
            s.time("effectiveDate", day(cast).max(first).min(last.unwrap_or(i64::MAX)) * DAY);
        }
        _ => return false,
    }
    true
}

/// The invoice that a payment is for, and the row of the payment as it was there from the start, or what was added to it later.
struct Payment {
    invoice: u64,
    amount: Decimal,
    /// The day on which it came.
    on: i64,
}

impl Payment {
    fn of(cast: &Cast) -> Self {
        let world = cast.world;
        let invoice = cast.place.parent().and_then(|id| world.slot_of(Kind::Invoice, id, u64::MAX)).unwrap_or(0);
        match cast.row.born {
            0 => Self {
                invoice,
                amount: invoice::paid(world, Row::fresh(invoice)),
                on: invoice::settled_on(world, invoice),
            },
            _ => Self { invoice, amount: Decimal(cast.row.bill.service), on: day(cast) },
        }
    }
}

/// Payments of an invoice from the start: what its header says was paid came at once.
pub(in crate::data) fn payments(world: &World, place: Place) -> u64 {
    let invoices = world.count(Kind::Invoice);
    let invoice = place.parent().and_then(|id| world.slot_of(Kind::Invoice, id, invoices));
    invoice.map_or(0, |slot| u64::from(invoice::paid(world, Row::fresh(slot)) != Decimal::ZERO))
}

pub(super) fn payment(cast: &Cast, member: &Member, s: &mut impl Shape) -> bool {
    let (world, draw) = (cast.world, cast.draw);
    let payment = Payment::of(cast);
    match member.name {
        "invoice" => invoice::reference(s, world, payment.invoice),
        "amount" => s.num("amount", payment.amount),
        "type" => s.text("type", draw.pick(40, &["EFT", "EFT", "CreditCard", "Check"])),
        "source" => s.text("source", "Default"),
        "paymentDate" => s.time("paymentDate", payment.on * DAY),
        "paymentSyncStatus" => {
            s.text("paymentSyncStatus", if payment.on + 2 < LAST_DAY { "Synced" } else { "Applied" })
        }
        "appliedBy" => {
            let by = Link { slot: draw.skewed(41, world.count(Kind::Member)), deleted: false };
            let id = world.link_id(Kind::Member, by);
            s.made("appliedBy", |o| refs::member_identifier(o, world.draw(Kind::Member, by.slot), id));
        }
        "glBatchID" => s.made("glBatchID", |o| names::digits(o, draw, 42, 6)),
        // Nothing is paid on account, and what the invoice comes to is said by itself.
        "balance" | "credit" | "invoiceBalance" | "invoiceTotal" | "paymentSyncDate" | "wisePayPayment" => {}
        _ => return false,
    }
    true
}

/// When a payment that was there from the start was entered.
pub(super) fn paid_at(cast: &Cast) -> i64 {
    Payment::of(cast).on * DAY + 9 * 3600 + cast.draw.below(43, 7 * 3600) as i64
}

/// A line of a forecast.
#[derive(Clone, Copy)]
struct Line {
    of: &'static str,
    revenue: i64,
    cost: i64,
    included: bool,
}

const TYPES: [&str; 5] = ["Product", "Service", "Agreement", "Other1", "Other2"];

/// Whether an opportunity is open, won or lost, as its own row says that nothing has touched.
const OUTCOMES: [&str; 4] = ["openRevenue", "wonRevenue", "lostRevenue", "lostRevenue"];

fn lines(cast: &Cast) -> Vec<Line> {
    let lines = 1 + cast.draw.below(40, 4);
    let line = |at: u64| {
        let draw = cast.draw.item(at);
        let of = draw.pick(41, &["Product", "Product", "Service", "Service", "Agreement", "Other1"]);
        // The first line is what an edit changes.
        let raised = if at == 0 { 1_000 * i64::from(cast.row.version() % 20) } else { 0 };
        let revenue = 5_000 * (1 + draw.below(42, 120) as i64) + raised;
        let cost = revenue * (35 + draw.below(43, 45) as i64) / 100;
        Line { of, revenue, cost, included: at == 0 || !draw.chance(44, 1_500) }
    };
    (0..lines).map(line).collect()
}

/// What the lines come to that are included: of each sort, of all, and under what became of the opportunity.
pub(super) fn forecast(cast: &Cast, member: &Member, s: &mut impl Shape) -> bool {
    let of_sort =
        |of: &'static str| lines(cast).into_iter().filter(move |line| line.included && line.of == of).collect();
    let included = || lines(cast).into_iter().filter(|line| line.included).collect::<Vec<_>>();
    match member.name {
        "forecastItems" => items(cast, s),
        "productRevenue" => sum(s, member.name, 1, of_sort(TYPES[0])),
        "serviceRevenue" => sum(s, member.name, 2, of_sort(TYPES[1])),
        "agreementRevenue" => sum(s, member.name, 3, of_sort(TYPES[2])),
        "otherRevenue1" => sum(s, member.name, 4, of_sort(TYPES[3])),
        "otherRevenue2" => sum(s, member.name, 5, of_sort(TYPES[4])),
        "timeRevenue" | "expenseRevenue" => sum(s, member.name, 6, Vec::new()),
        "forecastRevenueTotals" => sum(s, member.name, 7, included()),
        "inclusiveRevenueTotals" => sum(s, member.name, 8, lines(cast)),
        "openRevenue" | "wonRevenue" | "lostRevenue" => {
            let is_so = OUTCOMES[outcome(cast) as usize] == member.name;
            sum(s, member.name, 9, if is_so { included() } else { Vec::new() });
        }
        "recurringTotal" => s.num("recurringTotal", total(&of_sort(TYPES[2])).0),
        "salesTaxRevenue" => s.num("salesTaxRevenue", Decimal::ZERO),
        "forecastTotalWithTaxes" => s.num("forecastTotalWithTaxes", total(&included()).0),
        "expectedProbability" => {
            if let Some(probability) = probability(cast) {
                s.int("expectedProbability", probability);
            }
        }
        "billingTerms" | "taxCode" => {}
        "currency" => refs::currency(s, false, false),
        _ => return false,
    }
    true
}

fn total(lines: &[Line]) -> (Decimal, Decimal) {
    let sum = |of: fn(&Line) -> i64| Decimal::whole(lines.iter().map(of).sum());
    (sum(|line| line.revenue), sum(|line| line.cost))
}

fn sum(s: &mut impl Shape, key: &'static str, id: i64, lines: Vec<Line>) {
    let (revenue, cost) = total(&lines);
    if s.enter(key) {
        s.int("id", id);
        s.num("revenue", revenue);
        s.num("cost", cost);
        s.num("margin", Decimal(revenue.0 - cost.0));
        let share = if revenue.0 == 0 { 0 } else { (revenue.0 - cost.0) * 100 / revenue.0 };
        s.num("percentage", Decimal::whole(share));
        s.leave();
    }
}

fn items(cast: &Cast, s: &mut impl Shape) {
    if !s.list("forecastItems") {
        return;
    }
    for (at, Line { of, revenue, cost, included }) in (1..).zip(lines(cast)) {
        if !s.item() {
            continue;
        }
        s.int("id", cast.id() * 8 + at);
        s.made("forecastDescription", |o| names::title(o, cast.draw.item(at as u64), 200, 3));
        s.num("revenue", Decimal::whole(revenue));
        s.num("cost", Decimal::whole(cost));
        s.num("margin", Decimal::whole(revenue - cost));
        s.int("percentage", 100);
        s.num("quantity", Decimal::whole(1));
        s.flag("includeFlag", included);
        s.flag("linkFlag", false);
        s.flag("recurringFlag", of == "Agreement");
        s.flag("taxableFlag", true);
        s.text("forecastType", of);
        s.num("sequenceNumber", Decimal::whole(at));
        s.leave();
    }
    s.end_list();
}

/// The opportunity that a forecast is of.
fn opportunity<'w>(cast: &Cast<'w>) -> Option<Cast<'w>> {
    let place = Place::flat(cast.world.document.resource_at("/sales/opportunities")?.number);
    let slot = cast.world.row_with(place, cast.place.parent()?, cast.world.opportunities())?;
    Some(Cast::of(cast.world, place, Row::fresh(slot)))
}

fn outcome(cast: &Cast) -> u64 {
    opportunity(cast).map_or(0, |sale| super::flat::outcome(&sale))
}

/// That of the opportunity.
fn probability(cast: &Cast) -> Option<i64> {
    let sale = opportunity(cast)?;
    let resource = &sale.world.document.resources[sale.place.resource];
    let schema = sale.world.document.schema(resource.schema)?;
    let slot = crate::data::made::referred(&sale, schema, schema.member("probability")?)?;
    setup::probability(slot)
}
