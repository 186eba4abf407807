//! Posted invoices.

use super::agreement;
use super::names::{self, href};
use super::refs;
use super::shape::{Decimal, Shape};
use super::world::{self, Link, MASS_UPDATE, Row, World};
use crate::calendar::DAY;
use crate::kind::Kind;

const TYPES: [&str; 6] = ["Standard", "Standard", "Standard", "Progress", "Miscellaneous", "CreditMemo"];
pub(super) const STATUSES: [refs::SetUp; 3] = [(13, "Lokað"), (14, "Sent "), (15, "Greitt")];
const STATUS: [(i64, &str, bool); 3] = [(13, "Lokað", true), (14, "Sent ", false), (15, "Greitt", true)];

pub(super) fn number(out: &mut String, slot: u64) {
    let number = 1_001 + slot as i64;
    if number < 10_000 {
        out.push('0');
    }
    names::number(out, number);
}

/// The agreement that an invoice bills. Those that are made later bill lines only.
pub(super) fn agreement_of(world: &World, slot: u64) -> Option<u64> {
    if slot >= world.count(Kind::Invoice) {
        return None;
    }
    let draw = world.draw(Kind::Invoice, slot);
    draw.chance(601, 4_000).then(|| world.agreement_of_rank(world.invoice_rank(slot), draw.at(602))).flatten()
}

/// `{id, identifier, ..}` as lines show it.
pub(crate) fn reference(s: &mut impl Shape, world: &World, slot: u64) {
    if !s.enter("invoice") {
        return;
    }
    let id = world.id(Kind::Invoice, slot);
    s.int("id", id);
    s.made("identifier", |o| number(o, slot));
    s.text("billingType", if agreement_of(world, slot).is_some() { "Agreement" } else { "Standard" });
    if s.enter("_info") {
        s.made("invoice_href", |o| href(o, "finance/invoices/", id));
        s.leave();
    }
    s.leave();
}

pub(crate) fn last_updated(world: &World, row: Row) -> i64 {
    let draw = world.draw(Kind::Invoice, row.slot);
    let made = world.invoice_made(row.slot);
    match row {
        Row { edited: 1.., .. } => world::touched(draw, row.edited),
        Row { born: 1.., .. } => world::touched(draw, row.born),
        _ if made < MASS_UPDATE && draw.chance(603, 500) => MASS_UPDATE,
        // Paid some weeks later, unless that is still to come.
        _ => {
            let paid = made + draw.below(604, 30 * DAY as u64) as i64;
            if paid <= world::NOW { paid } else { made }
        }
    }
}

/// `Agreement`, `Standard` and so on.
pub(super) fn sort(world: &World, slot: u64) -> &'static str {
    if agreement_of(world, slot).is_some() { "Agreement" } else { world.draw(Kind::Invoice, slot).pick(605, &TYPES) }
}

pub(crate) fn shape(world: &World, row: Row, s: &mut impl Shape) {
    let slot = row.slot;
    let draw = world.draw(Kind::Invoice, slot);
    let bill = world.bill(row, slot);
    let company = world.company_of_rank(bill.rank);
    let link = Link { slot: company, deleted: false };
    let firm = world.draw(Kind::Company, company);
    let agreement = agreement_of(world, slot);
    let day = world.invoice_day(row);
    s.int("id", world.id(Kind::Invoice, slot));
    s.made("invoiceNumber", |o| number(o, slot));
    s.text("type", sort(world, slot));
    if s.enter("status") {
        let (id, name, closed) = draw.pick(606, &STATUS);
        s.int("id", id);
        s.text("name", name);
        s.flag("isClosed", closed);
        if draw.chance(607, 150) {
            s.int("Sort", 1);
        }
        s.leave();
    }
    for key in ["company", "billToCompany", "shipToCompany"] {
        refs::company(s, key, world, link);
    }
    s.made("accountNumber", |o| names::digits(o, firm, 702, 10));
    if draw.chance(608, 7_000) {
        s.made("attention", |o| names::person(o, draw));
    }
    refs::site(s, "billingSite", world, company);
    address(s, world, company, BILLING);
    refs::site(s, "shippingSite", world, company);
    address(s, world, company, SHIPPING);
    refs::billing_terms(s, draw);
    s.text("reference", draw.pick(609, &["", "", "Verk 12", "PO 4411 "]));
    s.int("templateSetupId", 9);
    s.int("emailTemplateId", 1);
    s.flag("addToBatchEmailList", true);
    s.time("date", day * DAY);
    s.flag("restrictDownpaymentFlag", false);
    s.int("locationId", draw.pick(30, &refs::LOCATIONS).0);
    refs::location(s, draw);
    s.int("departmentId", draw.pick(31, &refs::DEPARTMENTS).0);
    refs::department(s, "department", draw);
    s.int("territoryId", 2);
    refs::set_up(s, "territory", refs::LOCATIONS[1], "location_href", "system/locations/");
    s.text("topComment", "");
    s.text("bottomComment", if draw.chance(610, 1_000) { "Takk fyrir viðskiptin" } else { "" });
    s.flag("taxableFlag", true);
    refs::tax_code(s, draw);
    if let Some(slot) = agreement {
        agreement::reference(s, "agreement", world, slot);
        s.text("applyToType", "Agreement");
        s.int("applyToId", world.id(Kind::Agreement, slot));
    } else if draw.chance(611, 5_000) {
        s.text("applyToType", draw.pick(612, &["All", "Ticket", "Project"]));
    }
    totals(s, row, world, draw.chance(576, 500), day);
    audit(s, world, row, day);
}

