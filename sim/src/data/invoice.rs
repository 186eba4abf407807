//! Posted invoices.

use super::agreement;
use super::names::{self, href};
use super::refs;
use super::shape::{Decimal, Shape};
use super::work::PROJECTS_A_COMPANY;
use super::world::{self, LAST_DAY, Link, MASS_UPDATE, Row, World};
use crate::calendar::DAY;
use crate::kind::Kind;

/// What an invoice bills besides its lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum About {
    /// Lines only.
    Lines,
    /// The fee of an agreement, by its slot, besides lines.
    Agreement(u64),
    /// A down payment of this amount for a project. It has no lines.
    DownPayment(Decimal),
    /// The completion of a project, less this down payment. The project's price is twice as much.
    Completion(Decimal),
    /// A credit memo over this amount. It has no lines.
    Credit(Decimal),
}

/// Months from a down payment to the completion of the project.
const PROJECT_MONTHS: u64 = 2;

const TYPES: [&str; 6] = ["Standard", "Standard", "Standard", "Standard", "Progress", "Miscellaneous"];
pub(super) const STATUSES: [refs::SetUp; 3] = [(13, "Lokað"), (14, "Sent "), (15, "Greitt")];
const CLOSED: [(i64, &str, bool); 3] = [(15, "Greitt", true), (15, "Greitt", true), (13, "Lokað", true)];
const SENT: (i64, &str, bool) = (14, "Sent ", false);

pub(super) fn number(out: &mut String, slot: u64) {
    let number = 1_001 + slot as i64;
    if number < 10_000 {
        out.push('0');
    }
    names::number(out, number);
}

/// What an invoice bills. Those of every month bill the work of a client, and the fee of its agreement where it is due; the others
/// are for projects, or take something back.
pub(crate) fn about(world: &World, slot: u64) -> About {
    let draw = world.draw(Kind::Invoice, slot);
    if slot >= world.count(Kind::Invoice) {
        // Later ones come as the work does; about half of them when a fee is due.
        let fee = agreement::flat_fee_of(world, world.invoice_rank(slot)).filter(|_| draw.chance(641, 5_000));
        return fee.map_or(About::Lines, About::Agreement);
    }
    if !world.is_special_invoice(slot) {
        let fee = agreement::flat_fee_of(world, world.invoice_rank(slot));
        let due = fee.filter(|fee| agreement::is_due(world, *fee, world.invoice_month(slot)));
        return due.map_or(About::Lines, About::Agreement);
    }
    if let Some(paid) = world.invoice_before(slot, PROJECT_MONTHS).and_then(|before| paid_ahead(world, before)) {
        return About::Completion(paid);
    }
    if let Some(paid) = paid_ahead(world, slot) {
        return About::DownPayment(paid);
    }
    About::Credit(Decimal::whole(1_000 * (1 + draw.below(615, 40) as i64)))
}

/// The down payment that an invoice is for, if any: half the price of a project. Only in the first two of every four months, so
/// that the completion follows in the next two.
fn paid_ahead(world: &World, slot: u64) -> Option<Decimal> {
    let draw = world.draw(Kind::Invoice, slot);
    let is_early = world.invoice_month(slot) % (2 * PROJECT_MONTHS) < PROJECT_MONTHS;
    let is_one = is_early && world.is_special_invoice(slot) && draw.chance(616, 8_000);
    is_one.then(|| Decimal::whole(25_000 * (2 + draw.below(617, 30) as i64)))
}

/// The agreement that an invoice bills.
fn agreement_of(world: &World, slot: u64) -> Option<u64> {
    match about(world, slot) {
        About::Agreement(agreement) => Some(agreement),
        _ => None,
    }
}

/// The project that an invoice bills: a down payment and its completion have the same one.
fn project_of(world: &World, slot: u64, company: u64) -> Option<u64> {
    let first = match about(world, slot) {
        About::DownPayment(_) => slot,
        About::Completion(_) => world.invoice_before(slot, PROJECT_MONTHS)?,
        _ => return None,
    };
    Some(1 + company * PROJECTS_A_COMPANY + world.draw(Kind::Invoice, first).below(618, PROJECTS_A_COMPANY))
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
        _ if made < MASS_UPDATE - 60 * DAY && draw.chance(603, 500) => MASS_UPDATE,
        // Paid some weeks later, unless that is still to come.
        _ => match paid_on(world, row).filter(|paid| *paid <= LAST_DAY) {
            Some(paid) => paid * DAY + 9 * 3600 + draw.below(604, 8 * 3600) as i64,
            None => made,
        },
    }
}

