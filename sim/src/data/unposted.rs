//! Unposted invoices: made, not yet exported to the accounts. Each is another view of an invoice that was made, whose id is
//! its `billingLogId`. They show no `_info`, though they answer to `lastUpdated`.

use super::names;
use super::refs;
use super::shape::{Decimal, Shape};
use super::world::{self, Link, Row, World};
use crate::calendar::DAY;
use crate::kind::Kind;

/// The row of the invoice.
fn invoice_of(world: &World, row: Row) -> u64 {
    if row.born > 0 { row.bill.invoice } else { world.unposted_invoice(row.slot) }
}

fn day(world: &World, row: Row) -> i64 {
    world.invoice_day(Row { slot: invoice_of(world, row), ..row })
}

pub(crate) fn last_updated(world: &World, row: Row) -> i64 {
    let draw = world.draw(Kind::UnpostedInvoice, row.slot);
    match row {
        Row { edited: 1.., .. } => world::touched(draw, row.edited),
        Row { born: 1.., .. } => world::touched(draw, row.born),
        _ => day(world, row) * DAY + 2 * 3600 + draw.below(3, 3_600) as i64,
    }
}

pub(crate) fn shape(world: &World, row: Row, s: &mut impl Shape) {
    let draw = world.draw(Kind::UnpostedInvoice, row.slot);
    let invoice = invoice_of(world, row);
    let bill = world.bill(row, invoice);
    let (created, totals) = (world.draw(Kind::Invoice, invoice), world.totals(bill));
    let company = world.company_of_rank(bill.rank);
    let link = Link { slot: company, deleted: false };
    let firm = world.draw(Kind::Company, company);
    let day = day(world, row);
    s.int("id", world.id(Kind::UnpostedInvoice, row.slot));
    s.int("billingLogId", world.id(Kind::Invoice, invoice));
    s.int("locationId", created.pick(30, &refs::LOCATIONS).0);
    refs::location(s, created);
    refs::company(s, "company", world, link);
    s.made("accountNumber", |o| names::digits(o, firm, 702, 10));
    refs::company(s, "billToCompany", world, link);
    refs::site(s, "billToSite", world, company);
    refs::company(s, "shipToCompany", world, link);
    refs::site(s, "shipToSite", world, company);
    s.made("invoiceNumber", |o| super::invoice::number(o, invoice));
    s.time("invoiceDate", day * DAY);
    s.text("invoiceType", super::invoice::sort(world, invoice));
    if draw.chance(6, 8_000) || row.edited > 0 {
        s.made("description", |o| {
            names::title(o, draw, 200, 3);
            if row.edited > 0 {
                o.push_str(" - ");
                names::number(o, i64::from(row.version()));
            }
        });
    }
    refs::billing_terms(s, created);
    s.text("dueDays", "20");
    s.time("dueDate", (day + 20) * DAY);
    refs::currency(s, draw.chance(7, 500), draw.chance(8, 3_000));
    s.num("subTotal", totals.subtotal);
    s.num("total", totals.total);
    s.flag("hasTime", totals.service != Decimal::ZERO);
    s.flag("hasExpenses", totals.expense != Decimal::ZERO);
    s.flag("hasProducts", totals.product != Decimal::ZERO);
    s.flag("invoiceTaxableFlag", true);
    refs::tax_code(s, created);
    s.flag("avalaraTaxFlag", false);
    s.flag("itemTaxableFlag", true);
    s.num("salesTaxAmount", totals.tax);
    s.flag("stateTaxFlag", false);
    s.num("stateTaxAmount", totals.tax);
    for (flag, amount) in [
        ("countyTaxFlag", "countyTaxAmount"),
        ("cityTaxFlag", "cityTaxAmount"),
        ("countryTaxFlag", "countryTaxAmount"),
        ("compositeTaxFlag", "compositeTaxAmount"),
        ("levelSixTaxFlag", "levelSixTaxAmount"),
    ] {
        s.flag(flag, false);
        s.num(amount, Decimal::ZERO);
    }
    s.made("createdBy", |o| refs::member_name(o, world.draw(Kind::Member, draw.below(13, world.count(Kind::Member)))));
    if draw.chance(14, 6_000) {
        s.time("dateClosed", day * DAY + 9 * 3600 + 2_396);
    }
}
