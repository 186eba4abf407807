//! Entities whose lists hang on nothing: contacts, tickets, projects, sales, the calendar.

use super::{company, day, refer, working};
use crate::calendar::{self, DAY};
use crate::data::made::Cast;
use crate::data::plan::Own;
use crate::data::setup::{BOARD_STATUSES, BOARD_TYPES};
use crate::data::shape::{Decimal, Shape};
use crate::data::tickets::{SERVICE_TICKETS_A_COMPANY, TICKETS_A_COMPANY};
use crate::data::work::PROJECTS_A_COMPANY;
use crate::data::world::Link;
use crate::data::{names, refs};
use crate::document::Member;
use crate::kind::Kind;

pub(super) fn contact(cast: &Cast, member: &Member, s: &mut impl Shape) -> bool {
    let world = cast.world;
    let number = cast.row.slot;
    let owner = company(world, number / 4);
    let person = world.draw_other(2, number);
    match member.name {
        "firstName" => s.text("firstName", names::first_name(person)),
        // Even a name that everybody has can be missing.
        "lastName" if !cast.draw.chance(40, 150) => s.text("lastName", names::last_name(person)),
        "company" => refs::company(s, "company", world, owner),
        "site" => refs::site(s, "site", world, owner.slot),
        "inactiveFlag" => s.flag("inactiveFlag", cast.draw.chance(41, 900)),
        "defaultFlag" => s.flag("defaultFlag", number.is_multiple_of(4)),
        "title" => s.made("title", |o| {
            o.push_str(cast.draw.pick(42, &["Framkvæmdastjóri", "Bókari ", "Kerfisstjóri", ""]));
            if cast.row.edited > 0 {
                o.push_str(" - ");
                names::number(o, i64::from(cast.row.version()));
            }
        }),
        "communicationItems" => communication(cast, s),
        "lastName" | "portalPassword" | "managerContact" | "assistantContact" | "typeIds" => {}
        _ => return false,
    }
    true
}

fn communication(cast: &Cast, s: &mut impl Shape) {
    if !s.list("communicationItems") {
        return;
    }
    for (at, kind) in ["Email", "Phone"].into_iter().enumerate() {
        if cast.draw.chance(45 + at as u64, 8_000) && s.item() {
            s.int("id", (cast.row.slot * 2 + at as u64 + 1) as i64);
            refs::set_up(
                s,
                "type",
                if at == 0 { (1, "Email") } else { (2, "Direct") },
                "type_href",
                "company/communicationTypes/",
            );
            s.made("value", |o| match at {
                0 => {
                    o.push_str("tengilidur");
                    names::number(o, 1 + cast.row.slot as i64);
                    o.push_str("@example.com");
                }
                _ => names::digits(o, cast.draw, 47, 7),
            });
            s.flag("defaultFlag", true);
            s.text("communicationType", kind);
            s.leave();
        }
    }
    s.end_list();
}

/// Boards of service tickets by their place among the boards; projects have one of their own.
const SERVICE_BOARDS: [u64; 4] = [0, 0, 1, 3];
const PROJECT_BOARD: u64 = 2;

