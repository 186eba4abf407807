//! The tenant at one moment: what was generated, and what time and clients have done to it since.
//!
//! Changes are kept by row number and no copy of any row, but for those that clients wrote. Every change has a stamp, so that
//! any earlier moment can be told again.

mod billing;
mod generated;
mod lists;
mod routine;
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value as Json;

use crate::calendar::DAY;
use crate::data::bill::Bill;
use crate::data::names::{API, API_DOUBLED};
use crate::data::rng::Draw;
use crate::data::world::{self, World};
use crate::kind::Kind;
use crate::place::Place;
use crate::table::Table;

pub(crate) use generated::Generated;
pub(crate) use write::NoRoom;

/// The changes to one list.
#[derive(Clone, Debug, Default)]
struct Changes {
    births: Vec<Birth>,
    /// All rows of these.
    inserted: u64,
    /// Stamps of edits by row, rising.
    edited: BTreeMap<u64, Vec<u32>>,
    /// Rows that were changed without a new `lastUpdated`.
    quiet: BTreeMap<u64, u32>,
    deleted: BTreeMap<u64, u32>,
    /// What inserted invoices add up to, and inserted payments.
    bills: BTreeMap<u64, Bill>,
    /// Lines that were billed later: when, and the row of their invoice.
    invoiced: BTreeMap<u64, (u32, u64)>,
    /// What clients wrote: whole rows, rising.
    written: BTreeMap<u64, Vec<(u32, Arc<Json>)>>,
    /// Texts that a whole row is shown as, whatever it is; `None` from where on it is shown as it is again.
    texts: BTreeMap<u64, Texts>,
}

/// The texts of a row, each with the change that brought it, rising.
type Texts = Vec<(u32, Option<Arc<str>>)>;

/// A batch of inserted rows.
#[derive(Clone, Copy, Debug)]
struct Birth {
    first: u64,
    rows: u64,
    stamp: u32,
}

impl Changes {
    /// Adds rows behind all others.
    fn bear(&mut self, birth: Birth) {
        self.inserted += birth.rows;
        match self.births.last_mut() {
            Some(last) if last.stamp == birth.stamp => last.rows += birth.rows,
            _ => self.births.push(birth),
        }
    }
}

/// The tenant at one moment. Requests hold on to the one they started with.
#[derive(Clone, Debug)]
pub(crate) struct Tenant {
    world: World,
    clock: i64,
    changes: BTreeMap<Place, Arc<Changes>>,
    /// Whether a change below a row is one of that row.
    touching: bool,
    /// What addresses in rows start with, and how they are written.
    addresses: Option<(&'static str, &'static str)>,
    /// What a change changed in other lists than its own.
    elsewhere: Vec<(Place, Touched)>,
}

/// How many rows of an entity an advance edits, inserts and deletes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Amounts {
    pub(crate) edit: u64,
    pub(crate) insert: u64,
    pub(crate) delete: u64,
    /// Rows that change without a trace in `lastUpdated`, as companies do when they are merged.
    pub(crate) merge: u64,
}

/// The ids that an advance touched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Touched {
    pub(crate) edited: Vec<i64>,
    pub(crate) inserted: Vec<i64>,
    pub(crate) deleted: Vec<i64>,
    pub(crate) merged: Vec<i64>,
}

impl Tenant {
    pub(crate) fn new(world: World) -> Self {
        let addresses = Some((API, API_DOUBLED));
        Self { world, clock: world::NOW, changes: BTreeMap::new(), touching: false, addresses, elsewhere: Vec::new() }
    }

    pub(crate) fn now(&self) -> i64 {
        self.clock
    }

    pub(crate) fn world(&self) -> &World {
        &self.world
    }

    /// The member that the key belongs to: the first one.
    pub(crate) fn member_of_key(&self) -> i64 {
        self.world.id(Kind::Member, 0)
    }

