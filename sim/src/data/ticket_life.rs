//! What becomes of a ticket: when it was opened, answered, planned and resolved, in working hours, and how far that is at a moment.

use super::rng::Draw;
use super::setup::BOARD_STATUSES;
use super::staff;
use super::tickets::{SERVICE_TICKETS_A_COMPANY, TICKETS_A_COMPANY};
use super::world::{self, Row, World};
use crate::calendar::DAY;
use crate::place::Place;

/// Working minutes of a day.
const DAILY: i64 = 540;
/// Minutes within which a ticket of each priority is to be answered, planned and resolved.
pub(super) const TARGETS: [[i64; 3]; 4] =
    [[60, 120, DAILY], [120, 240, 3 * DAILY], [240, 480, 6 * DAILY], [480, 960, 12 * DAILY]];
/// How often priorities are given: seldom the highest.
const PRIORITIES: [u64; 12] = [0, 1, 1, 1, 2, 2, 2, 2, 2, 2, 3, 3];

/// How far a ticket is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    New,
    InProgress,
    Waiting,
    Closed,
    /// Closed once, and open again since the last edit.
    Reopened,
}

/// A ticket's times. Minutes are those that people work.
#[derive(Clone, Copy, Debug)]
pub(super) struct Life {
    draw: Draw,
    pub(super) priority: u64,
    pub(super) opened: i64,
    /// When it was answered, planned and resolved, if nothing comes between.
    pub(super) reached: [i64; 3],
    pub(super) minutes: [i64; 3],
}

impl Life {
    /// That of a row of either list of tickets.
    pub(super) fn of(world: &World, place: Place, row: Row) -> Self {
        let id = world.row_id(place, row.slot) as u64;
        let opened = match row.born {
            0 => opened(world, id),
            born => world::touched(world.draw_row(world.plan(place).stream, place.parents(), row.slot), born),
        };
        Self::from(world, id, opened)
    }

    /// That of a ticket that was there from the start.
    pub(super) fn of_ticket(world: &World, id: u64) -> Self {
        Self::from(world, id, opened(world, id))
    }

    fn from(world: &World, id: u64, opened: i64) -> Self {
        let draw = world.draw_other(3, id);
        let priority = draw.pick(73, &PRIORITIES);
        let target = TARGETS[priority as usize][0];
        let answer = match draw.below(40, 100) {
            0..88 => 3 + draw.below(41, target as u64 * 9 / 10) as i64,
            _ => target + draw.below(41, target as u64 * 2) as i64,
        };
        let plan = answer + draw.below(42, 110) as i64;
        let work = match draw.below(43, 100) {
            // What is another ticket's is closed at once.
            _ if merged_into(world, id).is_some() => 10,
            0..45 => 10 + draw.below(44, 230),
            45..72 => 60 + draw.below(44, 2 * DAILY as u64),
            72..90 => DAILY as u64 + draw.below(44, 9 * DAILY as u64),
            _ => 8 * DAILY as u64 + draw.below(44, 50 * DAILY as u64),
        };
        let minutes = [answer, plan, plan + work as i64];
        Self { draw, priority, opened, reached: minutes.map(|minutes| after(opened, minutes)), minutes }
    }

    /// Minutes within which the ticket was to be answered, planned and resolved.
    pub(super) fn targets(&self) -> [i64; 3] {
        TARGETS[self.priority as usize]
    }

    /// How far the ticket is as a row shows it: what happened before the day of its last edit. One edit in a hundred opens a closed
    /// ticket again; the next one closes it.
    pub(super) fn stage(&self, row: Row) -> Stage {
        let seen = seen(row);
        match self.stage_at(seen) {
            Stage::Closed if row.edited > 0 && self.reached[2] < seen - 2 * DAY => {
                if self.draw.item(u64::from(row.edited)).chance(45, 100) { Stage::Reopened } else { Stage::Closed }
            }
            stage => stage,
        }
    }

    /// How many of the three steps a row shows as done.
    pub(super) fn steps(&self, row: Row) -> usize {
        match self.stage(row) {
            Stage::Closed => 3,
            Stage::Reopened => 2,
            _ => self.steps_at(seen(row)),
        }
    }

    fn steps_at(&self, seen: i64) -> usize {
        self.reached.iter().filter(|reached| **reached <= seen).count()
    }

    fn stage_at(&self, seen: i64) -> Stage {
        match self.steps_at(seen) {
            0 => Stage::New,
            1 => Stage::InProgress,
            2 if self.draw.chance(46, 3_500) => Stage::Waiting,
            2 => Stage::InProgress,
            _ => Stage::Closed,
        }
    }

    /// The name of its status.
    pub(super) fn status(&self, stage: Stage) -> &'static str {
        BOARD_STATUSES[match stage {
            Stage::New => 0,
            Stage::InProgress | Stage::Reopened => 1,
            Stage::Waiting => 2,
            Stage::Closed if self.draw.chance(47, 3_000) => 3,
            Stage::Closed => 4,
        }]
    }
}

