//! The simulated tenant: how many rows there are, which ids they have, and who belongs to whom.

use std::sync::{Arc, OnceLock};

use super::bill::Bill;
use super::plan::{self, Plan};
use super::rng::Draw;
use crate::calendar::{DAY, days};
use crate::document::Document;
use crate::kind::Kind;
use crate::place::Place;

/// The clock of a fresh simulator: 2026-01-15T08:00:00Z. There is no other clock.
pub(crate) const NOW: i64 = days(2026, 1, 15) * DAY + 8 * 3600;
/// The first and the last day of the tenant's history.
pub(crate) const FIRST_DAY: i64 = days(2024, 1, 1);
pub(crate) const LAST_DAY: i64 = days(2026, 1, 14);
/// Months that have been invoiced: 2024-01 to 2025-12.
pub(crate) const INVOICED_MONTHS: u64 = 24;
/// The second of a mass update that touched a share of all rows.
pub(crate) const MASS_UPDATE: i64 = days(2025, 9, 1) * DAY + 3 * 3600;
/// The second of the mass import of set-up data.
pub(crate) const MASS_IMPORT: i64 = days(2024, 3, 4) * DAY + 2 * 3600 + 17 * 60 + 5;

/// A row: its number, the [stamp](stamp) of what inserted it (0 = there from the start) and of what edited it last, and
/// whether something changed it without leaving a trace in `lastUpdated`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) slot: u64,
    pub(crate) born: u32,
    pub(crate) edited: u32,
    pub(crate) quiet: bool,
    /// What an inserted invoice adds up to, or an inserted payment.
    pub(crate) bill: Bill,
    /// Of a line that was billed later: the stamp of that, and the row of its invoice.
    pub(crate) invoiced: Option<(u32, u64)>,
}

impl Row {
    /// A row that nothing has touched.
    pub(crate) const fn fresh(slot: u64) -> Self {
        let bill = Bill { rank: 0, invoice: 0, service: 0, expense: 0, product: 0 };
        Self { slot, born: 0, edited: 0, quiet: false, bill, invoiced: None }
    }

    /// A small number that differs from one edit to the next; 0 where there was none.
    pub(crate) fn version(self) -> u32 {
        match self.edited {
            0 => 0,
            SECONDS.. => 1 + self.edited % 997,
            day => day,
        }
    }
}

/// Stamps say when something was changed: a day's advance by its number, any other moment by its seconds after [`NOW`],
/// from [`SECONDS`] on.
const SECONDS: u32 = 1 << 31;

/// The stamp of a moment that is not an advance.
pub(crate) fn stamp(instant: i64) -> u32 {
    SECONDS | u32::try_from(instant - NOW).unwrap_or(0).min(SECONDS - 1)
}

/// When a change became visible: an advance when its day was over.
pub(crate) fn visible(stamp: u32) -> i64 {
    if stamp >= SECONDS { NOW + i64::from(stamp - SECONDS) } else { now(stamp) }
}

/// A reference that resolves, or one whose record was deleted long ago.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) slot: u64,
    pub(crate) deleted: bool,
}

/// Seed and row counts; everything else follows from these.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) seed: u64,
    counts: [u64; 8],
    scale: u64,
    pub(crate) document: &'static Document,
    pub(super) plans: Arc<[Plan]>,
    /// The list that each schema refers to, if it does.
    pub(super) targets: Arc<[Option<Place>]>,
    /// Rows in 10,000 that have what the document doesn't know.
    pub(crate) strange: u64,
    /// What the invoices add up to that were there from the start.
    pub(super) bills: Arc<OnceLock<Box<[Bill]>>>,
}

impl World {
    pub(crate) fn new(seed: u64, scale: u64, document: &'static Document) -> Self {
        let companies = (scale / 50).clamp(20, 20_000);
        let mut counts = [0; 8];
        for kind in Kind::ALL {
            counts[kind as usize] = match kind {
                Kind::TimeEntry => scale,
                Kind::Company => companies,
                Kind::Agreement => (companies * 3 / 5).max(24),
                Kind::Member => super::staff::members(scale),
                Kind::ExpenseEntry => (scale / 20).max(30),
                Kind::ProductItem => (scale / 10).max(40),
                Kind::Invoice => (scale / 240).max(3) * INVOICED_MONTHS,
                // Those of a month.
                Kind::UnpostedInvoice => (scale / 240).max(8),
            };
        }
        let targets = document.schemas.iter().map(|schema| super::reference::target(document, schema.name)).collect();
        Self { seed, counts, scale, document, plans: plan::plans(document), targets, strange: 0, bills: Arc::default() }
    }

