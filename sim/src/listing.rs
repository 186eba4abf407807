//! Makes the answer to a list request: finds the rows, writes the page.

use crate::json::Selection;
use crate::paging::{End, Mode, Paging};
use crate::query::{Children, Condition, Order};
use crate::table::Table;

/// A list request that has been understood.
#[derive(Debug)]
pub(crate) struct Listing {
    pub(crate) paging: Paging,
    pub(crate) condition: Option<Condition>,
    /// What items of collections have to pass.
    pub(crate) children: Vec<Children>,
    pub(crate) selection: Option<Selection>,
    pub(crate) order: Option<Order>,
}

/// What of a list a request narrows it down to.
#[derive(Clone, Copy)]
struct Narrowed<'a> {
    table: &'a dyn Table,
    condition: Option<&'a Condition>,
    children: &'a [Children],
}

/// A page.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) body: Vec<u8>,
    /// The ids on it, in its order.
    pub(crate) ids: Vec<i64>,
    /// All rows that pass the condition; `None` where nobody counted.
    pub(crate) total: Option<u64>,
    /// Whether rows follow; not looked for where nobody asks.
    pub(crate) more: bool,
}

/// `shift` is how many rows a fault moves the start of the page.
pub(crate) fn page(table: &dyn Table, listing: &Listing, shift: i64) -> Page {
    let size = listing.paging.size;
    let rows = Narrowed { table, condition: listing.condition.as_ref(), children: &listing.children };
    let (mut slots, total) = match listing.paging.mode {
        Mode::Forward { after } => {
            let first = after.map_or(0, |id| table.first_after(id)).saturating_add_signed(shift);
            let wanted = size + u64::from(listing.paging.end == End::Exact);
            let mut slots = Vec::new();
            for_each(rows, first..table.slots(), |slot| {
                slots.push(slot);
                (slots.len() as u64) < wanted
            });
            (slots, None)
        }
        Mode::Numbered { page } => {
            let skip = (page - 1).saturating_mul(size).saturating_add_signed(shift);
            let (slots, total) = numbered(rows, listing, skip);
            (slots, Some(total))
        }
    };
    let more = slots.len() as u64 > size;
    slots.truncate(usize::try_from(size).unwrap_or(usize::MAX));
    let mut body = Vec::with_capacity(64 + slots.len() * 2_800);
    body.push(b'[');
    let mut ids = Vec::with_capacity(slots.len());
    for slot in slots {
        if !ids.is_empty() {
            body.push(b',');
        }
        table.write(slot, listing.selection.as_ref(), &mut body);
        ids.push(table.id(slot));
    }
    body.push(b']');
    Page { body, ids, total, more }
}

/// How many rows pass.
pub(crate) fn count(table: &dyn Table, condition: Option<&Condition>, children: &[Children]) -> u64 {
    if condition.is_none() && children.is_empty() {
        return table.live();
    }
    let mut count = 0;
    for_each(Narrowed { table, condition, children }, 0..table.slots(), |_| {
        count += 1;
        true
    });
    count
}

/// Visits the rows that pass until `visit` answers false.
fn for_each(rows: Narrowed, slots: impl Iterator<Item = u64>, mut visit: impl FnMut(u64) -> bool) {
    let Narrowed { table, condition, children } = rows;
    let mut row = Vec::new();
    let mut probe = condition.map(Condition::probe);
    for slot in slots {
        if !table.is_live(slot) {
            continue;
        }
        if let (Some(condition), Some(probe)) = (condition, &mut probe) {
            table.visit(slot, probe);
            if !condition.holds(probe) {
                continue;
            }
        }
        if !children.is_empty() {
            row.clear();
            table.write(slot, None, &mut row);
            let tree: serde_json::Value = serde_json::from_slice(&row).unwrap_or_default();
            if !children.iter().all(|child| child.holds(&tree)) {
                continue;
            }
        }
        if !visit(slot) {
            return;
        }
    }
}

/// One page out of the ordered rows, and how many there are. In the order of ids nothing is kept but the page; any other
/// order keeps a key for every row that passes.
fn numbered(rows: Narrowed, listing: &Listing, skip: u64) -> (Vec<u64>, u64) {
    let (table, size) = (rows.table, listing.paging.size);
    let descending = match &listing.order {
        None => Some(false),
        Some(order) => order.by_id(),
    };
    let Some(descending) = descending else { return sorted(rows, listing, skip) };
    let mut slots = Vec::new();
    let mut seen = 0;
    let counted = rows.condition.is_none() && rows.children.is_empty();
    let take = |slot| {
        if seen >= skip && (slots.len() as u64) < size {
            slots.push(slot);
        }
        seen += 1;
        // Where the total is known the rest needs no visit.
        !(counted && slots.len() as u64 == size)
    };
    if descending {
        for_each(rows, (0..table.slots()).rev(), take);
    } else {
        for_each(rows, 0..table.slots(), take);
    }
    (slots, if counted { table.live() } else { seen })
}

fn sorted(narrowed: Narrowed, listing: &Listing, skip: u64) -> (Vec<u64>, u64) {
    let table = narrowed.table;
    let Some(order) = &listing.order else { return (Vec::new(), 0) };
    let mut probe = order.probe();
    let mut rows = Vec::new();
    for_each(narrowed, 0..table.slots(), |slot| {
        table.visit(slot, &mut probe);
        rows.push((order.key(&probe), slot));
        true
    });
    rows.sort_by(|(a, _), (b, _)| order.compare(a, b));
    let total = rows.len() as u64;
    let skip = usize::try_from(skip).unwrap_or(usize::MAX);
    (rows.into_iter().skip(skip).take(listing.paging.size as usize).map(|(_, slot)| slot).collect(), total)
}