/// The moment up to which a row shows what happened: the start of the day of its last change, or the first moment of all.
fn seen(row: Row) -> i64 {
    (world::seen_on(row) * DAY).max(world::NOW)
}

/// Whether a ticket has got further by a change than its row shows.
pub(crate) fn is_behind(world: &World, place: Place, row: Row, stamp: u32) -> bool {
    let life = Life::of(world, place, row);
    let seen = seen(Row { edited: stamp, ..row });
    match life.stage(row) {
        Stage::Closed => false,
        // Some days later it is closed again.
        Stage::Reopened => world::seen_on(row) + 2 <= seen / DAY,
        stage => stage != life.stage_at(seen),
    }
}

/// When a ticket changed last, of those that nothing has touched.
pub(super) fn last_updated(world: &World, place: Place, slot: u64) -> i64 {
    let life = Life::of(world, place, Row::fresh(slot));
    let happened = life.reached.into_iter().filter(|reached| *reached <= world::NOW).max();
    (happened.unwrap_or(life.opened) + life.draw.below(48, 3_000) as i64).min(world::NOW)
}

/// When a ticket was opened that was there from the start: on some working day.
fn opened(world: &World, id: u64) -> i64 {
    let draw = world.draw_other(3, id);
    staff::workday(draw.below(49, staff::WORKDAYS)) * DAY + 8 * 3600 + draw.below(50, 500) as i64 * 60
}

/// The moment that so many working minutes come after one.
fn after(instant: i64, minutes: i64) -> i64 {
    let (mut day, mut minute) = (instant.div_euclid(DAY), instant.rem_euclid(DAY) / 60 - 8 * 60);
    if minute >= DAILY {
        (day, minute) = (day + 1, 0);
    }
    if is_weekend(day) {
        (day, minute) = (day + 7 - (day + 3).rem_euclid(7), 0);
    }
    let total = minute.max(0) + minutes;
    let days = total / DAILY;
    // Whole weeks, and then the rest day by day.
    day += days / 5 * 7;
    for _ in 0..days % 5 {
        day += if is_weekend(day + 1) { 3 } else { 1 };
    }
    day * DAY + (8 * 60 + total % DAILY) * 60
}

/// 1970-01-01 was a Thursday.
fn is_weekend(day: i64) -> bool {
    (day + 3).rem_euclid(7) > 4
}

/// The ticket into which one was merged, of the same company and list.
pub(super) fn merged_into(world: &World, id: u64) -> Option<u64> {
    before(id, 1).filter(|_| world.draw_other(3, id).chance(85, 220)).filter(|parent| !is_below(world, *parent))
}

/// The ticket of which one is a part, of the same company and list.
pub(super) fn parent_of(world: &World, id: u64) -> Option<u64> {
    let parent = before(id, 2).filter(|_| world.draw_other(3, id).chance(87, 400))?;
    (merged_into(world, id).is_none() && !is_below(world, parent)).then_some(parent)
}

/// Whether another ticket may be above one: such have nothing below them.
fn is_below(world: &World, id: u64) -> bool {
    let draw = world.draw_other(3, id);
    (before(id, 1).is_some() && draw.chance(85, 220)) || (before(id, 2).is_some() && draw.chance(87, 400))
}

/// The ticket so many before one among those of the same company and list.
fn before(id: u64, back: u64) -> Option<u64> {
    let place = (id - 1) % TICKETS_A_COMPANY;
    let first = if place < SERVICE_TICKETS_A_COMPANY { 0 } else { SERVICE_TICKETS_A_COMPANY };
    (place >= first + back).then(|| id - back)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::days;

    #[test]
    fn working_minutes_leave_nights_and_weekends_out() {
        let friday = days(2026, 1, 9) * DAY;
        for (start, minutes, expected) in [
            (friday + 16 * 3600, 30, friday + 16 * 3600 + 1_800),
            (friday + 16 * 3600, 60, friday + 3 * DAY + 8 * 3600),
            (friday + 16 * 3600, 90, friday + 3 * DAY + 8 * 3600 + 1_800),
            (friday + DAY, 10, friday + 3 * DAY + 8 * 3600 + 600),
            (friday + 20 * 3600, 10, friday + 3 * DAY + 8 * 3600 + 600),
            (friday + 8 * 3600, 5 * DAILY, friday + 7 * DAY + 8 * 3600),
            (friday + 8 * 3600, 6 * DAILY, friday + 10 * DAY + 8 * 3600),
        ] {
            assert_eq!(after(start, minutes), expected, "{start} {minutes}");
        }
    }

    #[test]
    fn tickets_above_and_below_are_of_one_company_and_list() {
        assert_eq!((before(1, 1), before(2, 1), before(17, 1), before(18, 1)), (None, Some(1), None, Some(17)));
        assert_eq!((before(25, 1), before(26, 2), before(27, 2)), (None, None, Some(25)));
    }
}
