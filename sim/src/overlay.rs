//! What advances have done to the generated data: inserted, edited and deleted row numbers, and no copy of any row.

use std::collections::{BTreeMap, BTreeSet};

use crate::data;
use crate::data::rng::Draw;
use crate::data::world::{self, Row, World};
use crate::json::{JsonRow, Selection};
use crate::kind::Kind;
use crate::query::{Column, Probe, Value};
use crate::table::Table;

/// The changes to one entity.
#[derive(Clone, Debug, Default)]
struct Changes {
    /// First row number and advance of each batch of inserted rows, rising.
    births: Vec<(u64, u32)>,
    inserted: u64,
    edited: BTreeMap<u64, u32>,
    deleted: BTreeSet<u64>,
}

/// The tenant at one moment. Requests hold on to the one they started with.
#[derive(Clone, Debug)]
pub(crate) struct Tenant {
    world: World,
    advances: u32,
    changes: [Changes; 8],
}

/// How many rows of an entity an advance edits, inserts and deletes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Amounts {
    pub(crate) edit: u64,
    pub(crate) insert: u64,
    pub(crate) delete: u64,
}

/// The ids that an advance touched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Touched {
    pub(crate) edited: Vec<i64>,
    pub(crate) inserted: Vec<i64>,
    pub(crate) deleted: Vec<i64>,
}

impl Tenant {
    pub(crate) fn new(world: World) -> Self {
        Self { world, advances: 0, changes: std::array::from_fn(|_| Changes::default()) }
    }

    pub(crate) fn now(&self) -> i64 {
        world::now(self.advances)
    }

    pub(crate) fn advances(&self) -> u32 {
        self.advances
    }

    pub(crate) fn table(&self, kind: Kind) -> Generated<'_> {
        Generated { tenant: self, kind }
    }

    /// Moves the clock by a day and changes rows; deletes come first, so that an edited row is still there afterwards.
    pub(crate) fn advance(&mut self, amounts: &[(Kind, Amounts)]) -> Vec<(Kind, Touched)> {
        self.advances += 1;
        amounts.iter().map(|(kind, amounts)| (*kind, self.change(*kind, *amounts))).collect()
    }

    fn change(&mut self, kind: Kind, amounts: Amounts) -> Touched {
        let advance = self.advances;
        let before = self.table(kind).slots();
        let draw = self.world.draw_other(20 + kind as u64, u64::from(advance));
        let mut touched = Touched::default();
        for slot in self.choose(kind, draw, 1, amounts.delete) {
            self.changes[kind as usize].deleted.insert(slot);
            touched.deleted.push(self.world.id(kind, slot));
        }
        for slot in self.choose(kind, draw, 2, amounts.edit) {
            self.changes[kind as usize].edited.insert(slot, advance);
            touched.edited.push(self.world.id(kind, slot));
        }
        if amounts.insert > 0 {
            let changes = &mut self.changes[kind as usize];
            changes.births.push((before, advance));
            changes.inserted += amounts.insert;
        }
        touched.inserted = (before..before + amounts.insert).map(|slot| self.world.id(kind, slot)).collect();
        touched
    }

    /// Different live rows, at most as many as there are, in the order of their ids.
    fn choose(&self, kind: Kind, draw: Draw, salt: u64, wanted: u64) -> BTreeSet<u64> {
        let table = self.table(kind);
        let (slots, wanted) = (table.slots(), wanted.min(table.live()));
        let mut chosen = BTreeSet::new();
        let mut attempt = 0;
        while (chosen.len() as u64) < wanted {
            // A drawn row that can't be had gives way to the next one that can.
            let mut slot = draw.below(salt + 16 * attempt, slots);
            while !table.is_live(slot) || chosen.contains(&slot) {
                slot = (slot + 1) % slots;
            }
            chosen.insert(slot);
            attempt += 1;
        }
        chosen
    }
}

/// One entity of a tenant.
pub(crate) struct Generated<'a> {
    tenant: &'a Tenant,
    kind: Kind,
}

impl Generated<'_> {
    fn changes(&self) -> &Changes {
        &self.tenant.changes[self.kind as usize]
    }

    fn row(&self, slot: u64) -> Row {
        let changes = self.changes();
        let born = changes.births.iter().rev().find(|(first, _)| *first <= slot).map_or(0, |(_, advance)| *advance);
        Row { slot, born, edited: changes.edited.get(&slot).copied().unwrap_or(0) }
    }
}

impl Table for Generated<'_> {
    fn slots(&self) -> u64 {
        self.tenant.world.count(self.kind) + self.changes().inserted
    }

    fn live(&self) -> u64 {
        self.slots() - self.changes().deleted.len() as u64
    }

    fn is_live(&self, slot: u64) -> bool {
        slot < self.slots() && !self.changes().deleted.contains(&slot)
    }

    fn id(&self, slot: u64) -> i64 {
        self.tenant.world.id(self.kind, slot)
    }

    fn slot_of(&self, id: i64) -> Option<u64> {
        self.tenant.world.slot_of(self.kind, id, self.slots()).filter(|slot| self.is_live(*slot))
    }

    fn first_after(&self, id: i64) -> u64 {
        self.tenant.world.first_after(self.kind, id)
    }

    fn visit(&self, slot: u64, probe: &mut Probe) {
        let walk = probe.begin();
        let row = self.row(slot);
        for at in 0..probe.columns().len() {
            match probe.columns()[at] {
                Column::Id => probe.set(at, Some(Value::Number(self.id(slot) as f64))),
                Column::LastUpdated => {
                    let instant = data::last_updated(&self.tenant.world, self.kind, row);
                    probe.set(at, Some(Value::Time(instant)));
                }
                Column::Path(_) => {}
            }
        }
        if walk {
            data::shape(&self.tenant.world, self.kind, row, probe);
        }
    }

    fn write(&self, slot: u64, selection: Option<&Selection>, out: &mut Vec<u8>) {
        let mut row = JsonRow::begin(out, selection);
        data::shape(&self.tenant.world, self.kind, self.row(slot), &mut row);
        row.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_advance_changes_exactly_as_many_different_live_rows_as_asked() {
        let mut tenant = Tenant::new(World::new(1, 100));
        for advance in 1..=5u64 {
            let amounts = Amounts { edit: 7, insert: 3, delete: 5 };
            let before = tenant.table(Kind::TimeEntry).live();
            let touched = tenant.advance(&[(Kind::TimeEntry, amounts)]).remove(0).1;
            let table = tenant.table(Kind::TimeEntry);
            assert_eq!(table.live(), before - 2, "after advance {advance}");
            assert!(touched.edited.iter().chain(&touched.inserted).all(|id| table.slot_of(*id).is_some()));
            assert!(touched.deleted.iter().all(|id| table.slot_of(*id).is_none()));
            assert_eq!((touched.edited.len(), touched.inserted.len(), touched.deleted.len()), (7, 3, 5));
        }
    }

    #[test]
    fn more_deletes_than_rows_leave_an_empty_table() {
        let mut tenant = Tenant::new(World::new(1, 10));
        tenant.advance(&[(Kind::Member, Amounts { edit: 4, insert: 0, delete: 1_000 })]);
        assert_eq!(tenant.table(Kind::Member).live(), 0);
    }
}
