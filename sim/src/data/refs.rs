//! The nested references that rows share: `{id, name, _info: {.._href}}` and their variations.

use super::names::{self, href, number};
use super::rng::Draw;
use super::shape::{Decimal, Shape};
use super::ticket_life::Life;
use super::tickets::{SERVICE_TICKETS_A_COMPANY, TICKETS_A_COMPANY};
use super::world::{Link, Row, World};
use crate::kind::Kind;

/// A set-up record: id and name.
pub(crate) type SetUp = (i64, &'static str);

pub(crate) const LOCATIONS: [SetUp; 4] =
    [(11, "Höfuðstöðvar Reykjavík"), (2, "Akureyri"), (12, "Austurland "), (14, "Fjarvinna")];
pub(crate) const DEPARTMENTS: [SetUp; 5] =
    [(1, "Service"), (7, "Rekstur"), (8, "Hugbúnaður"), (9, "Sala og ráðgjöf"), (10, "Stjórnun")];
pub(crate) const TAX_CODES: [SetUp; 3] = [(16, "VSK 24%"), (18, "VSK 11%"), (19, "Án VSK")];
pub(crate) const BILLING_TERMS: [SetUp; 3] = [(12, "20 dagar"), (13, "Staðgreitt"), (14, "30 dagar")];

/// `{id, name, _info: {<link>: <path><id>}}`
pub(crate) fn set_up(s: &mut impl Shape, key: &'static str, (id, name): SetUp, link: &'static str, path: &str) {
    if s.enter(key) {
        s.int("id", id);
        s.text("name", name);
        info_link(s, link, path, id);
        s.leave();
    }
}

/// The same for a record whose name is made.
pub(crate) fn named(
    s: &mut impl Shape,
    key: &'static str,
    id: i64,
    name: impl FnOnce(&mut String),
    link: &'static str,
    path: &str,
) {
    if s.enter(key) {
        s.int("id", id);
        s.made("name", name);
        info_link(s, link, path, id);
        s.leave();
    }
}

fn info_link(s: &mut impl Shape, link: &'static str, path: &str, id: i64) {
    if s.enter("_info") {
        s.made(link, |o| href(o, path, id));
        s.leave();
    }
}

pub(crate) fn location(s: &mut impl Shape, draw: Draw) {
    set_up(s, "location", draw.pick(30, &LOCATIONS), "location_href", "system/locations/");
}

pub(crate) fn department(s: &mut impl Shape, key: &'static str, draw: Draw) {
    set_up(s, key, draw.pick(31, &DEPARTMENTS), "department_href", "system/departments/");
}

pub(crate) fn tax_code(s: &mut impl Shape, draw: Draw) {
    set_up(s, "taxCode", draw.pick(32, &TAX_CODES), "taxCode_href", "finance/taxCodes/");
}

pub(crate) fn billing_terms(s: &mut impl Shape, draw: Draw) {
    if s.enter("billingTerms") {
        let (id, name) = draw.pick(33, &BILLING_TERMS);
        s.int("id", id);
        s.text("name", name);
        s.leave();
    }
}

pub(crate) fn company(s: &mut impl Shape, key: &'static str, world: &World, link: Link) {
    if !s.enter(key) {
        return;
    }
    let (id, draw) = (world.link_id(Kind::Company, link), world.draw(Kind::Company, link.slot));
    s.int("id", id);
    s.made("identifier", |o| names::firm_identifier(o, draw, id));
    s.made("name", |o| names::firm(o, draw));
    if s.enter("_info") {
        s.made("company_href", |o| href(o, "company/companies/", id));
        if draw.chance(50, 3_000) {
            s.made("mobileGuid", |o| names::guid(o, draw, 51));
        }
        s.leave();
    }
    s.leave();
}

/// A company's site; every company has a few.
pub(crate) fn site(s: &mut impl Shape, key: &'static str, world: &World, company: u64) {
    if !s.enter(key) {
        return;
    }
    let draw = world.draw(Kind::Company, company);
    let id = 1_000 + (company % 1_000_000) as i64;
    s.int("id", id);
    if draw.chance(52, 6_000) {
        s.text("name", "Main");
    } else {
        s.made("name", |o| names::street(o, draw));
    }
    if s.enter("_info") {
        s.made("site_href", |o| {
            href(o, "company/companies/", world.id(Kind::Company, company));
            o.push_str("/sites/");
            number(o, id);
        });
        s.leave();
    }
    s.leave();
}

/// A contact of a company.
pub(crate) fn contact(s: &mut impl Shape, key: &'static str, world: &World, company: u64, which: u64) {
    let id = company * 4 + which;
    let draw = world.draw_other(2, id);
    named(s, key, 1 + id as i64, |o| names::person(o, draw), "contact_href", "company/contacts/");
}

pub(crate) fn member_identifier(out: &mut String, draw: Draw, id: i64) {
    let first = names::first_name(draw).chars().filter(char::is_ascii).take(4);
    out.extend(first.map(|letter| letter.to_ascii_lowercase()));
    number(out, id);
}

pub(crate) fn member_name(out: &mut String, draw: Draw) {
    out.push_str(names::first_name(draw));
    out.push(' ');
    if draw.chance(53, 4_000) {
        out.push(char::from(b'A' + draw.below(54, 20) as u8));
        out.push_str(". ");
    }
    out.push_str(names::last_name(draw));
}

pub(crate) fn daily_capacity(draw: Draw) -> Option<Decimal> {
    match draw.below(55, 40) {
        0..=3 => None,
        4 => Some(Decimal::ZERO),
        5..=11 => Some(Decimal(75_000)),
        _ => Some(Decimal::whole(8)),
    }
}

/// A member as time entries show it, with the capacity and picture; others show neither.
pub(crate) fn member(s: &mut impl Shape, key: &'static str, world: &World, link: Link, full: bool) {
    if !s.enter(key) {
        return;
    }
    let (id, draw) = (world.link_id(Kind::Member, link), world.draw(Kind::Member, link.slot));
    s.int("id", id);
    s.made("identifier", |o| member_identifier(o, draw, id));
    s.made("name", |o| member_name(o, draw));
    if let (true, Some(capacity)) = (full, daily_capacity(draw)) {
        s.num("dailyCapacity", capacity);
    }
    if s.enter("_info") {
        s.made("member_href", |o| href(o, "system/members/", id));
        if full {
            s.made("image_href", |o| {
                href(o, "system/members/", id);
                o.push_str("/image?lm=2025-04-10T09:21:01Z");
            });
        }
        s.leave();
    }
    s.leave();
}

/// The two currencies of the tenant.
pub(crate) fn currency(s: &mut impl Shape, foreign: bool, with_symbol: bool) {
    if !s.enter("currency") {
        return;
    }
    let (id, symbol, code, name) =
        if foreign { (3, "$", "USD", "US Dollar") } else { (27, " kr.", "ISK", "Íslensk króna") };
    s.int("id", id);
    if with_symbol {
        s.text("symbol", symbol);
    }
    s.text("currencyCode", code);
    s.text("decimalSeparator", if foreign { "." } else { "," });
    s.int("numberOfDecimals", if foreign { 2 } else { 0 });
    s.text("thousandsSeparator", if foreign { "," } else { "." });
    s.flag("negativeParenthesesFlag", false);
    s.flag("displaySymbolFlag", true);
    s.text("currencyIdentifier", code);
    s.flag("displayIdFlag", false);
    s.flag("rightAlign", !foreign);
    s.text("name", name);
    info_link(s, "currency_href", "finance/currencies/", id);
    s.leave();
}

/// A ticket, with the two facts that its `_info` carries as text.
pub(crate) fn ticket(s: &mut impl Shape, world: &World, id: u64) {
    ticket_as(s, "ticket", world, id);
}

/// The same under another name.
pub(crate) fn ticket_as(s: &mut impl Shape, key: &'static str, world: &World, id: u64) {
    if !s.enter(key) {
        return;
    }
    s.int("id", id as i64);
    s.made("summary", |o| ticket_summary(o, world, id));
    if s.enter("_info") {
        let service = (id - 1) % TICKETS_A_COMPANY < SERVICE_TICKETS_A_COMPANY;
        let path = if service { "service/tickets/" } else { "project/tickets/" };
        s.made("ticket_href", |o| href(o, path, id as i64));
        s.text("billingMethod", "A");
        s.text("status", ticket_status(world, id));
        s.leave();
    }
    s.leave();
}

pub(crate) fn ticket_summary(out: &mut String, world: &World, id: u64) {
    let draw = world.draw_other(3, id);
    names::title(out, draw, 200, 3 + draw.below(60, 5));
}

/// The status of a ticket that nothing has touched.
pub(crate) fn ticket_status(world: &World, id: u64) -> &'static str {
    let life = Life::of_ticket(world, id);
    life.status(life.stage(Row::fresh(0)))
}

pub(crate) fn project(s: &mut impl Shape, world: &World, id: u64) {
    if !s.enter("project") {
        return;
    }
    let draw = world.draw_other(4, id);
    s.int("id", id as i64);
    s.made("name", |o| names::title(o, draw, 200, 3));
    if s.enter("_info") {
        s.made("project_href", |o| href(o, "project/projects/", id as i64));
        s.text("billingMethod", "A");
        s.text("status", draw.pick(62, &["01 - Open", "03 - In progress", "05 - Closed"]));
        s.leave();
    }
    s.leave();
}

pub(crate) fn phase(s: &mut impl Shape, world: &World, project: u64, id: u64) {
    if !s.enter("phase") {
        return;
    }
    s.int("id", id as i64);
    s.made("name", |o| names::title(o, world.draw_other(5, id), 200, 2));
    if s.enter("_info") {
        s.made("phase_href", |o| {
            href(o, "project/projects/", project as i64);
            o.push_str("/phases/");
            number(o, id as i64);
        });
        s.text("billingMethod", "A");
        s.leave();
    }
    s.leave();
}
