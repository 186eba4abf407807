//! What clients write: whole rows, kept as they were given.

use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use super::{Birth, Tenant};
use crate::calendar;
use crate::data::world::{self, World};
use crate::place::Place;
use crate::table::Table;

/// No more rows fit below one parent.
#[derive(Debug)]
pub(crate) struct NoRoom;

impl Tenant {
    /// A row as a tree, if it is there.
    pub(crate) fn tree(&self, place: Place, slot: u64) -> Json {
        let mut out = Vec::new();
        self.table(place).write_row(slot, None, &mut out);
        serde_json::from_slice(&out).unwrap_or(Json::Null)
    }

    /// An object that there is once, as JSON.
    pub(crate) fn single(&self, schema: usize, path: &str) -> Vec<u8> {
        let mut out = Vec::new();
        let mut row = crate::json::JsonRow::begin(&mut out, None);
        crate::data::single(&self.world, schema, path, &mut row);
        row.end();
        out
    }

    /// Adds a row and answers with its id.
    pub(crate) fn insert(&mut self, place: Place, row: Map<String, Json>, by: &str) -> Result<i64, NoRoom> {
        let slot = self.table(place).slots();
        if !World::has_room(place, slot) {
            return Err(NoRoom);
        }
        let stamp = self.tick();
        let id = self.world.row_id(place, slot);
        self.changes(place).bear(Birth { first: slot, rows: 1, stamp });
        self.keep(place, slot, stamp, row, by, true);
        self.touch_parent(place, stamp);
        Ok(id)
    }

    /// Replaces a row.
    pub(crate) fn replace(&mut self, place: Place, slot: u64, row: Map<String, Json>, by: &str) {
        let stamp = self.tick();
        self.keep(place, slot, stamp, row, by, false);
        self.touch_parent(place, stamp);
    }

    pub(crate) fn delete(&mut self, place: Place, slot: u64) {
        let stamp = self.tick();
        self.remove(place, slot, stamp);
        self.elsewhere.clear();
        self.touch_parent(place, stamp);
    }

    /// Deletes all rows of a list in one second.
    pub(crate) fn clear(&mut self, place: Place) {
        let stamp = self.tick();
        let table = self.table(place);
        let live: Vec<u64> = (0..table.slots()).filter(|slot| table.is_live(*slot)).collect();
        self.changes(place).deleted.extend(live.into_iter().map(|slot| (slot, stamp)));
        self.touch_parent(place, stamp);
    }

    /// Flips what a merge flips, which leaves no trace in `lastUpdated`.
    pub(crate) fn merge(&mut self, place: Place, slot: u64) {
        let stamp = self.tick();
        self.changes(place).quiet.entry(slot).or_insert(stamp);
        if let Some(row) = self.table(place).written(slot).cloned() {
            let mut row = Arc::unwrap_or_clone(row);
            row["deletedFlag"] = Json::Bool(true);
            self.changes(place).written.entry(slot).or_default().push((stamp, Arc::new(row)));
        }
    }

    /// Sets values of a row, change times among them, as nobody but its maker could. Nothing else of it changes.
    pub(crate) fn plant(&mut self, place: Place, slot: u64, values: &Map<String, Json>) {
        let stamp = self.tick();
        let mut row = self.tree(place, slot);
        for (path, value) in values {
            put(&mut row, &path.trim_matches('/').split('/').collect::<Vec<_>>(), value);
        }
        self.changes(place).written.entry(slot).or_default().push((stamp, Arc::new(row)));
    }

    /// Shows a whole row as this text, which need not be JSON; as it is without one.
    pub(crate) fn plant_text(&mut self, place: Place, slot: u64, text: Option<&str>) {
        let stamp = self.tick();
        self.changes(place).texts.entry(slot).or_default().push((stamp, text.map(Arc::from)));
    }

    /// An edit of its own: a written row gets a new second, any other shows its next version.
    pub(super) fn edit(&mut self, place: Place, slot: u64, stamp: u32) {
        let Some(row) = self.table(place).written(slot).cloned() else {
            let paid = self.paid(place, slot);
            let stamps = self.changes(place).edited.entry(slot).or_default();
            if stamps.last() != Some(&stamp) {
                stamps.push(stamp);
            }
            self.pay(place, slot, paid, stamp);
            return;
        };
        let mut row = Arc::unwrap_or_clone(row);
        let draw = self.draw(place, slot);
        set(&mut row, "lastUpdated", &text(world::touched(draw, stamp)));
        self.changes(place).written.entry(slot).or_default().push((stamp, Arc::new(row)));
    }

    fn keep(&mut self, place: Place, slot: u64, stamp: u32, mut row: Map<String, Json>, by: &str, new: bool) {
        let resource = &self.world.document.resources[place.resource];
        if resource.keyed {
            row.insert("id".to_owned(), self.world.row_id(place, slot).into());
        }
        // What is unset is absent.
        row.retain(|_, value| !value.is_null());
        let mut row = Json::Object(row);
        let now = text(world::visible(stamp));
        if self.world.document.schema(resource.schema).is_some_and(|schema| schema.member("_info").is_some()) {
            set(&mut row, "lastUpdated", &now);
            set(&mut row, "updatedBy", by);
            if new {
                set(&mut row, "dateEntered", &now);
                set(&mut row, "enteredBy", by);
            }
        }
        self.changes(place).written.entry(slot).or_default().push((stamp, Arc::new(row)));
    }
}

fn text(instant: i64) -> String {
    let mut out = String::new();
    calendar::push(&mut out, instant);
    out
}

/// Puts a value where a path leads; null takes away what is there.
fn put(row: &mut Json, path: &[&str], value: &Json) {
    let (Some((name, rest)), Some(row)) = (path.split_first(), row.as_object_mut()) else { return };
    if !rest.is_empty() {
        put(row.entry(*name).or_insert_with(|| json!({})), rest, value);
    } else if value.is_null() {
        row.remove(*name);
    } else {
        row.insert((*name).to_owned(), value.clone());
    }
}

fn set(row: &mut Json, key: &str, value: &str) {
    if let Some(row) = row.as_object_mut() {
        let info = row.entry("_info").or_insert_with(|| json!({}));
        if let Some(info) = info.as_object_mut() {
            info.insert(key.to_owned(), value.into());
        }
    }
}