    /// The rows of a list now.
    pub(crate) fn table(&self, place: Place) -> Generated<'_> {
        Generated::new(self, place, None)
    }

    /// The rows of a list as of a moment.
    pub(crate) fn table_at(&self, place: Place, at: i64) -> Generated<'_> {
        Generated::new(self, place, Some(at))
    }

    /// The stamp of what inserted the row that a list hangs on; 0 where it was there from the start.
    fn parent_born(&self, place: Place) -> u32 {
        let Some((above, id)) = self.above(place) else { return 0 };
        let first = self.world.rows(above);
        let inserted = self.changes.get(&above).is_some_and(|changes| !changes.births.is_empty());
        if !inserted || self.world.row_with(above, id, first).is_some() {
            return self.parent_born(above);
        }
        let table = self.table(above);
        self.world.row_with(above, id, table.slots()).map_or(0, |slot| table.row(slot).born)
    }

    /// When the row that a list hangs on was deleted, if it was; `None` where there was no such row.
    pub(crate) fn gone(&self, place: Place, at: Option<i64>) -> Option<Option<i64>> {
        let Some((above, id)) = self.above(place) else { return Some(None) };
        let gone = self.gone(above, at)?;
        if !self.world.document.resources[above.resource].keyed {
            return Some(gone);
        }
        let table = Generated::new(self, above, at);
        let slot = self.world.row_with(above, id, table.slots())?;
        Some(gone.or_else(|| table.deleted(slot)))
    }

    /// The list of the row that a list hangs on, and the id of that row.
    fn above(&self, place: Place) -> Option<(Place, i64)> {
        let parent = self.world.document.resources[place.resource].parent?;
        let (id, above) = place.parents().split_last()?;
        Some((Place::below(parent, above)?, *id))
    }

    /// Moves the clock on by hand. It never goes back.
    pub(crate) fn set_clock(&mut self, now: i64) -> bool {
        let later = now >= self.clock;
        self.clock = self.clock.max(now);
        later
    }

    /// The stamp of the day that is about to end. From a clock that stands within a day it is the next one.
    fn next_day(&self) -> u32 {
        let passed = self.clock - world::NOW;
        let day = passed.div_euclid(DAY) + i64::from(passed.rem_euclid(DAY) > 3_600);
        u32::try_from(day + 1).unwrap_or(u32::MAX >> 1).min(u32::MAX >> 2)
    }

    /// Moves the clock by a day and changes rows; deletes come first, so that an edited row is still there afterwards.
    pub(crate) fn advance(&mut self, amounts: &[(Place, Amounts)]) -> Vec<(Place, Touched)> {
        let day = self.next_day();
        self.clock = world::now(day);
        let mut touched: Vec<_> =
            amounts.iter().map(|(place, amounts)| (*place, self.change(*place, *amounts, day))).collect();
        touched.append(&mut self.elsewhere);
        touched
    }

    /// Changes rows of a list at once, a second after all that was before.
    pub(crate) fn drift(&mut self, place: Place, amounts: Amounts) -> Touched {
        let stamp = self.tick();
        let touched = self.change(place, amounts, stamp);
        self.elsewhere.clear();
        touched
    }

    /// A second passes; the stamp of what happens then.
    fn tick(&mut self) -> u32 {
        self.clock += 1;
        world::stamp(self.clock)
    }

    fn changes(&mut self, place: Place) -> &mut Changes {
        Arc::make_mut(self.changes.entry(place).or_default())
    }

    fn change(&mut self, place: Place, amounts: Amounts, stamp: u32) -> Touched {
        let draw = self.draw(place, u64::from(stamp));
        let mut touched = Touched::default();
        let kind = self.billed(place);
        for slot in self.choose(place, draw, 1, amounts.delete) {
            self.remove(place, slot, stamp);
            touched.deleted.push(self.world.row_id(place, slot));
        }
        for slot in self.choose(place, draw, 2, amounts.edit) {
            self.edit(place, slot, stamp);
            touched.edited.push(self.world.row_id(place, slot));
        }
        // Invoices are flipped by their batches only.
        let merges = if kind.is_some() { 0 } else { amounts.merge };
        for slot in self.choose(place, draw, 3, merges) {
            self.changes(place).quiet.entry(slot).or_insert(stamp);
            touched.merged.push(self.world.row_id(place, slot));
        }
        match (kind, self.place_of(Kind::Invoice), self.place_of(Kind::UnpostedInvoice)) {
            (Some(Kind::Invoice), _, Some(unposted)) => {
                let [mut own, other] = self.invoice(amounts.insert, stamp);
                touched.inserted.append(&mut own.inserted);
                self.elsewhere.push((unposted, other));
            }
            (Some(Kind::UnpostedInvoice), Some(invoices), _) => {
                let [other, mut own] = self.invoice(amounts.insert, stamp);
                touched.inserted.append(&mut own.inserted);
                self.elsewhere.push((invoices, other));
            }
            _ => self.insert_some(place, amounts.insert, stamp, &mut touched),
        }
        if touched != Touched::default() {
            self.touch_parent(place, stamp);
        }
        touched
    }

    /// The random numbers of a change. Those of the entities with generators don't depend on the document.
    fn draw(&self, place: Place, stamp: u64) -> Draw {
        match self.world.plan(place).maker {
            crate::data::plan::Maker::Hand(kind) => self.world.draw_other(20 + kind as u64, stamp),
            _ => self.world.draw_row(place.resource as u64 | 1 << 40, place.parents(), stamp),
        }
    }

    pub(crate) fn children_touch_parents(&mut self, touching: bool) {
        self.touching = touching;
    }

    pub(crate) fn double_slashes(&mut self, doubled: bool) {
        self.addresses = doubled.then_some((API, API_DOUBLED));
    }

    /// A change below a row has happened.
    fn touch_parent(&mut self, place: Place, stamp: u32) {
        if let Some((above, id)) = self.above(place).filter(|_| self.touching)
            && let Some(slot) = self.table(above).slot_of(id)
        {
            self.edit(above, slot, stamp);
        }
    }

    /// Different live rows, at most as many as there are, in the order of their ids.
    fn choose(&self, place: Place, draw: Draw, salt: u64, wanted: u64) -> BTreeSet<u64> {
        let mut chosen = BTreeSet::new();
        if wanted == 0 {
            return chosen;
        }
        let table = self.table(place);
        let (slots, wanted) = (table.slots(), wanted.min(table.live()));
        let mut attempt = 0;
        while (chosen.len() as u64) < wanted {
            // A drawn row that can't be had gives way to the next one that can. What is on an invoice isn't deleted.
            let first = draw.below(salt + 16 * attempt, slots);
            let free = (0..slots).map(|at| (first + at) % slots).find(|slot| {
                let deletes = salt == 1;
                table.is_live(*slot) && !chosen.contains(slot) && !(deletes && self.locked(place, *slot))
            });
            let Some(slot) = free else { return chosen };
            chosen.insert(slot);
            attempt += 1;
        }
        chosen
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Document;

    fn tenant(scale: u64) -> (Tenant, Place, Place) {
        let document = Document::pinned().unwrap();
        let place = |path: &str| Place::flat(document.resource_at(path).unwrap().number);
        (Tenant::new(World::new(1, scale, document)), place("/time/entries"), place("/system/members"))
    }

    #[test]
    fn an_advance_changes_exactly_as_many_different_live_rows_as_asked() {
        let (mut tenant, entries, _) = tenant(100);
        for advance in 1..=5u64 {
            let amounts = Amounts { edit: 7, insert: 3, delete: 5, merge: 0 };
            let before = tenant.table(entries).live();
            let touched = tenant.advance(&[(entries, amounts)]).remove(0).1;
            let table = tenant.table(entries);
            assert_eq!(table.live(), before - 2, "after advance {advance}");
            assert!(touched.edited.iter().chain(&touched.inserted).all(|id| table.slot_of(*id).is_some()));
            assert!(touched.deleted.iter().all(|id| table.slot_of(*id).is_none()));
            assert_eq!((touched.edited.len(), touched.inserted.len(), touched.deleted.len()), (7, 3, 5));
        }
    }

    #[test]
    fn more_deletes_than_rows_leave_an_empty_table() {
        let (mut tenant, _, members) = tenant(10);
        tenant.advance(&[(members, Amounts { edit: 4, insert: 0, delete: 1_000, merge: 0 })]);
        assert_eq!(tenant.table(members).live(), 0);
    }

    #[test]
    fn an_earlier_moment_is_told_as_it_was() {
        let (mut tenant, entries, _) = tenant(100);
        let tell = |table: Generated<'_>| {
            let mut out = Vec::new();
            for slot in (0..table.slots()).filter(|slot| table.is_live(*slot)) {
                table.write(slot, None, &mut out);
            }
            (table.live(), out)
        };
        let mut moments = Vec::new();
        for step in 0..8 {
            moments.push((tenant.now(), tell(tenant.table(entries))));
            let amounts = Amounts { edit: 9, insert: 4, delete: 6, merge: 0 };
            if step % 3 == 0 {
                drop(tenant.drift(entries, amounts))
            } else {
                drop(tenant.advance(&[(entries, amounts)]))
            }
        }
        for (at, expected) in moments {
            assert_eq!(tell(tenant.table_at(entries, at)), expected, "{at}");
        }
    }
}
