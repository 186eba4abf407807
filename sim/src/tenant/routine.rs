//! What an ordinary day does to a tenant: more of what is busy, little of what is settled, and now and then a burst.

use super::{Amounts, Tenant, Touched};
use crate::data::rng::Draw;
use crate::place::Place;
use crate::table::Table;

/// A list, and in 10,000 of its rows: those that a day edits and inserts; and how many, at most, it deletes.
const BUSY: [(&str, u64, u64, u64); 17] = [
    ("/time/entries", 40, 14, 2),
    ("/expense/entries", 25, 12, 1),
    ("/procurement/products", 20, 10, 1),
    ("/service/tickets", 60, 12, 1),
    ("/project/tickets", 30, 4, 1),
    ("/company/companies", 40, 4, 0),
    ("/company/contacts", 20, 4, 1),
    ("/company/configurations", 25, 5, 1),
    ("/finance/agreements", 30, 3, 1),
    ("/finance/invoices", 20, 15, 0),
    ("/finance/accounting/unpostedinvoices", 0, 200, 0),
    ("/project/projects", 30, 3, 0),
    ("/sales/opportunities", 20, 4, 0),
    ("/sales/activities", 8, 4, 1),
    ("/schedule/entries", 30, 20, 2),
    ("/system/members", 20, 3, 0),
    ("/time/workTypes", 20, 0, 0),
];

/// One day in so many has a burst: one list has a twentieth of its rows touched.
const BURST: u64 = 9;
/// Not even a burst touches more.
const MOST: u64 = 20_000;

impl Tenant {
    /// An ordinary day.
    pub(crate) fn day(&mut self) -> Vec<(Place, Touched)> {
        let day = self.next_day();
        let draw = self.world.draw_other(60, u64::from(day));
        let burst = draw.chance(1, 10_000 / BURST).then(|| draw.below(2, BUSY.len() as u64));
        let mut amounts = Vec::new();
        let mut posted = 0;
        for (at, (path, edits, inserts, deletes)) in BUSY.into_iter().enumerate() {
            let Some(resource) = self.world.document.resource_at(path) else { continue };
            let place = Place::flat(resource.number);
            let rows = self.table(place).live();
            let at = at as u64;
            let mut wanted = Amounts {
                edit: share(draw, 10 * at + 10, rows, edits),
                insert: share(draw, 10 * at + 11, rows, inserts),
                delete: draw.below(10 * at + 12, deletes + 1),
                merge: 0,
            };
            if burst == Some(at) {
                wanted.edit += (rows / 20).min(MOST);
            }
            match path {
                // One merge in a working week, of a company into another one.
                "/company/companies" => wanted.merge = u64::from(draw.chance(3, 2_000)),
                // Batching exports an invoice: it leaves the unposted ones, and the created one shows its batch.
                "/finance/accounting/unpostedinvoices" => {
                    posted = draw.below(4, 1 + rows / 6).min(rows);
                    wanted.delete = posted;
                }
                _ => {}
            }
            amounts.push((place, wanted));
        }
        if let Some(invoices) = self.world.document.resource_at("/finance/invoices")
            && let Some((_, wanted)) = amounts.iter_mut().find(|(place, _)| place.resource == invoices.number)
        {
            wanted.edit += posted;
        }
        self.advance(&amounts)
    }
}

/// A share of some rows in 10,000; what is left over is a chance of one more.
fn share(draw: Draw, salt: u64, rows: u64, share: u64) -> u64 {
    let all = rows * share;
    all / 10_000 + u64::from(draw.chance(salt, all % 10_000))
}