    /// Whether a row has what the document doesn't know.
    pub(crate) fn is_strange(&self, draw: Draw) -> bool {
        self.strange > 0 && draw.chance(0x5712, self.strange)
    }

    pub(crate) fn scale(&self) -> u64 {
        self.scale
    }

    /// The random numbers of a row of any list.
    pub(crate) fn draw_row(&self, stream: u64, parents: &[i64], slot: u64) -> Draw {
        let stream = parents.iter().fold(stream, |stream, parent| super::rng::mix(stream ^ *parent as u64));
        Draw::of(self.seed, stream, slot)
    }

    /// Rows of an entity before any advance.
    pub(crate) fn count(&self, kind: Kind) -> u64 {
        self.counts[kind as usize]
    }

    pub(crate) fn draw(&self, kind: Kind, slot: u64) -> Draw {
        Draw::of(self.seed, kind as u64, slot)
    }

    /// The random numbers of a record that has no list of its own: a ticket, a project, an advance.
    pub(crate) fn draw_other(&self, stream: u64, id: u64) -> Draw {
        Draw::of(self.seed, 100 + stream, id)
    }

    /// The id of a row: every third number, moved by up to two, so that ids rise with gaps.
    pub(crate) fn id(&self, kind: Kind, slot: u64) -> i64 {
        kind.first_id() + (slot * 3 + self.draw(kind, slot).below(1, 3)) as i64
    }

    /// The id of a link: that of its row, or a number in a gap, which no row ever has.
    pub(crate) fn link_id(&self, kind: Kind, link: Link) -> i64 {
        if !link.deleted {
            return self.id(kind, link.slot);
        }
        kind.first_id() + (link.slot * 3 + (self.draw(kind, link.slot).below(1, 3) + 1) % 3) as i64
    }

    /// The row of an id, if one of `slots` rows has it.
    pub(crate) fn slot_of(&self, kind: Kind, id: i64, slots: u64) -> Option<u64> {
        let slot = u64::try_from(id.checked_sub(kind.first_id())?).ok()? / 3;
        (slot < slots && self.id(kind, slot) == id).then_some(slot)
    }

    /// The first row whose id is above `id`.
    pub(crate) fn first_after(&self, kind: Kind, id: i64) -> u64 {
        let Ok(offset) = u64::try_from(id.saturating_sub(kind.first_id())) else { return 0 };
        let slot = offset / 3;
        if self.id(kind, slot) > id { slot } else { slot + 1 }
    }

    /// The company of a popularity rank; rank 0 is the provider itself.
    pub(crate) fn company_of_rank(&self, rank: u64) -> u64 {
        let companies = self.count(Kind::Company);
        (rank % companies * 1_000_003 + self.draw_other(1, 0).below(0, companies)) % companies
    }

    /// The popularity rank of a company: the other way round.
    pub(crate) fn rank_of_company(&self, slot: u64) -> u64 {
        let companies = self.count(Kind::Company);
        let moved = (slot % companies + companies - self.draw_other(1, 0).below(0, companies)) % companies;
        // 1,000,003 is prime and larger than the number of companies, so it has an inverse.
        (moved * inverse(1_000_003 % companies, companies)) % companies
    }

    /// Invoices of a month that bill no work: down payments and what completes their projects, and credit memos.
    fn special_invoices_a_month(&self) -> u64 {
        (self.invoices_a_month() * 3 / 20).max(1)
    }

    /// Companies that get an invoice every month: those of the ranks from 1 on.
    pub(crate) fn clients(&self) -> u64 {
        let regular = self.invoices_a_month() - self.special_invoices_a_month();
        regular.clamp(1, self.count(Kind::Company) - 1)
    }

    /// Whether the company of a rank is a client.
    pub(crate) fn is_client(&self, rank: u64) -> bool {
        (1..=self.clients()).contains(&rank)
    }

    /// Whether an invoice is one that bills no work.
    pub(crate) fn is_special_invoice(&self, slot: u64) -> bool {
        self.invoice_place(slot).1 >= self.invoices_a_month() - self.special_invoices_a_month()
    }

