//! One list of a tenant.

use std::sync::Arc;

use serde_json::Value as Json;

use super::{Changes, Tenant};
use crate::data;
use crate::data::world::{self, Row};
use crate::json::{JsonRow, Selection};
use crate::place::Place;
use crate::query::{Column, Probe, Value};
use crate::table::Table;
use crate::tree;

/// The rows of a list, now or as of a moment.
pub(crate) struct Generated<'a> {
    tenant: &'a Tenant,
    place: Place,
    changes: Option<&'a Changes>,
    at: Option<i64>,
    /// The stamp of the first rows: that of the row that they hang on, which they came with.
    first_born: u32,
    slots: u64,
    /// The resource as whose rows these are shown.
    shown_as: usize,
    /// A property that isn't shown.
    withheld: Option<&'static str>,
}

impl<'a> Generated<'a> {
    pub(super) fn new(tenant: &'a Tenant, place: Place, at: Option<i64>) -> Self {
        let changes = tenant.changes.get(&place).map(Arc::as_ref);
        let (first_rows, first_born) = (tenant.world.rows(place), tenant.parent_born(place));
        let shown_as = place.resource;
        let mut table = Self { tenant, place, changes, at, first_born, slots: first_rows, shown_as, withheld: None };
        table.slots += match (at, changes) {
            (_, None) => 0,
            (None, Some(changes)) => changes.inserted,
            (Some(_), Some(changes)) => {
                changes.births.iter().filter(|birth| table.seen(birth.stamp)).map(|birth| birth.rows).sum::<u64>()
            }
        };
        table
    }

    /// The same rows as those of another resource, and without a property.
    pub(crate) fn shown_as(self, resource: usize, withheld: Option<&'static str>) -> Self {
        Self { shown_as: resource, withheld, ..self }
    }

    fn seen(&self, stamp: u32) -> bool {
        self.at.is_none_or(|at| world::visible(stamp) <= at)
    }

    fn last_seen(&self, stamps: &[u32]) -> u32 {
        stamps.iter().rev().copied().find(|stamp| self.seen(*stamp)).unwrap_or(0)
    }

    pub(super) fn row(&self, slot: u64) -> Row {
        let Some(changes) = self.changes else { return Row { born: self.first_born, ..Row::fresh(slot) } };
        let born = match changes.births.partition_point(|birth| birth.first <= slot) {
            0 => self.first_born,
            at => changes.births[at - 1].stamp,
        };
        let edited = changes.edited.get(&slot).map_or(0, |stamps| self.last_seen(stamps));
        let quiet = changes.quiet.get(&slot).is_some_and(|stamp| self.seen(*stamp));
        let bill = changes.bills.get(&slot).copied().unwrap_or_default();
        let invoiced = changes.invoiced.get(&slot).filter(|(stamp, _)| self.seen(*stamp)).copied();
        Row { slot, born, edited, quiet, bill, invoiced }
    }

    /// What a client wrote into a row.
    pub(super) fn written(&self, slot: u64) -> Option<&'a Arc<Json>> {
        let versions = self.changes?.written.get(&slot)?;
        versions.iter().rev().find(|(stamp, _)| self.seen(*stamp)).map(|(_, row)| row)
    }

    /// The text that the whole row is shown as, if somebody planted one.
    fn text(&self, slot: u64) -> Option<&'a str> {
        let versions = self.changes?.texts.get(&slot)?;
        versions.iter().rev().find(|(stamp, _)| self.seen(*stamp))?.1.as_deref()
    }
}

impl Table for Generated<'_> {
    fn slots(&self) -> u64 {
        self.slots
    }

    fn live(&self) -> u64 {
        let deleted = self.changes.map_or(0, |changes| match self.at {
            None => changes.deleted.len(),
            Some(_) => changes.deleted.values().filter(|stamp| self.seen(**stamp)).count(),
        });
        self.slots() - deleted as u64
    }

    fn is_live(&self, slot: u64) -> bool {
        slot < self.slots() && self.deleted(slot).is_none()
    }

    fn deleted(&self, slot: u64) -> Option<i64> {
        let stamp = *self.changes?.deleted.get(&slot)?;
        self.seen(stamp).then(|| world::visible(stamp))
    }

    fn id(&self, slot: u64) -> i64 {
        self.tenant.world.row_id(self.place, slot)
    }

    fn slot_of(&self, id: i64) -> Option<u64> {
        self.tenant.world.row_with(self.place, id, self.slots()).filter(|slot| self.is_live(*slot))
    }

    fn first_after(&self, id: i64) -> u64 {
        self.tenant.world.row_after(self.place, id, self.slots())
    }

    fn visit(&self, slot: u64, probe: &mut Probe) {
        self.look(slot, probe);
        let Some(withheld) = self.withheld else { return };
        for at in 0..probe.columns().len() {
            if matches!(&probe.columns()[at], Column::Path(path) if path.as_slice() == [withheld]) {
                probe.set(at, None);
            }
        }
    }

    fn write(&self, slot: u64, selection: Option<&Selection>, out: &mut Vec<u8>) {
        match self.text(slot).filter(|_| selection.is_none()) {
            Some(text) => out.extend_from_slice(text.as_bytes()),
            None => self.write_row(slot, selection, out),
        }
    }
}

impl Generated<'_> {
    /// Fills in the values of a row, whatever is withheld.
    fn look(&self, slot: u64, probe: &mut Probe) {
        let walk = probe.begin();
        if let Some(row) = self.written(slot) {
            tree::visit(row, probe);
            // A list knows its rows by their ids, whatever they say of themselves.
            for at in 0..probe.columns().len() {
                if matches!(probe.columns()[at], Column::Id) {
                    probe.set(at, Some(Value::Number(self.id(slot) as f64)));
                }
            }
            return;
        }
        let row = self.row(slot);
        for at in 0..probe.columns().len() {
            match probe.columns()[at] {
                Column::Id => probe.set(at, Some(Value::Number(self.id(slot) as f64))),
                Column::LastUpdated => {
                    let instant = data::last_updated(&self.tenant.world, self.place, row);
                    probe.set(at, Some(Value::Time(instant)));
                }
                Column::Path(_) => {}
            }
        }
        if walk {
            data::shape(&self.tenant.world, self.place, self.shown_as, row, probe);
        }
    }

    /// The row as it is, whatever it is shown as.
    pub(super) fn write_row(&self, slot: u64, selection: Option<&Selection>, out: &mut Vec<u8>) {
        let shown = self.withheld.map(|name| selection.cloned().unwrap_or_else(Selection::all).without(name));
        let selection = shown.as_ref().or(selection);
        if let Some(row) = self.written(slot) {
            tree::cut(row, selection, out);
            return;
        }
        let mut row = JsonRow::begin(out, selection).rewriting(self.tenant.addresses);
        data::shape(&self.tenant.world, self.place, self.shown_as, self.row(slot), &mut row);
        row.end();
    }
}
