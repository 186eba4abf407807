//! Entities whose lists hang on nothing: contacts, tickets, projects, sales, the calendar.

use super::{company, day, refer, working};
use crate::calendar::{self, DAY};
use crate::data::made::Cast;
use crate::data::plan::Own;
use crate::data::rng::Draw;
use crate::data::setup::{BOARD_STATUSES, BOARD_TYPES};
use crate::data::shape::{Decimal, Shape};
use crate::data::ticket_life::{self, Life, Stage};
use crate::data::tickets::{SERVICE_TICKETS_A_COMPANY, TICKETS_A_COMPANY};
use crate::data::work::PROJECTS_A_COMPANY;
use crate::data::world::{self, LAST_DAY, Link, Row, World};
use crate::data::{names, refs};
use crate::document::Member;
use crate::kind::Kind;
use crate::place::Place;

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

/// The place of a ticket's board among the boards.
pub(crate) fn board_of(draw: Draw, project: bool) -> u64 {
    if project { PROJECT_BOARD } else { draw.pick(70, &SERVICE_BOARDS) }
}

pub(super) fn ticket(cast: &Cast, own: Own, member: &Member, s: &mut impl Shape) -> bool {
    let world = cast.world;
    let id = cast.id() as u64;
    let owner = company(world, (id - 1) / TICKETS_A_COMPANY);
    let draw = world.draw_other(3, id);
    let project = own == Own::ProjectTicket;
    let board = board_of(draw, project);
    let life = Life::of(world, cast.place, cast.row);
    let stage = life.stage(cast.row);
    let status = life.status(stage);
    let closed = stage == Stage::Closed;
    let from_start = cast.row.born == 0;
    let merged = ticket_life::merged_into(world, id).filter(|_| from_start);
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
        "status" => below_board(s, "status", board, &BOARD_STATUSES, status),
        "type" => below_board(s, "type", board, &BOARD_TYPES, draw.pick(72, &BOARD_TYPES)),
        "priority" => refer(cast, member, "/service/priorities", life.priority, s),
        "isIssueFlag" => s.flag("isIssueFlag", draw.chance(88, 300)),
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
        // A date, and to the document a text. Tickets that were opened again may still have it.
        "closedDate" if closed || (stage == Stage::Reopened && draw.chance(81, 5_000)) => {
            s.made("closedDate", |o| calendar::push(o, life.reached[2]));
        }
        "closedBy" if closed => s.made("closedBy", |o| {
            let member = draw.skewed(76, world.count(Kind::Member));
            refs::member_identifier(o, world.draw(Kind::Member, member), world.id(Kind::Member, member));
        }),
        "requiredDate" if draw.chance(82, 3_000) => s.time("requiredDate", (life.opened / DAY + 14) * DAY),
        "actualHours" => s.num("actualHours", Decimal::hundredths(25 * draw.below(83, 60) as i64)),
        "mergedParentTicket" => {
            if let Some(parent) = merged {
                refs::ticket_as(s, "mergedParentTicket", world, parent);
            }
        }
        "parentTicketId" => {
            if let Some(parent) = ticket_life::parent_of(world, id).filter(|_| from_start) {
                s.int("parentTicketId", parent as i64);
            }
        }
        "hasChildTicket" => {
            s.flag("hasChildTicket", from_start && ticket_life::parent_of(world, id + 2) == Some(id));
        }
        "hasMergedChildTicketFlag" => {
            s.flag("hasMergedChildTicketFlag", from_start && ticket_life::merged_into(world, id + 1) == Some(id));
        }
        "owner" | "closedDate" | "closedBy" | "requiredDate" => {}
        "tasks" | "predecessorId" | "opportunity" | "subType" | "item" => {}
        _ => return times(&life, life.steps(cast.row), member.name, s),
    }
    true
}

/// What a ticket says of how far it is, when this many of its three steps are done.
fn times(life: &Life, steps: usize, name: &'static str, s: &mut impl Shape) -> bool {
    // Of those that wait nobody knows yet.
    let is_late = || (0..steps).any(|step| life.minutes[step] > life.targets()[step]);
    match name {
        "isInSla" => s.flag(name, !is_late()),
        "slaStatus" if is_late() => s.text(name, "Komið fram yfir"),
        "slaStatus" => s.text(name, if steps > 0 { "Svarað innan marka" } else { "Bíður " }),
        "respondedSkippedMinutes" | "resplanSkippedMinutes" | "minutesWaiting" => s.int(name, 0),
        "minutesBeforeWaiting" => s.int(name, if steps > 0 { life.minutes[0] } else { 0 }),
        _ => return step(life, steps, name, s),
    }
    true
}

