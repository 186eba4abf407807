//! Invoices: made of lines that were on none, unposted at first, and posted when they are batched.

use super::{Tenant, Touched};
use crate::data::bill::{self, Bill, LINES};
use crate::data::invoice;
use crate::data::shape::Decimal;
use crate::data::work::Work;
use crate::data::world::{self, Row};
use crate::kind::Kind;
use crate::place::Place;
use crate::table::Table;

/// Lines are looked for among the last rows of their list: this share of them, at least and at most so many.
const RECENT: u64 = 12;
const LEAST_RECENT: u64 = 200;
const MOST_RECENT: u64 = 5_000;

impl Tenant {
    pub(super) fn place_of(&self, kind: Kind) -> Option<Place> {
        self.world.document.resource_at(kind.path()).map(|found| Place::flat(found.number))
    }

    /// The entity of a list that takes part in billing.
    pub(super) fn billed(&self, place: Place) -> Option<Kind> {
        let template = self.world.document.resources[place.resource].template;
        let kind = Kind::at(template)?;
        (LINES.contains(&kind) || matches!(kind, Kind::Invoice | Kind::UnpostedInvoice)).then_some(kind)
    }

    /// Whether a line is on an invoice, and so stays.
    pub(super) fn locked(&self, place: Place, slot: u64) -> bool {
        let Some(kind) = self.billed(place).filter(|kind| LINES.contains(kind)) else { return false };
        let row = self.table(place).row(slot);
        Work::of(&self.world, kind, row).invoice.is_some()
    }

    /// Makes invoices, each of the late work for a client that is on none.
    pub(super) fn invoice(&mut self, wanted: u64, stamp: u32) -> [Touched; 2] {
        let mut touched = [Touched::default(), Touched::default()];
        let (Some(invoices), Some(unposted)) = (self.place_of(Kind::Invoice), self.place_of(Kind::UnpostedInvoice))
        else {
            return touched;
        };
        for _ in 0..wanted {
            let slots = [self.table(invoices).slots(), self.table(unposted).slots()];
            self.insert_some(invoices, 1, stamp, &mut touched[0]);
            self.insert_some(unposted, 1, stamp, &mut touched[1]);
            let bill = self.bill(slots[0], stamp);
            self.changes(invoices).bills.insert(slots[0], bill);
            self.changes(unposted).bills.insert(slots[1], bill);
        }
        touched
    }

    fn bill(&mut self, invoice: u64, stamp: u32) -> Bill {
        let rank = self.world.invoice_rank(invoice);
        let mut bill = Bill { rank, invoice, ..Bill::default() };
        let day = world::advance_day(stamp);
        for kind in LINES {
            let Some(place) = self.place_of(kind) else { continue };
            let slots = self.table(place).slots();
            let recent = slots.saturating_sub((slots / RECENT).clamp(LEAST_RECENT, MOST_RECENT))..slots;
            let mut touched = Touched::default();
            for (slot, _) in self.open(kind, place, recent, day).into_iter().filter(|(_, work)| work.rank == rank) {
                self.changes(place).invoiced.insert(slot, (stamp, invoice));
                self.edit(place, slot, stamp);
                let row = self.table(place).row(slot);
                bill.add(kind, bill::amount(kind, &Work::of(&self.world, kind, row), row));
                touched.edited.push(self.world.row_id(place, slot));
            }
            self.elsewhere.push((place, touched));
        }
        bill
    }

    /// Rows that could be billed: done before a day, for somebody else, and on no invoice.
    fn open(&self, kind: Kind, place: Place, slots: std::ops::Range<u64>, day: i64) -> Vec<(u64, Work)> {
        let table = self.table(place);
        let open = |slot: u64| {
            let row: Row = table.row(slot);
            let work = Work::of(&self.world, kind, row);
            let free = work.invoice.is_none() && work.billable == "Billable" && !work.company.deleted && !work.internal;
            (free && work.day < day && work.status() != "WrittenOff").then_some((slot, work))
        };
        let slots = slots.filter(|slot| table.is_live(*slot) && table.written(*slot).is_none());
        slots.filter_map(open).collect()
    }