pub(super) fn ticket(cast: &Cast, own: Own, member: &Member, s: &mut impl Shape) -> bool {
    let world = cast.world;
    let id = cast.id() as u64;
    let owner = company(world, (id - 1) / TICKETS_A_COMPANY);
    let draw = world.draw_other(3, id);
    let project = own == Own::ProjectTicket;
    let board = if project { PROJECT_BOARD } else { draw.pick(70, &SERVICE_BOARDS) };
    let closed = refs::ticket_status(draw).starts_with('>');
    let opened = day(cast);
    let contact = draw.below(71, 4);
    match member.name {
        "summary" => s.made("summary", |o| {
            refs::ticket_summary(o, world, id);
            if cast.row.edited > 0 {
                o.push_str(" - uppfært ");
                names::number(o, i64::from(cast.row.version()));
            }
        }),
        "recordType" => s.text("recordType", if project { "ProjectTicket" } else { "ServiceTicket" }),
        "board" => refer(cast, member, "/service/boards", board, s),
        "status" => below_board(s, "status", board, &BOARD_STATUSES, refs::ticket_status(draw)),
        "type" => below_board(s, "type", board, &BOARD_TYPES, draw.pick(72, &BOARD_TYPES)),
        "priority" => refer(cast, member, "/service/priorities", draw.below(73, 4), s),
        "source" => refer(cast, member, "/service/sources", draw.below(74, 4), s),
        "company" => refs::company(s, "company", world, owner),
        "site" => refs::site(s, "site", world, owner.slot),
        "contact" => refs::contact(s, "contact", world, owner.slot, contact),
        "contactName" => s.made("contactName", |o| names::person(o, world.draw_other(2, owner.slot * 4 + contact))),
        "owner" if draw.chance(75, 8_000) => {
            let member = Link { slot: draw.skewed(76, world.count(Kind::Member)), deleted: draw.chance(77, 100) };
            refs::member(s, "owner", world, member, false);
        }
        "agreement" => {
            let rank = world.rank_of_company(owner.slot);
            if let Some(slot) = world.agreement_of_rank(rank, draw.at(78)).filter(|_| draw.chance(79, 6_000)) {
                crate::data::agreement::reference(s, "agreement", world, slot);
            }
        }
        "project" => refs::project(s, world, ticket_project(owner.slot, draw)),
        "phase" => refs::phase(s, world, ticket_project(owner.slot, draw), ticket_project(owner.slot, draw) * 3),
        // The flag alone can't be relied on: a few closed tickets don't have it.
        "closedFlag" => s.flag("closedFlag", closed && !draw.chance(80, 300)),
        // A date, and to the document a text.
        "closedDate" if closed => {
            s.made("closedDate", |o| calendar::push(o, working(opened, cast) + (draw.below(81, 20) * 6_000) as i64));
        }
        "closedBy" if closed => s.made("closedBy", |o| {
            let member = draw.skewed(76, world.count(Kind::Member));
            refs::member_identifier(o, world.draw(Kind::Member, member), world.id(Kind::Member, member));
        }),
        "requiredDate" if draw.chance(82, 3_000) => s.time("requiredDate", (opened + 14) * DAY),
        "actualHours" => s.num("actualHours", Decimal::hundredths(25 * draw.below(83, 60) as i64)),
        "slaStatus" => s.text("slaStatus", draw.pick(84, &["Svarað innan marka", "Bíður ", "Komið fram yfir"])),
        "mergedParentTicket" if draw.chance(85, 200) && id > 1 => {
            refs::ticket_as(s, "mergedParentTicket", world, id - 1)
        }
        "owner" | "closedDate" | "closedBy" | "requiredDate" | "mergedParentTicket" | "parentTicketId" => {}
        "tasks" | "predecessorId" | "opportunity" | "subType" | "item" => {}
        _ => return false,
    }
    true
}

/// Billing methods of projects, by frequency: mostly the hours worked.
const BILLING_METHODS: [&str; 8] =
    ["ActualRates", "ActualRates", "ActualRates", "ActualRates", "ActualRates", "FixedFee", "FixedFee", "NotToExceed"];

fn ticket_project(company: u64, draw: crate::data::rng::Draw) -> u64 {
    1 + company * PROJECTS_A_COMPANY + draw.below(86, PROJECTS_A_COMPANY)
}

/// A status or type of a board: its id comes from the board's.
fn below_board(s: &mut impl Shape, key: &'static str, board: u64, names: &[&'static str], name: &'static str) {
    if !s.enter(key) {
        return;
    }
    let at = names.iter().position(|known| *known == name).unwrap_or(0) as i64;
    s.int("id", (board as i64 + 1) * 64 + at + 1);
    s.text("name", name);
    // Spelled with a capital by the live server, and by no document.
    if key == "status" {
        s.int("Sort", at);
    }
    s.leave();
}

pub(super) fn project(cast: &Cast, member: &Member, s: &mut impl Shape) -> bool {
    let world = cast.world;
    let id = cast.id() as u64;
    let owner = company(world, (id - 1) / PROJECTS_A_COMPANY);
    let draw = world.draw_other(4, id);
    let status = ["01 - Open", "03 - In progress", "05 - Closed"]
        .into_iter()
        .position(|name| name == draw.pick(62, &["01 - Open", "03 - In progress", "05 - Closed"]));
    let status = status.unwrap_or(0) as u64;
    let start = day(cast);
    let estimated = 1 + draw.below(90, 400) as i64;
    match member.name {
        "company" | "billToCompany" | "shipToCompany" => refs::company(s, member.name, world, owner),
        "site" | "billToSite" | "shipToSite" => refs::site(s, member.name, world, owner.slot),
        "contact" | "billToContact" | "shipToContact" => refs::contact(s, member.name, world, owner.slot, 0),
        "board" => refer(cast, member, "/service/boards", PROJECT_BOARD, s),
        "status" => refer(cast, member, "/project/statuses", status, s),
        "closedFlag" => s.flag("closedFlag", status == 2),
        "manager" => {
            let manager = Link { slot: draw.skewed(91, world.count(Kind::Member)), deleted: false };
            refs::member(s, "manager", world, manager, false);
        }
        "billingMethod" => s.text("billingMethod", draw.pick(96, &BILLING_METHODS)),
        "estimatedStart" => s.time("estimatedStart", start * DAY),
        "estimatedEnd" => s.time("estimatedEnd", (start + 90) * DAY),
        "actualStart" => s.time("actualStart", (start + draw.below(92, 20) as i64) * DAY),
        "actualEnd" => {
            if status == 2 {
                s.time("actualEnd", (start + 80 + draw.below(93, 60) as i64) * DAY);
            }
        }
        "estimatedHours" => s.num("estimatedHours", Decimal::whole(estimated)),
        "actualHours" => s.num("actualHours", Decimal::hundredths(estimated * (20 + draw.below(94, 120) as i64))),
        "percentComplete" => {
            s.num("percentComplete", Decimal(if status == 2 { 10_000 } else { 100 * draw.below(95, 99) as i64 }))
        }
        "agreement" | "opportunity" | "projectTemplateId" => {}
        _ => return false,
    }
    true
}