/// When a ticket was answered, planned and resolved, as an instant, in minutes and in hours.
fn step(life: &Life, steps: usize, name: &'static str, s: &mut impl Shape) -> bool {
    let step = match name {
        "dateResponded" | "respondMinutes" | "respondedHours" => 0,
        "dateResplan" | "resPlanMinutes" | "resplanHours" => 1,
        "dateResolved" | "resolveMinutes" | "resolutionHours" => 2,
        _ => return false,
    };
    match name {
        _ if step >= steps => {}
        _ if name.ends_with("Minutes") => s.int(name, life.minutes[step]),
        _ if name.ends_with("Hours") => s.num(name, Decimal(life.minutes[step] * 10_000 / 60)),
        _ => s.made(name, |o| calendar::push(o, life.reached[step])),
    }
    true
}

/// Billing methods of projects, by frequency: mostly the hours worked.
const BILLING_METHODS: [&str; 8] =
    ["ActualRates", "ActualRates", "ActualRates", "ActualRates", "ActualRates", "FixedFee", "FixedFee", "NotToExceed"];

fn ticket_project(company: u64, draw: Draw) -> u64 {
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
        (Own::Opportunity, _) => return sale(cast, member, s),
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

/// The day on which an opportunity is decided: between two weeks and five months after it came up.
fn decided_on(cast: &Cast) -> i64 {
    day(cast) + 14 + cast.draw.below(56, 140) as i64
}

/// Whether an opportunity was decided since its row was changed last, and by the day of a stamp.
pub(crate) fn is_decided(world: &World, place: Place, row: Row, stamp: u32) -> bool {
    let decided = decided_on(&Cast::of(world, place, row));
    world::seen_on(row) < decided && decided <= world::advance_day(stamp)
}

/// Its status: open, won, lost or given up. Two of five are won.
pub(super) fn outcome(cast: &Cast) -> u64 {
    if decided_on(cast) <= world::seen_on(cast.row) { cast.draw.pick(55, &[1, 1, 2, 2, 3]) } else { 0 }
}

/// What becomes of an opportunity.
fn sale(cast: &Cast, member: &Member, s: &mut impl Shape) -> bool {
    let (draw, decided) = (cast.draw, decided_on(cast));
    let outcome = outcome(cast);
    let is_closed = outcome > 0;
    match member.name {
        "dateBecameLead" | "pipelineChangeDate" => s.time(member.name, day(cast) * DAY),
        "expectedCloseDate" => s.time("expectedCloseDate", (decided + draw.below(57, 30) as i64 - 20) * DAY),
        "closedDate" if is_closed => s.time("closedDate", decided * DAY),
        "closedDate" => {}
        "closedBy" if !is_closed => {}
        "status" => refer(cast, member, "/sales/opportunities/statuses", outcome, s),
        // The last probability is 100, which what was won has; what was lost has the first.
        "probability" => {
            let chance = match outcome {
                0 => draw.below(58, 5),
                1 => 5,
                _ => 0,
            };
            refer(cast, member, "/sales/probabilities", chance, s);
        }
        _ => return false,
    }
    true
}

/// A member's week.
pub(super) fn sheet(cast: &Cast, member: &Member, s: &mut impl Shape) -> bool {
    let (slot, monday) = cast.world.sheet_of(cast.row.slot);
    // What is a month old is closed; of the last weeks' some wait.
    let (age, edits) = (LAST_DAY - monday, u64::from(cast.row.version() % 24));
    match member.name {
        "member" => refs::member(s, "member", cast.world, Link { slot, deleted: false }, false),
        "year" => s.int("year", calendar::civil(monday + 3).0),
        "period" => s.int("period", (monday + 3 - calendar::days(calendar::civil(monday + 3).0, 1, 1)) / 7 + 1),
        "dateStart" => s.time("dateStart", monday * DAY),
        "dateEnd" => s.time("dateEnd", (monday + 6) * DAY),
        "deadline" => s.time("deadline", (monday + 7) * DAY),
        "hours" => s.num("hours", Decimal::hundredths(25 * (112 + cast.draw.below(61, 44) + edits) as i64)),
        "status" => s.text(
            "status",
            match age {
                ..7 => "Open",
                7..31 => cast.draw.pick(62, &["Open", "PendingApproval", "ApprovedByTierOne", "ApprovedByTierTwo"]),
                _ => "ApprovedByTierTwo",
            },
        ),
        _ => return false,
    }
    true
}
