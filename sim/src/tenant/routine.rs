//! What an ordinary day does to a tenant: more of what is busy, little of what is settled, and now and then a burst.

use super::lists::{BELOW, BUSY, Below, Busy, SET_UP};
use super::{Amounts, Birth, Tenant, Touched};
use crate::data::rng::Draw;
use crate::data::world::{self, Row, World};
use crate::data::{invoice, own, ticket_life};
use crate::place::Place;
use crate::table::Table;

/// One day in so many has a burst: one list has a twentieth of its rows touched.
const BURST: u64 = 9;
/// Not even a burst touches more.
const MOST: u64 = 20_000;
/// Nor are there more rows whose lists change in a day.
const MOST_PARENTS: u64 = 200;

/// Whether something happens to a row of a list by the day of a stamp.
type IsDue = fn(&World, Place, Row, u32) -> bool;
/// Lists whose rows change without anybody's edit.
const DUE: [(&str, IsDue); 4] = [
    ("/service/tickets", ticket_life::is_behind),
    ("/project/tickets", ticket_life::is_behind),
    ("/finance/invoices", |world, _, row, stamp| invoice::is_paid(world, row, stamp)),
    ("/sales/opportunities", own::is_decided),
];

impl Tenant {
    /// An ordinary day.
    pub(crate) fn day(&mut self) -> Vec<(Place, Touched)> {
        let stamp = self.next_day();
        let draw = self.world.draw_other(60, u64::from(stamp));
        let amounts = self.amounts(draw);
        let mut touched = self.advance(&amounts);
        touched.extend(self.go_on(stamp));
        touched.append(&mut self.elsewhere);
        for (at, path) in SET_UP.into_iter().enumerate() {
            touched.extend(self.settled(path, self.world.draw_other(61 + at as u64, u64::from(stamp)), stamp));
        }
        for (at, below) in BELOW.into_iter().enumerate() {
            self.below(below, self.world.draw_other(161 + at as u64, u64::from(stamp)), stamp, &mut touched);
        }
        touched
    }

    /// How much of what is busy changes.
    fn amounts(&self, draw: Draw) -> Vec<(Place, Amounts)> {
        let is_weekend = (world::advance_day(self.next_day()) + 3).rem_euclid(7) > 4;
        let burst = draw.chance(1, 10_000 / BURST).then(|| draw.below(2, BUSY.len() as u64));
        let mut amounts = Vec::new();
        for (at, Busy { path, edits, inserts, deletes }) in BUSY.into_iter().enumerate() {
            let Some(resource) = self.world.document.resource_at(path) else { continue };
            let place = Place::flat(resource.number);
            let rows = self.table(place).live();
            let at = at as u64;
            let mut wanted = Amounts {
                edit: share(draw, 10 * at + 10, rows, edits),
                insert: share(draw, 10 * at + 11, rows, inserts),
                delete: share(draw, 10 * at + 12, rows, deletes),
                merge: 0,
            };
            // On a weekend little is worked, and more on other days.
            if path == "/time/entries" {
                wanted.insert = if is_weekend { wanted.insert / 8 } else { wanted.insert * 27 / 20 };
            }
            if burst == Some(at) {
                wanted.edit += (rows / 20).min(MOST);
            }
            match path {
                // One merge in a working week, of a company into another one.
                "/company/companies" => wanted.merge = u64::from(draw.chance(3, 2_000)),
                // Batching exports an invoice: it leaves the unposted ones, and the created one shows its batch.
                "/finance/accounting/unpostedinvoices" => wanted.delete = draw.below(4, 1 + rows / 6),
                _ => {}
            }
            amounts.push((place, wanted));
        }
        amounts
    }

    /// What goes on by itself: tickets are answered and closed, invoices paid, opportunities decided.
    fn go_on(&mut self, stamp: u32) -> Vec<(Place, Touched)> {
        let mut all = Vec::new();
        for (path, is_due) in DUE {
            let Some(resource) = self.world.document.resource_at(path) else { continue };
            let place = Place::flat(resource.number);
            let table = self.table(place);
            let is_due = |slot: &u64| {
                table.is_live(*slot)
                    && table.written(*slot).is_none()
                    && is_due(&self.world, place, table.row(*slot), stamp)
            };
            let due: Vec<u64> = (0..table.slots()).filter(is_due).collect();
            let mut touched = Touched::default();
            for slot in due {
                self.edit_one(place, Some(slot), stamp, &mut touched);
            }
            if touched != Touched::default() {
                all.push((place, touched));
            }
        }
        all
    }