/// Activities, opportunities, configurations and calendar entries: each of one company, with dates in order.
pub(super) fn of_company(cast: &Cast, own: Own, member: &Member, s: &mut impl Shape) -> bool {
    let world = cast.world;
    let draw = cast.draw;
    let owner = match own {
        Own::Configuration => company(world, cast.row.slot / 3),
        _ => company(world, world.company_of_rank(draw.skewed(50, world.count(Kind::Company)))),
    };
    let start = working(day(cast), cast);
    let hours = 1 + draw.below(51, 16) as i64;
    match (own, member.name) {
        (_, "company" | "billToCompany" | "shipToCompany") => refs::company(s, member.name, world, owner),
        (_, "site" | "billToSite" | "shipToSite") => refs::site(s, member.name, world, owner.slot),
        (_, "contact" | "billToContact" | "shipToContact") => {
            refs::contact(s, member.name, world, owner.slot, draw.below(52, 4));
        }
        (Own::Activity | Own::ScheduleEntry, "dateStart") => s.time("dateStart", start),
        (Own::Activity | Own::ScheduleEntry, "dateEnd") => s.time("dateEnd", start + hours * 1_800),
        (Own::ScheduleEntry, "hours") => s.num("hours", Decimal::hundredths(hours * 50)),
        (Own::ScheduleEntry, "type") => refer(cast, member, "/schedule/types", 1, s),
        // The record that the entry is about: the type says of which sort it is.
        (Own::ScheduleEntry, "objectId") => {
            let place = draw.below(53, SERVICE_TICKETS_A_COMPANY);
            s.int("objectId", (1 + owner.slot * TICKETS_A_COMPANY + place) as i64);
        }
        (Own::ScheduleEntry, "doneFlag") => s.flag("doneFlag", draw.chance(54, 8_000)),
        (Own::Opportunity, "expectedCloseDate") => s.time("expectedCloseDate", (day(cast) + 60) * DAY),
        (Own::Opportunity, "closedDate") => {
            if draw.chance(55, 5_000) {
                s.time("closedDate", (day(cast) + draw.below(56, 90) as i64) * DAY);
            }
        }
        (Own::Activity, "ticket") => {
            if draw.chance(57, 3_000) {
                refs::ticket_as(
                    s,
                    "ticket",
                    world,
                    1 + owner.slot * TICKETS_A_COMPANY + draw.below(53, SERVICE_TICKETS_A_COMPANY),
                );
            }
        }
        (Own::Configuration, "activeFlag") => s.flag("activeFlag", draw.chance(58, 9_000)),
        (Own::Configuration, "ipAddress") => s.made("ipAddress", |o| {
            o.push_str("192.0.2.");
            names::number(o, draw.below(59, 254) as i64);
        }),
        (Own::Configuration, "parentConfigurationId" | "serialNumber") => {
            if member.name == "serialNumber" {
                s.made("serialNumber", |o| names::digits(o, draw, 60, 9));
            }
        }
        _ => return false,
    }
    true
}

/// A member's week.
pub(super) fn sheet(cast: &Cast, member: &Member, s: &mut impl Shape) -> bool {
    let (slot, week) = cast.world.sheet(cast.row.slot);
    match member.name {
        "member" => refs::member(s, "member", cast.world, Link { slot, deleted: false }, false),
        "year" => s.int("year", calendar::civil(week * 7).0),
        "dateStart" => s.time("dateStart", (week * 7 - 3) * DAY),
        "dateEnd" => s.time("dateEnd", (week * 7 + 3) * DAY),
        _ => return false,
    }
    true
}
