//! Companies.

use super::names::{self, API, number};
use super::refs::{self, SetUp};
use super::shape::{Decimal, Shape};
use super::world::{self, FIRST_DAY, LAST_DAY, MASS_IMPORT, MASS_UPDATE, NOW, Row, World};
use crate::calendar::{DAY, days};
use crate::kind::Kind;

/// Half of them are of the first.
const STATUS: [SetUp; 4] = [STATUSES[0], STATUSES[0], STATUSES[1], STATUSES[2]];
pub(super) const STATUSES: [SetUp; 3] = [(1, "Virkur"), (2, "Óvirkur "), (5, "Í viðræðum")];
pub(super) const TYPES: [SetUp; 5] =
    [(1, "Client"), (2, "Prospect"), (4, "Vendor"), (9, "Samstarfsaðili"), (11, "Rekstur ")];

pub(crate) fn last_updated(world: &World, row: Row) -> i64 {
    let draw = world.draw(Kind::Company, row.slot);
    match row {
        Row { edited: 1.., .. } => world::touched(draw, row.edited),
        Row { born: 1.., .. } => world::touched(draw, row.born),
        _ if draw.chance(701, 2_000) => MASS_IMPORT,
        _ if draw.chance(703, 1_000) => MASS_UPDATE,
        _ => MASS_IMPORT + draw.below(704, (NOW - MASS_IMPORT) as u64) as i64,
    }
}

pub(crate) fn shape(world: &World, row: Row, s: &mut impl Shape) {
    let draw = world.draw(Kind::Company, row.slot);
    let id = world.id(Kind::Company, row.slot);
    let deleted = row.quiet || (row.born == 0 && draw.chance(705, 200));
    s.int("id", id);
    s.made("identifier", |o| names::firm_identifier(o, draw, id));
    s.made("name", |o| names::firm(o, draw));
    refs::set_up(s, "status", draw.pick(706, &STATUS), "status_href", "company/companies/statuses/");
    address(s, world, row);
    refs::set_up(s, "territory", refs::LOCATIONS[1], "location_href", "system/locations/");
    if draw.chance(707, 1_500) {
        refs::set_up(s, "market", (3, "Sjávarútvegur"), "market_href", "company/marketDescriptions/");
    }
    s.made("accountNumber", |o| names::digits(o, draw, 702, 10));
    refs::contact(s, "defaultContact", world, row.slot, 0);
    let acquired =
        if row.born > 0 { world::advance_day(row.born) } else { FIRST_DAY - 3_000 + draw.below(708, 3_600) as i64 };
    match draw.below(709, 20) {
        // A date that was never filled in.
        0 => s.time("dateAcquired", days(1900, 1, 1) * DAY),
        1 => {}
        _ => s.time("dateAcquired", acquired * DAY),
    }
    if draw.chance(710, 800) {
        s.num("annualRevenue", Decimal::whole(1_000_000 * draw.below(711, 900) as i64));
    } else {
        s.num("annualRevenue", Decimal::ZERO);
    }
    if draw.chance(712, 4_000) {
        s.int("numberOfEmployees", draw.below(713, 400) as i64);
    }
    s.flag("leadFlag", false);
    s.flag("unsubscribeFlag", draw.chance(714, 100));
    if draw.chance(715, 5_000) {
        s.made("taxIdentifier", |o| names::digits(o, draw, 716, 6));
    }
    refs::tax_code(s, draw);
    refs::billing_terms(s, draw);
    refs::company(s, "billToCompany", world, super::world::Link { slot: row.slot, deleted: false });
    refs::site(s, "billingSite", world, row.slot);
    if draw.chance(717, 6_000) {
        s.text("invoiceToEmailAddress", "reikningar@example.com");
    }
    s.flag("deletedFlag", deleted);
    if deleted {
        s.time("dateDeleted", (LAST_DAY - draw.below(718, 400) as i64) * DAY);
        s.text("deletedBy", "gunn153");
    }
    s.made("mobileGuid", |o| names::guid(o, draw, 51));
    refs::currency(s, draw.chance(719, 300), true);
    s.flag("isVendorFlag", draw.chance(720, 900));
    types(s, world, row);
    refs::site(s, "site", world, row.slot);
    if draw.chance(721, 120) {
        s.flag("displayInAsio", true);
    }
    custom_fields(s, world, row);
    if s.enter("_info") {
        let by = |o: &mut String| refs::member_identifier(o, world.draw(Kind::Member, 3), world.id(Kind::Member, 3));
        s.time("lastUpdated", last_updated(world, row));
        s.made("updatedBy", by);
        s.time("dateEntered", if row.born > 0 { acquired * DAY + 9 * 3600 } else { MASS_IMPORT });
        s.made("enteredBy", by);
        s.made("contacts_href", |o| {
            o.push_str(API);
            o.push_str("company/contacts?conditions=company/id=");
            number(o, id);
        });
        s.leave();
    }
}

fn address(s: &mut impl Shape, world: &World, row: Row) {
    let draw = world.draw(Kind::Company, row.slot);
    s.made("addressLine1", |o| names::street(o, draw));
    if draw.chance(730, 1_500) {
        s.text("addressLine2", draw.pick(731, &["2. hæð", "Pósthólf 12 ", ""]));
    }
    s.text("city", names::city(draw).0);
    s.text("zip", names::city(draw).1);
    if draw.chance(613, 8_000) {
        let (id, name) = (17, "Ísland");
        if s.enter("country") {
            s.int("id", id);
            s.text("name", name);
            if s.enter("_info") {
                s.made("country_href", |o| names::href(o, "company/countries/", id));
                s.leave();
            }
            s.leave();
        }
    }
    s.made("phoneNumber", |o| names::digits(o, draw, 732 + u64::from(row.version()), 7));
    s.text("faxNumber", "");
    if draw.chance(733, 5_000) {
        s.made("website", |o| {
            o.push_str("www.");
            let at = o.len();
            names::firm_identifier(o, draw, world.id(Kind::Company, row.slot));
            o[at..].make_ascii_lowercase();
            o.push_str(".example");
        });
    }
}

fn types(s: &mut impl Shape, world: &World, row: Row) {
    if !s.list("types") {
        return;
    }
    let draw = world.draw(Kind::Company, row.slot);
    let first = draw.below(740, TYPES.len() as u64) as usize;
    for at in 0..1 + draw.below(741, 2) as usize {
        if s.item() {
            let (id, name) = TYPES[(first + at) % TYPES.len()];
            s.int("id", id);
            s.text("name", name);
            if s.enter("_info") {
                s.made("type_href", |o| names::href(o, "company/companies/types/", id));
                s.leave();
            }
            s.leave();
        }
    }
    s.end_list();
}

fn custom_fields(s: &mut impl Shape, world: &World, row: Row) {
    if !s.list("customFields") {
        return;
    }
    let draw = world.draw(Kind::Company, row.slot);
    for (id, caption, kind) in [(31, "Tengiliður þjónustu", "Text"), (32, "Afsláttur %", "Percent")] {
        if s.item() {
            s.int("id", id);
            s.text("caption", caption);
            s.text("type", kind);
            s.text("entryMethod", "EntryField");
            s.int("numberOfDecimals", if kind == "Percent" { 2 } else { 0 });
            match kind {
                "Text" if draw.chance(742, 4_000) => s.made("value", |o| names::person(o, draw)),
                "Percent" if draw.chance(743, 2_000) => s.num("value", Decimal(125_000)),
                _ => {}
            }
            s.made("connectWiseId", |o| names::guid(o, world.draw_other(7, id as u64), 1));
            s.leave();
        }
    }
    s.end_list();
}