const BILLING: [&str; 4] = ["billingSiteAddressLine1", "billingSiteCity", "billingSiteZip", "billingSiteCountry"];
const SHIPPING: [&str; 4] = ["shippingSiteAddressLine1", "shippingSiteCity", "shippingSiteZip", "shippingSiteCountry"];

fn address(s: &mut impl Shape, world: &World, company: u64, [line, city, zip, country]: [&'static str; 4]) {
    let firm = world.draw(Kind::Company, company);
    s.made(line, |o| names::street(o, firm));
    s.text(city, names::city(firm).0);
    s.text(zip, names::city(firm).1);
    if firm.chance(613, 8_000) {
        s.text(country, "Ísland");
    }
}

fn totals(s: &mut impl Shape, row: Row, world: &World, foreign: bool, day: i64) {
    let draw = world.draw(Kind::Invoice, row.slot);
    let totals = world.totals(world.bill(row, row.slot));
    let batched = row.quiet || (row.born == 0 && row.slot < world.unposted_invoice(0));
    // Nobody pays what isn't posted.
    let paid = batched && (row.edited > 0 || draw.chance(625, 8_000));
    s.flag("downpaymentPreviouslyTaxedFlag", false);
    s.num("serviceTotal", totals.service);
    s.flag("overrideDownPaymentAmountFlag", false);
    refs::currency(s, foreign, true);
    s.time("dueDate", (day + 20) * DAY);
    s.num("expenseTotal", totals.expense);
    s.num("productTotal", totals.product);
    s.num("previousProgressApplied", Decimal::ZERO);
    s.num("serviceAdjustmentAmount", Decimal::ZERO);
    s.num("agreementAmount", totals.agreement);
    s.num("downpaymentApplied", Decimal::ZERO);
    s.num("subtotal", totals.subtotal);
    s.num("total", totals.total);
    s.num("remainingDownpayment", Decimal::ZERO);
    s.num("salesTax", totals.tax);
    if draw.chance(626, 500) || row.edited > 0 {
        s.made("adjustmentReason", |o| {
            o.push_str("Leiðrétting ");
            names::number(o, i64::from(row.version()));
        });
    }
    if draw.chance(627, 7_000) {
        s.made("closedBy", |o| refs::member_identifier(o, world.draw(Kind::Member, 1), world.id(Kind::Member, 1)));
    }
    s.num("payments", if paid { totals.total } else { Decimal::ZERO });
    s.num("credits", Decimal::ZERO);
    s.num("balance", if paid { Decimal::ZERO } else { totals.total });
    s.flag("specialInvoiceFlag", false);
    if batched {
        let batch = world.batch_of(row);
        refs::named(
            s,
            "glBatch",
            batch,
            |o| names::digits(o, draw, 629, 8),
            "batch_href",
            "finance/accounting/batches/",
        );
    }
}

fn audit(s: &mut impl Shape, world: &World, row: Row, day: i64) {
    if !s.enter("_info") {
        return;
    }
    let id = world.id(Kind::Invoice, row.slot);
    let by = |o: &mut String| refs::member_identifier(o, world.draw(Kind::Member, 2), world.id(Kind::Member, 2));
    s.time("lastUpdated", last_updated(world, row));
    s.made("updatedBy", by);
    s.time("dateEntered", if row.born > 0 { day * DAY + 9 * 3600 } else { world.invoice_made(row.slot) });
    s.made("enteredBy", by);
    s.made("timeEntries_href", |o| href(o, "time/entries?conditions=invoice/id=", id));
    s.leave();
}
