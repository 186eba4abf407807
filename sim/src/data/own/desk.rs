//! What the service desk goes by and is told: targets of SLAs, holidays, results of surveys; and what lies in stock.

use super::{company, refer};
use crate::calendar::{self, DAY, days};
use crate::data::made::Cast;
use crate::data::rng::Draw;
use crate::data::setup::CATALOG;
use crate::data::shape::{Decimal, Shape};
use crate::data::ticket_life::{Life, TARGETS};
use crate::data::tickets::{SERVICE_TICKETS_A_COMPANY, TICKETS_A_COMPANY};
use crate::data::world::{self, NOW, World};
use crate::data::{names, refs};
use crate::document::Member;
use crate::place::Place;

/// Minutes as hours.
fn hours(minutes: i64) -> Decimal {
    Decimal(minutes * 10_000 / 60)
}

/// The targets for tickets of a priority, which are the same under every SLA.
pub(super) fn target(cast: &Cast, member: &Member, s: &mut impl Shape) -> bool {
    let priority = cast.row.slot % TARGETS.len() as u64;
    let [respond, plan, resolve] = TARGETS[priority as usize];
    match member.name {
        "sla" => refer(cast, member, "/service/SLAs", slot_above(cast, "/service/SLAs"), s),
        "priority" => refer(cast, member, "/service/priorities", priority, s),
        "respondHours" => s.num("respondHours", hours(respond)),
        "planWithin" => s.num("planWithin", hours(plan)),
        "resolutionHours" => s.num("resolutionHours", hours(resolve)),
        "respondPercent" | "planWithinPercent" | "resolutionPercent" => s.int(member.name, 90),
        _ => return false,
    }
    true
}

/// Targets of an SLA from the start.
pub(in crate::data) const PRIORITIES: u64 = TARGETS.len() as u64;

/// The row of the list with this path that a list hangs on.
fn slot_above(cast: &Cast, path: &str) -> u64 {
    let above = cast.world.document.resource_at(path).map(|found| Place::flat(found.number));
    let slots = above.map_or(0, |place| cast.world.rows(place));
    above.zip(cast.place.parent()).and_then(|(place, id)| cast.world.row_with(place, id, slots)).unwrap_or(0)
}

/// A holiday of every year, and whether only its afternoon is free.
type Holiday = (&'static str, fn(i64) -> i64, bool);

/// The holidays of each list.
const HOLIDAYS: [&[Holiday]; 2] = [
    &[
        ("Nýársdagur", |year| days(year, 1, 1), false),
        ("Verkalýðsdagurinn", |year| days(year, 5, 1), false),
        ("Þjóðhátíðardagurinn", |year| days(year, 6, 17), false),
        ("Aðfangadagur", |year| days(year, 12, 24), true),
        ("Jóladagur ", |year| days(year, 12, 25), false),
        ("Annar í jólum", |year| days(year, 12, 26), false),
        ("Gamlársdagur", |year| days(year, 12, 31), true),
    ],
    &[
        ("New Year's Day", |year| days(year, 1, 1), false),
        ("Independence Day", |year| days(year, 7, 4), false),
        ("Labor Day", |year| first(MONDAY, days(year, 9, 1)), false),
        ("Thanksgiving", |year| first(THURSDAY, days(year, 11, 22)), false),
        ("Christmas Day", |year| days(year, 12, 25), false),
    ],
];
const FIRST_YEAR: i64 = 2024;
const YEARS: u64 = 3;

/// Days of the week: 1970-01-01 was a Thursday.
const THURSDAY: i64 = 0;
const MONDAY: i64 = 4;

/// The first day from this one on that is a Monday, or another one of the week.
fn first(weekday: i64, day: i64) -> i64 {
    day + (weekday - day).rem_euclid(7)
}

fn holidays_of(list: u64) -> &'static [Holiday] {
    HOLIDAYS.get(list as usize).copied().unwrap_or(HOLIDAYS[0])
}

/// Holidays of a list from the start.
pub(in crate::data) fn holidays(cast: &Cast) -> u64 {
    holidays_of(slot_above(cast, LISTS)).len() as u64 * YEARS
}

const LISTS: &str = "/schedule/holidayLists";

pub(super) fn holiday(cast: &Cast, member: &Member, s: &mut impl Shape) -> bool {
    let list = slot_above(cast, LISTS);
    let of_year = holidays_of(list);
    let (name, on, half) = of_year[(cast.row.slot % of_year.len() as u64) as usize];
    let year = FIRST_YEAR + (cast.row.slot / of_year.len() as u64) as i64;
    match member.name {
        "holidayList" => refer(cast, member, LISTS, list, s),
        "name" => s.made("name", |o| {
            o.push_str(name);
            if cast.row.edited > 0 {
                names::number(o, i64::from(cast.row.version()));
            }
        }),
        // A date without a time, as the document says.
        "date" => s.made("date", |o| {
            calendar::push(o, on(year) * DAY);
            o.truncate(o.len() - "T00:00:00Z".len());
        }),
        "allDayFlag" => s.flag("allDayFlag", !half),
        "timeStart" | "timeEnd" if !half => {}
        "timeStart" => s.text("timeStart", "13:00:00"),
        "timeEnd" => s.text("timeEnd", "17:00:00"),
        _ => return false,
    }
    true
}