    /// A set-up table: it rarely changes, and what was there from the start stays, as everything refers to it.
    fn settled(&mut self, path: &str, draw: Draw, stamp: u32) -> Option<(Place, Touched)> {
        let place = Place::flat(self.world.document.resource_at(path)?.number);
        let mut touched = Touched::default();
        if draw.chance(1, 80) {
            self.edit_one(place, self.any(place, draw, 2, 0), stamp, &mut touched);
        }
        if draw.chance(3, 15) {
            let first = self.world.rows(place);
            self.delete_one(place, self.any(place, draw, 4, first), stamp, &mut touched);
        }
        if draw.chance(5, 30) {
            self.insert_some(place, 1, stamp, &mut touched);
        }
        (touched != Touched::default()).then_some((place, touched))
    }

    /// Lists below rows: some of a few of them change.
    fn below(&mut self, below: Below, draw: Draw, stamp: u32, touched: &mut Vec<(Place, Touched)>) {
        let Some(resource) = self.world.document.resource_at(below.path) else { return };
        let Some(parents) = resource.parent.map(Place::flat).filter(|_| resource.parents == 1) else { return };
        let wanted = share(draw, 1, self.table(parents).live(), below.parents).min(MOST_PARENTS);
        for at in 0..wanted {
            let draw = draw.item(at);
            let Some(parent) = self.any(parents, draw, 1, 0) else { return };
            let id = self.world.row_id(parents, parent);
            let Some(place) = Place::below(resource.number, &[id]) else { continue };
            let mut changed = Touched::default();
            match draw.below(2, 10) {
                0..=4 => self.insert_some(place, 1 + draw.below(3, 3), stamp, &mut changed),
                5..=7 => self.edit_one(place, self.any(place, draw, 4, 0), stamp, &mut changed),
                _ => self.delete_one(place, self.any(place, draw, 4, 0), stamp, &mut changed),
            }
            if changed != Touched::default() {
                self.touch_parent(place, stamp);
                touched.push((place, changed));
            }
        }
    }

    /// A live row from this number on; `None` where there is none.
    fn any(&self, place: Place, draw: Draw, salt: u64, from: u64) -> Option<u64> {
        let table = self.table(place);
        let rows = table.slots().saturating_sub(from);
        let first = draw.below(salt, rows);
        (0..rows).map(|at| from + (first + at) % rows).find(|slot| table.is_live(*slot))
    }

    fn edit_one(&mut self, place: Place, slot: Option<u64>, stamp: u32, touched: &mut Touched) {
        if let Some(slot) = slot {
            self.edit(place, slot, stamp);
            touched.edited.push(self.world.row_id(place, slot));
        }
    }

    fn delete_one(&mut self, place: Place, slot: Option<u64>, stamp: u32, touched: &mut Touched) {
        if let Some(slot) = slot {
            self.changes(place).deleted.insert(slot, stamp);
            touched.deleted.push(self.world.row_id(place, slot));
        }
    }

    pub(super) fn insert_some(&mut self, place: Place, wanted: u64, stamp: u32, touched: &mut Touched) {
        let first = self.table(place).slots();
        let rows = (first..first + wanted).take_while(|slot| World::has_room(place, *slot)).count() as u64;
        if rows > 0 {
            self.changes(place).bear(Birth { first, rows, stamp });
            touched.inserted.extend((first..first + rows).map(|slot| self.world.row_id(place, slot)));
        }
    }
}

/// A share of some rows in 10,000; what is left over is a chance of one more.
fn share(draw: Draw, salt: u64, rows: u64, share: u64) -> u64 {
    let all = rows * share;
    all / 10_000 + u64::from(draw.chance(salt, all % 10_000))
}