    /// Companies that have agreements; the most popular ones.
    fn companies_with_agreements(&self) -> u64 {
        self.count(Kind::Agreement).div_ceil(2).min(self.count(Kind::Company))
    }

    pub(crate) fn agreement_rank(&self, slot: u64) -> u64 {
        slot % self.companies_with_agreements()
    }

    /// The agreement above: a company's later agreements may belong to its first.
    pub(crate) fn parent_agreement(&self, slot: u64) -> Option<u64> {
        let first = self.agreement_rank(slot);
        (slot != first && self.draw(Kind::Agreement, slot).chance(2, 6_000)).then_some(first)
    }

    /// One of the agreements of the company with this rank.
    pub(crate) fn agreement_of_rank(&self, rank: u64, choice: u64) -> Option<u64> {
        let (agreements, companies) = (self.count(Kind::Agreement), self.companies_with_agreements());
        if rank >= companies {
            return None;
        }
        let own = (agreements - rank).div_ceil(companies);
        Some(rank + companies * (choice % own))
    }

    fn invoices_a_month(&self) -> u64 {
        self.count(Kind::Invoice) / INVOICED_MONTHS
    }

    /// Month (0 = January 2024) and place within it of an invoice.
    fn invoice_place(&self, slot: u64) -> (u64, u64) {
        let month = (slot / self.invoices_a_month()).min(INVOICED_MONTHS - 1);
        (month, slot - month * self.invoices_a_month())
    }

    /// Month of an invoice, counted from January 2024 (0).
    pub(crate) fn invoice_month(&self, slot: u64) -> u64 {
        self.invoice_place(slot).0
    }

    /// The invoice of the same company so many months earlier, if there is one.
    pub(crate) fn invoice_before(&self, slot: u64, months: u64) -> Option<u64> {
        let (month, place) = self.invoice_place(slot);
        let is_there = month >= months && place < self.invoices_a_month();
        is_there.then(|| slot - months * self.invoices_a_month())
    }

    /// The popularity rank of the company that gets an invoice. Later ones go to clients by chance.
    pub(crate) fn invoice_rank(&self, slot: u64) -> u64 {
        let place = if slot < self.count(Kind::Invoice) {
            self.invoice_place(slot).1
        } else {
            self.draw(Kind::Invoice, slot).below(640, self.clients())
        };
        1 + place % self.clients()
    }

    /// The day of an invoice: one of the first days after the month it bills. An inserted one has the day of its advance.
    pub(crate) fn invoice_day(&self, row: Row) -> i64 {
        if row.born > 0 {
            return advance_day(row.born);
        }
        let month = self.invoice_place(row.slot).0 as i64 + 1;
        days(2024 + month / 12, month % 12 + 1, 1) + self.draw(Kind::Invoice, row.slot).below(3, 5) as i64
    }

    /// The batch that an invoice is posted with.
    pub(crate) fn batch_of(&self, row: Row) -> i64 {
        2 + self.invoice_day(row) / 30
    }

    /// An invoice of the company with this rank for the work of a month, if it got one.
    pub(crate) fn invoice_of_rank(&self, rank: u64, month: i64, choice: u64) -> Option<u64> {
        let (per_month, clients) = (self.invoices_a_month(), self.clients());
        let month = u64::try_from(month).ok().filter(|month| *month < INVOICED_MONTHS)?;
        let (first, regular) = (rank.checked_sub(1)?, per_month - self.special_invoices_a_month());
        if !self.is_client(rank) {
            return None;
        }
        let own = (regular - first).div_ceil(clients);
        Some(month * per_month + first + clients * (choice % own))
    }

    /// When an invoice was made; its lines were stamped in the same second.
    pub(crate) fn invoice_made(&self, slot: u64) -> i64 {
        self.invoice_day(Row::fresh(slot)) * DAY + 2 * 3600 + self.draw(Kind::Invoice, slot).below(4, 1_200) as i64
    }
}

/// What a number has to be multiplied by to give 1 modulo `n`.
fn inverse(number: u64, n: u64) -> u64 {
    let (mut a, mut b) = ((number as i64, 1i64), (n as i64, 0i64));
    while b.0 != 0 {
        let times = a.0 / b.0;
        (a, b) = (b, (a.0 - times * b.0, a.1 - times * b.1));
    }
    a.1.rem_euclid(n as i64) as u64
}