    /// Takes a row away, and what goes with it: an unposted invoice is posted, a deleted invoice isn't unposted any more.
    pub(super) fn remove(&mut self, place: Place, slot: u64, stamp: u32) {
        let kind = self.billed(place);
        if kind == Some(Kind::UnpostedInvoice) {
            self.post(slot, stamp);
        }
        self.changes(place).deleted.insert(slot, stamp);
        if kind == Some(Kind::Invoice)
            && let Some(unposted) = self.place_of(Kind::UnpostedInvoice)
            && let Some(twin) = self.unposted_of(unposted, slot)
        {
            self.changes(unposted).deleted.insert(twin, stamp);
            let deleted = vec![self.world.row_id(unposted, twin)];
            self.elsewhere.push((unposted, Touched { deleted, ..Touched::default() }));
        }
    }

    /// The created invoice of an unposted one shows its batch from now on.
    fn post(&mut self, unposted: u64, stamp: u32) {
        let (Some(invoices), Some(place)) = (self.place_of(Kind::Invoice), self.place_of(Kind::UnpostedInvoice)) else {
            return;
        };
        let row = self.table(place).row(unposted);
        let invoice = if row.born > 0 { row.bill.invoice } else { self.world.unposted_invoice(unposted) };
        let table = self.table(invoices);
        if !table.is_live(invoice) {
            return;
        }
        let batch = self.world.batch_of(table.row(invoice));
        let paid = self.paid(invoices, invoice);
        self.changes(invoices).quiet.entry(invoice).or_insert(stamp);
        self.pay(invoices, invoice, paid, stamp);
        self.edit(invoices, invoice, stamp);
        let edited = vec![self.world.row_id(invoices, invoice)];
        self.elsewhere.push((invoices, Touched { edited, ..Touched::default() }));
        // A batch is a record, too.
        if let Some(batches) = self.world.document.resource_at("/finance/accounting/batches") {
            let place = Place::flat(batches.number);
            let mut touched = Touched::default();
            while self.world.row_id(place, self.table(place).slots().saturating_sub(1)) < batch {
                self.insert_some(place, 1, stamp, &mut touched);
            }
            self.elsewhere.push((place, touched));
        }
    }

    /// What was paid of an invoice; `None` for rows of other lists.
    pub(super) fn paid(&self, place: Place, slot: u64) -> Option<Decimal> {
        (self.billed(place) == Some(Kind::Invoice)).then(|| invoice::paid(&self.world, self.table(place).row(slot)))
    }

    /// Adds what was paid of an invoice by a change to its payments.
    pub(super) fn pay(&mut self, place: Place, slot: u64, before: Option<Decimal>, stamp: u32) {
        let Some((before, now)) = before.zip(self.paid(place, slot)).filter(|(before, now)| before != now) else {
            return;
        };
        let id = self.world.row_id(place, slot);
        let Some(payments) = self.world.document.resource_at("/finance/invoices/{id}/payments") else { return };
        let Some(payments) = Place::below(payments.number, &[id]) else { return };
        let row = self.table(payments).slots();
        let mut touched = Touched::default();
        self.insert_some(payments, 1, stamp, &mut touched);
        let bill = Bill { invoice: slot, service: now.0 - before.0, ..Bill::default() };
        self.changes(payments).bills.insert(row, bill);
        self.elsewhere.push((payments, touched));
    }

    fn unposted_of(&self, unposted: Place, invoice: u64) -> Option<u64> {
        let table = self.table(unposted);
        let first = self.world.unposted_invoice(0);
        let found = match invoice.checked_sub(first).filter(|slot| *slot < self.world.count(Kind::UnpostedInvoice)) {
            Some(slot) => Some(slot),
            None => {
                let bills = self.changes.get(&unposted).map(|changes| &changes.bills);
                bills.into_iter().flatten().find(|(_, bill)| bill.invoice == invoice).map(|(slot, _)| *slot)
            }
        };
        found.filter(|slot| table.is_live(*slot))
    }
}
