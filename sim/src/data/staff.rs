//! The provider's people. There are so many seats, each of which is one person's at any time: who has which from when to when, and
//! what of a working day each piece of work takes.

use super::rng::Draw;
use super::world::{FIRST_DAY, LAST_DAY, Row, World, advance_day};
use crate::kind::Kind;

/// Time entries for which there is one seat: over the working days of the history they fill four fifths of its time.
const ENTRIES_A_SEAT: u64 = 1_300;
/// Ids of sheets leave room for so many seats a week.
pub(super) const MOST_SEATS: u64 = 10_000;
/// People that there are at least, those who have left among them.
const LEAST_MEMBERS: u64 = 8;

/// Days of the history, and working days among them: it starts on a Monday.
const SPAN: u64 = (LAST_DAY - FIRST_DAY) as u64;
pub(super) const WORKDAYS: u64 = SPAN / 7 * 5 + if SPAN % 7 < 5 { SPAN % 7 } else { 5 };

/// Minutes from eight to five.
const OPEN_MINUTES: u64 = 540;

/// When and by whom a piece of work was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shift {
    pub(crate) day: i64,
    pub(crate) seat: u64,
    /// Minutes after eight.
    pub(crate) start: u64,
    pub(crate) minutes: u64,
}

/// The day of a working day's number.
pub(super) fn workday(number: u64) -> i64 {
    FIRST_DAY + (number / 5 * 7 + number % 5) as i64
}

/// How many seats there are for this many time entries.
pub(super) fn seats(scale: u64) -> u64 {
    ((scale + ENTRIES_A_SEAT / 2) / ENTRIES_A_SEAT).clamp(2, MOST_SEATS)
}

/// How many people had these seats, one after the other.
pub(super) fn members(scale: u64) -> u64 {
    (seats(scale) * 3 / 2).max(LEAST_MEMBERS)
}

impl World {
    /// People that work at any time.
    pub(crate) fn seats(&self) -> u64 {
        seats(self.scale())
    }

    /// People who had a seat, one after the other.
    fn chain(&self, seat: u64) -> u64 {
        (self.count(Kind::Member) - seat).div_ceil(self.seats())
    }

    /// The Monday on which a seat goes over to its person number `at`.
    fn handed_over(&self, seat: u64, at: u64) -> i64 {
        let people = self.chain(seat);
        let early = self.draw_other(90, seat * 64 + at).below(1, SPAN / (4 * people));
        let day = FIRST_DAY + (SPAN * at / people - early) as i64;
        day - (day + 3).rem_euclid(7)
    }

    /// Who has a seat on a day.
    pub(crate) fn member_at(&self, seat: u64, day: i64) -> u64 {
        let at = (1..self.chain(seat)).take_while(|at| self.handed_over(seat, *at) <= day).count() as u64;
        seat + at * self.seats()
    }

    /// The first and the last day of somebody, as far as they are within the history.
    pub(crate) fn tenure(&self, member: u64) -> (Option<i64>, Option<i64>) {
        let (seat, at) = (member % self.seats(), member / self.seats());
        let first = (at > 0).then(|| self.handed_over(seat, at));
        let last = (at + 1 < self.chain(seat)).then(|| self.handed_over(seat, at + 1) - 1);
        (first, last)
    }

    /// When and by whom a row's work was done. The rows of a day are given to the seats in turns; those of one seat have equal parts of
    /// its day, of which each takes about seven tenths.
    pub(super) fn shift(&self, kind: Kind, row: Row, draw: Draw) -> Shift {
        let (day, number, parts, part) = if row.born > 0 {
            // Nobody knows how many there will be.
            (advance_day(row.born), row.slot, 3, draw.below(301, 3))
        } else {
            self.within_a_day(kind, row.slot, draw)
        };
        let whole = (OPEN_MINUTES / parts.max(1)).max(5);
        let minutes = (whole * (45 + draw.below(302, 51)) / 100 / 5 * 5).max(5);
        let start = part * whole + draw.below(303, (whole - minutes) / 5 + 1) * 5;
        Shift { day, seat: number % self.seats(), start: start.min(OPEN_MINUTES - minutes), minutes }
    }

    /// The day of a row that was there from the start, its number within that day's turns, into how many parts the day of its seat is
    /// divided, and which of these it has.
    fn within_a_day(&self, kind: Kind, slot: u64, draw: Draw) -> (i64, u64, u64, u64) {
        let (rows, seats) = (u128::from(self.count(kind).max(1)), self.seats());
        let workday = (u128::from(slot) * u128::from(WORKDAYS) / rows).min(u128::from(WORKDAYS - 1)) as u64;
        let first_of = |workday: u64| (u128::from(workday) * rows).div_ceil(u128::from(WORKDAYS)) as u64;
        let (first, next) = (first_of(workday), first_of(workday + 1));
        let at = slot.saturating_sub(first);
        let parts = next.saturating_sub(first + at % seats).div_ceil(seats);
        let mut day = self::workday(workday);
        // A few work on a Saturday.
        if draw.chance(18, 100) && day + 7 < LAST_DAY {
            day += 5 - (workday % 5) as i64;
        }
        (day, at + workday, parts, at / seats)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Document;

    fn world(scale: u64) -> World {
        World::new(3, scale, Document::pinned().unwrap())
    }

    #[test]
    fn there_are_as_many_seats_as_the_entries_fill() {
        // 5,000 / 1,300 = 3.8, 100,000 / 1,300 = 76.9; half as many people again, and never fewer than 8.
        assert_eq!([1, 5_000, 100_000].map(|scale| (seats(scale), members(scale))), [(2, 8), (4, 8), (77, 115)]);
        // 744 days from Monday, 2024-01-01, to Tuesday, 2026-01-13: 106 weeks of five days, and two days.
        assert_eq!((WORKDAYS, workday(0), workday(4), workday(5)), (532, FIRST_DAY, FIRST_DAY + 4, FIRST_DAY + 7));
        assert_eq!(workday(WORKDAYS - 1), LAST_DAY - 1);
    }

    #[test]
    fn every_seat_has_one_person_on_every_day_and_everybody_has_days() {
        for scale in [1, 300, 5_000, 40_000] {
            let world = world(scale);
            for member in 0..world.count(Kind::Member) {
                let (first, last) = world.tenure(member);
                let (first, last) = (first.unwrap_or(FIRST_DAY), last.unwrap_or(LAST_DAY));
                assert!(first < last, "{scale}: {member} from {first} to {last}");
                let seat = member % world.seats();
                assert_eq!([first, last].map(|day| world.member_at(seat, day)), [member; 2], "{scale}");
            }
        }
    }

    #[test]
    fn nobody_does_two_things_at_once() {
        let world = world(5_000);
        let mut taken = std::collections::BTreeSet::new();
        for slot in 0..5_000 {
            let shift = world.shift(Kind::TimeEntry, Row::fresh(slot), world.draw(Kind::TimeEntry, slot));
            assert!(shift.start + shift.minutes <= OPEN_MINUTES && shift.minutes > 0, "{shift:?}");
            let saturday = (shift.day + 3).rem_euclid(7) > 4;
            for five in (shift.start..shift.start + shift.minutes).step_by(5).filter(|_| !saturday) {
                assert!(taken.insert((shift.day, shift.seat, five / 5)), "{shift:?}");
            }
        }
    }
}
