//! Unposted invoices: made, not yet exported to the accounts. They show no `_info`, though they answer to `lastUpdated`.

use super::names;
use super::refs;
use super::shape::{Decimal, Shape};
use super::world::{self, LAST_DAY, Link, Row, World};
use crate::calendar::DAY;
use crate::kind::Kind;

fn day(world: &World, row: Row) -> i64 {
    match row.born {
        0 => LAST_DAY - 40 + world.draw(Kind::UnpostedInvoice, row.slot).below(2, 40) as i64,
        born => world::advance_day(born),
    }
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
    let company = world.company_of_rank(draw.skewed(4, world.count(Kind::Company)));
    let link = Link { slot: company, deleted: false };
    let firm = world.draw(Kind::Company, company);
    let day = day(world, row);
    s.int("id", world.id(Kind::UnpostedInvoice, row.slot));
    s.int("billingLogId", 39_005 + row.slot as i64);
    s.int("locationId", draw.pick(30, &refs::LOCATIONS).0);
    refs::location(s, draw);
    refs::company(s, "company", world, link);
    s.made("accountNumber", |o| names::digits(o, firm, 702, 10));
    refs::company(s, "billToCompany", world, link);
    refs::site(s, "billToSite", world, company);
    refs::company(s, "shipToCompany", world, link);
    refs::site(s, "shipToSite", world, company);
    s.made("invoiceNumber", |o| {
        o.push('0');
        names::number(o, 6_512 + row.slot as i64);
    });
    s.time("invoiceDate", day * DAY);
    s.text("invoiceType", draw.pick(5, &["Standard", "Standard", "Agreement", "Progress", "CreditMemo"]));
    if draw.chance(6, 8_000) {
        s.made("description", |o| names::title(o, draw, 200, 3));
    }
    refs::billing_terms(s, draw);
    s.text("dueDays", "20");
    s.time("dueDate", (day + 20) * DAY);
    refs::currency(s, draw.chance(7, 500), draw.chance(8, 3_000));
    let subtotal = 1_000 * (5 + draw.below(9, 3_900) as i64) + 2_500 * i64::from(row.version());
    s.num("subTotal", Decimal::whole(subtotal));
    s.num("total", Decimal::hundredths(subtotal * 124));
    s.flag("hasTime", draw.chance(10, 8_000));
    s.flag("hasExpenses", draw.chance(11, 2_500));
    s.flag("hasProducts", draw.chance(12, 3_500));
    s.flag("invoiceTaxableFlag", true);
    refs::tax_code(s, draw);
    s.flag("avalaraTaxFlag", false);
    s.flag("itemTaxableFlag", true);
    s.num("salesTaxAmount", Decimal::hundredths(subtotal * 24));
    s.flag("stateTaxFlag", false);
    s.num("stateTaxAmount", Decimal::hundredths(subtotal * 24));
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
