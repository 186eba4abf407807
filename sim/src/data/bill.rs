//! Totals of invoices: the sums of their lines, agreement fees, down payments and tax.

use super::invoice::About;
use super::refs::TAX_CODES;
use super::shape::Decimal;
use super::work::Work;
use super::world::{Row, World};
use super::{agreement, expense, invoice, product, time_entry};
use crate::kind::Kind;

/// The lines of an invoice, summed up, in ten-thousandths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bill {
    /// The popularity rank of the company that is billed.
    pub(crate) rank: u64,
    /// The row of the invoice.
    pub(crate) invoice: u64,
    pub(crate) service: i64,
    pub(crate) expense: i64,
    pub(crate) product: i64,
}

impl Bill {
    /// Adds a line.
    pub(crate) fn add(&mut self, kind: Kind, amount: Decimal) {
        match kind {
            Kind::TimeEntry => self.service += amount.0,
            Kind::ExpenseEntry => self.expense += amount.0,
            Kind::ProductItem => self.product += amount.0,
            _ => {}
        }
    }
}

/// The entities whose rows are lines.
pub(crate) const LINES: [Kind; 3] = [Kind::TimeEntry, Kind::ExpenseEntry, Kind::ProductItem];

/// What a line adds to its invoice.
pub(crate) fn amount(kind: Kind, work: &Work, row: Row) -> Decimal {
    match kind {
        Kind::TimeEntry => time_entry::amount(work, row),
        Kind::ExpenseEntry => expense::amount(work, row),
        Kind::ProductItem => product::amount(work, row),
        _ => Decimal::ZERO,
    }
}

/// What the header of an invoice says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Totals {
    pub(super) service: Decimal,
    pub(super) expense: Decimal,
    pub(super) product: Decimal,
    pub(super) agreement: Decimal,
    pub(super) subtotal: Decimal,
    pub(super) paid_ahead: Decimal,
    pub(super) tax: Decimal,
    pub(super) total: Decimal,
}

impl World {
    /// The bill of an invoice. Those that were there from the start are summed up once, when the first of them is wanted.
    pub(super) fn bill(&self, row: Row, invoice: u64) -> Bill {
        if row.born > 0 {
            return row.bill;
        }
        let bills = self.bills.get_or_init(|| first(self));
        usize::try_from(invoice).ok().and_then(|at| bills.get(at)).copied().unwrap_or_default()
    }

    /// The invoice of an unposted one that was there from the start: the last ones that were made.
    pub(crate) fn unposted_invoice(&self, slot: u64) -> u64 {
        self.count(Kind::Invoice).saturating_sub(self.count(Kind::UnpostedInvoice)) + slot
    }

    pub(super) fn totals(&self, bill: Bill) -> Totals {
        let draw = self.draw(Kind::Invoice, bill.invoice);
        let (mut service, mut agreement, mut other, mut paid_ahead) = (bill.service, 0, 0, 0);
        match invoice::about(self, bill.invoice) {
            About::Lines => {}
            // Some servers include the agreement fee in the service total.
            About::Agreement(slot) if draw.chance(630, 5_000) => service += agreement::fee(self, slot).0,
            About::Agreement(slot) => agreement = agreement::fee(self, slot).0,
            About::DownPayment(paid) => other = paid.0,
            About::Completion(paid) => {
                service += 2 * paid.0;
                paid_ahead = paid.0;
            }
            About::Credit(given) => other = -given.0,
        }
        let subtotal = service + bill.expense + bill.product + agreement + other;
        let rate = [24, 11, 0][TAX_CODES.iter().position(|code| *code == draw.pick(32, &TAX_CODES)).unwrap_or(2)];
        let tax = (subtotal - paid_ahead) * rate / 100;
        Totals {
            service: Decimal(service),
            expense: Decimal(bill.expense),
            product: Decimal(bill.product),
            agreement: Decimal(agreement),
            subtotal: Decimal(subtotal),
            paid_ahead: Decimal(paid_ahead),
            tax: Decimal(tax),
            total: Decimal(subtotal - paid_ahead + tax),
        }
    }
}

fn first(world: &World) -> Box<[Bill]> {
    let mut bills: Vec<Bill> = (0..world.count(Kind::Invoice))
        .map(|invoice| Bill { rank: world.invoice_rank(invoice), invoice, ..Bill::default() })
        .collect();
    for kind in LINES {
        for row in (0..world.count(kind)).map(Row::fresh) {
            let work = Work::of(world, kind, row);
            let bill = work.invoice.and_then(|invoice| bills.get_mut(usize::try_from(invoice).ok()?));
            if let Some(bill) = bill {
                bill.add(kind, amount(kind, &work, row));
            }
        }
    }
    bills.into()
}