/// The clock after an advance: each takes a day.
pub(crate) fn now(advances: u32) -> i64 {
    NOW + i64::from(advances) * DAY
}

/// The day on which the rows of a stamp were entered.
pub(crate) fn advance_day(stamp: u32) -> i64 {
    if stamp >= SECONDS { visible(stamp) / DAY } else { NOW / DAY + i64::from(stamp) - 1 }
}

/// The day that a row is as of: that of its last edit, or of its insertion, or the last one.
pub(crate) fn seen_on(row: Row) -> i64 {
    match row {
        Row { edited: 1.., .. } => advance_day(row.edited),
        Row { born: 1.., .. } => advance_day(row.born),
        _ => LAST_DAY,
    }
}

/// When an advance touched a row: after all that was before, not after the new clock. Half of them share one second.
pub(crate) fn touched(draw: Draw, advance: u32) -> i64 {
    if advance >= SECONDS {
        return visible(advance);
    }
    let start = now(advance - 1) + 3600;
    let draw = draw.at(900 + u64::from(advance));
    if draw & 1 == 0 { start + 7_200 } else { start + (draw >> 1) as i64 % 70_000 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world(seed: u64, scale: u64) -> World {
        World::new(seed, scale, Document::pinned().unwrap())
    }

    #[test]
    fn every_id_leads_back_to_its_row_and_ids_rise() {
        let world = world(7, 5_000);
        for kind in Kind::ALL {
            let slots = world.count(kind);
            let mut last = 0;
            for slot in 0..slots {
                let id = world.id(kind, slot);
                assert!(id > last, "{kind:?} {slot}");
                assert_eq!(world.slot_of(kind, id, slots), Some(slot));
                assert_eq!(world.first_after(kind, id), slot + 1);
                assert_eq!(world.first_after(kind, id - 1), slot);
                let ghost = world.link_id(kind, Link { slot, deleted: true });
                assert_eq!(world.slot_of(kind, ghost, slots), None);
                last = id;
            }
            assert_eq!(world.slot_of(kind, 0, slots), None);
            assert_eq!(world.first_after(kind, i64::MIN), 0);
            assert_eq!(world.slot_of(kind, i64::MAX, slots), None);
        }
    }

    #[test]
    fn agreements_and_invoices_belong_to_the_company_that_names_them() {
        for scale in [1, 100, 5_000, 1_000_000] {
            let world = world(3, scale);
            for rank in 0..world.count(Kind::Company) {
                for choice in 0..4 {
                    if let Some(agreement) = world.agreement_of_rank(rank, choice) {
                        assert!(agreement < world.count(Kind::Agreement));
                        assert_eq!(world.agreement_rank(agreement), rank);
                    }
                    if let Some(invoice) = world.invoice_of_rank(rank, 23, choice) {
                        assert!(invoice < world.count(Kind::Invoice));
                        assert_eq!(world.invoice_rank(invoice), rank);
                    }
                }
            }
        }
    }

    #[test]
    fn most_invoices_of_a_month_are_those_of_clients() {
        // 5,000 / 240 = 20 a month, of which 3/20 bill no work; at least three, and at least one of them.
        for (scale, clients, special) in [(5_000, 17, 3), (3_000, 11, 1), (1, 2, 1)] {
            let world = world(3, scale);
            assert_eq!((world.clients(), world.special_invoices_a_month()), (clients, special), "{scale}");
            let of_month = (0..clients + special).filter(|slot| world.is_special_invoice(*slot)).count() as u64;
            assert_eq!(of_month, special, "{scale}");
            assert!(!world.is_client(0) && world.is_client(clients) && !world.is_client(clients + 1), "{scale}");
        }
    }

    #[test]
    fn ranks_lead_back_from_companies() {
        for scale in [1, 5_000, 30_000, 2_000_000] {
            let world = world(3, scale);
            for rank in (0..world.count(Kind::Company)).step_by(7) {
                assert_eq!(world.rank_of_company(world.company_of_rank(rank)), rank);
            }
        }
    }

    #[test]
    fn an_advance_touches_rows_within_its_own_day() {
        for row in 0..1_000 {
            let at = touched(Draw::of(1, 1, row), 3);
            assert!(now(2) < at && at <= now(3));
        }
    }
}
