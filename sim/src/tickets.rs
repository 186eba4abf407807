//! Tickets of both sorts in one list. They share one row of ids, so that a list of service tickets can hold the other ones,
//! too, as some servers have it.

use crate::data::tickets::{Sort, of_ticket, ticket_of};
use crate::json::Selection;
use crate::query::Probe;
use crate::table::Table;

/// Row numbers are those of all tickets, in the order of their ids.
pub(crate) struct Both<'a> {
    pub(crate) service: Box<dyn Table + 'a>,
    pub(crate) project: Box<dyn Table + 'a>,
}

impl Both<'_> {
    /// The list that has a ticket, and its row there.
    fn at(&self, slot: u64) -> (&dyn Table, u64) {
        match of_ticket(slot) {
            (Sort::Service, slot) => (self.service.as_ref(), slot),
            (Sort::Project, slot) => (self.project.as_ref(), slot),
        }
    }
}

impl Table for Both<'_> {
    fn slots(&self) -> u64 {
        let after = |sort, slots: u64| slots.checked_sub(1).map_or(0, |last| ticket_of(sort, last) + 1);
        after(Sort::Service, self.service.slots()).max(after(Sort::Project, self.project.slots()))
    }

    fn live(&self) -> u64 {
        self.service.live() + self.project.live()
    }

    fn is_live(&self, slot: u64) -> bool {
        let (table, slot) = self.at(slot);
        table.is_live(slot)
    }

    fn existed(&self, slot: u64) -> bool {
        let (table, slot) = self.at(slot);
        table.existed(slot)
    }

    fn deleted(&self, slot: u64) -> Option<i64> {
        let (table, slot) = self.at(slot);
        table.deleted(slot)
    }

    fn id(&self, slot: u64) -> i64 {
        slot as i64 + 1
    }

    fn slot_of(&self, id: i64) -> Option<u64> {
        u64::try_from(id.checked_sub(1)?).ok().filter(|slot| self.is_live(*slot))
    }

    fn first_after(&self, id: i64) -> u64 {
        u64::try_from(id).unwrap_or(0)
    }

    fn visit(&self, slot: u64, probe: &mut Probe) {
        let (table, slot) = self.at(slot);
        table.visit(slot, probe);
    }

    fn write(&self, slot: u64, selection: Option<&Selection>, out: &mut Vec<u8>) {
        let (table, slot) = self.at(slot);
        table.write(slot, selection, out);
    }
}