/// Results of a survey from the start: the first survey is asked after tickets, the other one now and then.
pub(in crate::data) fn results(cast: &Cast) -> u64 {
    let scale = cast.world.scale();
    match slot_above(cast, "/service/surveys") {
        0 => (scale / 120).clamp(8, 900),
        _ => (scale / 1_200).clamp(3, 90),
    }
}

/// A ticket that was closed, and when its contact answered.
struct Answered {
    ticket: u64,
    at: i64,
}

impl Answered {
    fn of(world: &World, draw: Draw, row: world::Row) -> Self {
        let ticket = |at: u64| {
            let client = world.company_of_rank(1 + draw.skewed(300 + at, world.clients()));
            1 + client * TICKETS_A_COMPANY + draw.below(400 + at, SERVICE_TICKETS_A_COMPANY)
        };
        // Most tickets are closed, so that one of a few is.
        let closed = |ticket: &u64| Life::of_ticket(world, *ticket).reached[2] < NOW - 6 * DAY;
        let ticket = (0..16).map(ticket).find(closed).unwrap_or_else(|| ticket(0));
        let at = match row.born {
            0 => Life::of_ticket(world, ticket).reached[2] + 1_800 + draw.below(41, 5 * DAY as u64) as i64,
            born => world::touched(draw, born),
        };
        Self { ticket, at: if row.born == 0 { at.min(NOW) } else { at } }
    }
}

/// What people answer who answer: most are content.
const ANSWERS: [i64; 12] = [5, 5, 5, 5, 5, 5, 4, 4, 4, 3, 2, 1];
const QUESTIONS: u64 = 2;

fn points(draw: Draw, question: u64, version: u32) -> i64 {
    draw.item(u64::from(version)).pick(50 + question, &ANSWERS)
}

pub(super) fn survey_result(cast: &Cast, member: &Member, s: &mut impl Shape) -> bool {
    let (world, draw) = (cast.world, cast.draw);
    let answered = Answered::of(world, draw, cast.row);
    let owner = company(world, (answered.ticket - 1) / TICKETS_A_COMPANY);
    let contact = world.draw_other(3, answered.ticket).below(71, 4);
    let version = cast.row.version();
    match member.name {
        "surveyId" => s.int("surveyId", cast.place.parent().unwrap_or(0)),
        "ticketId" => s.int("ticketId", answered.ticket as i64),
        "company" => refs::company(s, "company", world, owner),
        "contact" => refs::contact(s, "contact", world, owner.slot, contact),
        "contactMeFlag" => s.flag("contactMeFlag", draw.chance(42, 500)),
        "totalPoints" => {
            s.int("totalPoints", (0..QUESTIONS).map(|question| points(draw, question, version)).sum());
        }
        "footerResponse" => {
            if draw.chance(43, 2_500) {
                s.made("footerResponse", |o| names::prose(o, draw, 700, 1));
            }
        }
        "results" => {
            if !s.list("results") {
                return true;
            }
            for question in 0..QUESTIONS {
                if s.item() {
                    s.int("questionId", 1 + question as i64);
                    s.made("answer", |o| names::number(o, points(draw, question, version)));
                    s.leave();
                }
            }
            s.end_list();
        }
        _ => return false,
    }
    true
}

/// When a result came.
pub(super) fn answered_at(cast: &Cast) -> i64 {
    Answered::of(cast.world, cast.draw, cast.row).at
}

/// What lies in a bin from the start.
pub(in crate::data) const IN_A_BIN: u64 = 4;

/// The last bin is that of a car.
pub(in crate::data) fn warehouse_of(bin: u64) -> u64 {
    u64::from(bin > 1)
}

pub(super) fn stock(cast: &Cast, member: &Member, s: &mut impl Shape) -> bool {
    const BINS: &str = "/procurement/warehouseBins";
    let bin = slot_above(cast, BINS);
    match member.name {
        "catalogItem" => refer(cast, member, "/procurement/catalog", (bin + cast.row.slot) % CATALOG.len() as u64, s),
        "warehouse" => refer(cast, member, "/procurement/warehouses", warehouse_of(bin), s),
        "warehouseBin" => refer(cast, member, BINS, bin, s),
        "onHand" => s.int("onHand", cast.draw.below(40, 25) as i64 + i64::from(cast.row.version())),
        _ => return false,
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holidays_that_move_are_on_their_day() {
        let on = |name: &str, year: i64| {
            let (_, on, _) = HOLIDAYS[1].iter().find(|(found, ..)| *found == name).unwrap();
            let (_, month, day) = calendar::civil(on(year));
            (month, day)
        };
        assert_eq!([2024, 2025, 2026].map(|year| on("Labor Day", year)), [(9, 2), (9, 1), (9, 7)]);
        assert_eq!([2024, 2025, 2026].map(|year| on("Thanksgiving", year)), [(11, 28), (11, 27), (11, 26)]);
    }
}