/// `Agreement`, `Standard` and so on.
pub(super) fn sort(world: &World, slot: u64) -> &'static str {
    match about(world, slot) {
        About::Agreement(_) => "Agreement",
        About::DownPayment(_) => "DownPayment",
        About::Completion(_) => "Standard",
        About::Credit(_) => "CreditMemo",
        About::Lines => world.draw(Kind::Invoice, slot).pick(605, &TYPES),
    }
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
        let open = settled(world, row, world.totals(bill).total).open;
        let (id, name, closed) = if open == Decimal::ZERO { draw.pick(606, &CLOSED) } else { SENT };
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
    } else if let Some(project) = project_of(world, slot, company) {
        refs::project(s, world, project);
        s.text("applyToType", "Project");
        s.int("applyToId", project as i64);
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

/// Whether an invoice has gone to the accounts.
fn is_batched(world: &World, row: Row) -> bool {
    row.quiet || (row.born == 0 && row.slot < world.unposted_invoice(0))
}

/// What became of the total of an invoice.
struct Settled {
    paid: Decimal,
    credited: Decimal,
    open: Decimal,
}

/// The day on which an invoice is paid, between ten days and two months after it; a few never are.
fn paid_on(world: &World, row: Row) -> Option<i64> {
    let draw = world.draw(Kind::Invoice, row.slot);
    (!draw.chance(625, 250)).then(|| world.invoice_day(row) + 10 + draw.below(642, 48) as i64)
}

/// Whether a posted invoice was paid since its row was changed last, and by the day of a stamp.
pub(crate) fn is_paid(world: &World, row: Row, stamp: u32) -> bool {
    let since = world::seen_on(row) + 1..=world::advance_day(stamp);
    is_batched(world, row) && paid_on(world, row).is_some_and(|paid| since.contains(&paid))
}

/// What was paid and credited by the time that a row is of. Unposted invoices are unpaid, and credit memos used up at once.
fn settled(world: &World, row: Row, total: Decimal) -> Settled {
    let draw = world.draw(Kind::Invoice, row.slot);
    let half = Decimal(total.0 / 20_000 * 10_000);
    let (paid, credited) = match paid_on(world, row) {
        _ if !is_batched(world, row) => (Decimal::ZERO, Decimal::ZERO),
        _ if total.0 < 0 => (total, Decimal::ZERO),
        // A credit memo pays for a part of it.
        Some(paid) if paid <= world::seen_on(row) && draw.chance(628, 300) => (Decimal(total.0 - half.0), half),
        Some(paid) if paid <= world::seen_on(row) => (total, Decimal::ZERO),
        None if draw.chance(643, 3_000) => (half, Decimal::ZERO),
        _ => (Decimal::ZERO, Decimal::ZERO),
    };
    Settled { paid, credited, open: Decimal(total.0 - paid.0 - credited.0) }
}

/// What of an invoice was paid by the time that a row is of.
pub(crate) fn paid(world: &World, row: Row) -> Decimal {
    settled(world, row, world.totals(world.bill(row, row.slot)).total).paid
}

/// The day on which that came which was paid of an invoice from the start: what is given back is used up at once, and a part is paid
/// before the rest.
pub(super) fn settled_on(world: &World, slot: u64) -> i64 {
    let row = Row::fresh(slot);
    let made = world.invoice_day(row);
    match paid_on(world, row) {
        _ if paid(world, row).0 < 0 => made,
        Some(day) if day <= LAST_DAY => day,
        _ => made + 10,
    }
}

fn totals(s: &mut impl Shape, row: Row, world: &World, foreign: bool, day: i64) {
    let draw = world.draw(Kind::Invoice, row.slot);
    let totals = world.totals(world.bill(row, row.slot));
    let settled = settled(world, row, totals.total);
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
    s.num("downpaymentApplied", totals.paid_ahead);
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
    s.num("payments", settled.paid);
    s.num("credits", settled.credited);
    s.num("balance", settled.open);
    s.flag("specialInvoiceFlag", false);
    if is_batched(world, row) {
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
