//! Generated rows: a pure function of seed, list and row number.

mod agreement;
pub(crate) mod bill;
mod company;
mod custom;
mod expense;
pub(crate) mod invoice;
mod made;
mod member;
pub(crate) mod names;
pub(crate) mod own;
pub(crate) mod plan;
mod product;
mod recast;
mod reference;
mod refs;
pub(crate) mod rng;
mod setup;
pub(crate) mod shape;
mod staff;
pub(crate) mod ticket_life;
pub(crate) mod tickets;
mod time_entry;
mod unposted;
pub(crate) mod work;
pub(crate) mod world;

pub(crate) use reference::target as reference_target;

use crate::kind::Kind;
use crate::place::Place;
use plan::Maker;
use shape::Shape;
use world::{Row, World};

/// Walks the properties of a row, in the order in which the API writes them.
/// `resource` is the one as whose row it is shown: its own, or another one that lists it, too.
pub(crate) fn shape(world: &World, place: Place, resource: usize, row: Row, s: &mut impl Shape) {
    match world.plan(place).maker {
        Maker::Hand(kind) if world.recasts() => hand(world, kind, row, &mut recast::Recast::new(world, kind, row, s)),
        Maker::Hand(kind) => hand(world, kind, row, s),
        _ => made::shape(world, place, resource, row, s),
    }
    if world.strange > 0 && world.is_strange(world.draw_row(0x5713, place.parents(), row.slot)) {
        s.text("introducedLater", "óþekkt");
    }
}

fn hand(world: &World, kind: Kind, row: Row, s: &mut impl Shape) {
    match kind {
        Kind::TimeEntry => time_entry::shape(world, row, s),
        Kind::Agreement => agreement::shape(world, row, s),
        Kind::Company => company::shape(world, row, s),
        Kind::ExpenseEntry => expense::shape(world, row, s),
        Kind::ProductItem => product::shape(world, row, s),
        Kind::Invoice => invoice::shape(world, row, s),
        Kind::Member => member::shape(world, row, s),
        Kind::UnpostedInvoice => unposted::shape(world, row, s),
    }
}

/// Walks the properties of an object that there is once, of this schema, behind a path.
pub(crate) fn single(world: &World, schema: usize, path: &str, s: &mut impl Shape) {
    made::single(world, schema, path, s);
}

/// When a row last changed; every entity answers to it, also one that doesn't show it.
pub(crate) fn last_updated(world: &World, place: Place, row: Row) -> i64 {
    match world.plan(place).maker {
        Maker::Hand(Kind::TimeEntry) => time_entry::last_updated(world, row),
        Maker::Hand(Kind::Agreement) => agreement::last_updated(world, row),
        Maker::Hand(Kind::Company) => company::last_updated(world, row),
        Maker::Hand(Kind::ExpenseEntry) => expense::last_updated(world, row),
        Maker::Hand(Kind::ProductItem) => product::last_updated(world, row),
        Maker::Hand(Kind::Invoice) => invoice::last_updated(world, row),
        Maker::Hand(Kind::Member) => member::last_updated(world, row),
        Maker::Hand(Kind::UnpostedInvoice) => unposted::last_updated(world, row),
        _ => made::last_updated(world, place, row),
    }
}
