//! Generated rows: a pure function of seed, entity and row number.

mod agreement;
mod company;
mod expense;
mod invoice;
mod member;
pub(crate) mod names;
mod product;
mod refs;
pub(crate) mod rng;
pub(crate) mod shape;
mod time_entry;
mod unposted;
mod work;
pub(crate) mod world;

use crate::kind::Kind;
use shape::Shape;
use world::{Row, World};

/// Walks the properties of a row, in the order in which the API writes them.
pub(crate) fn shape(world: &World, kind: Kind, row: Row, s: &mut impl Shape) {
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

/// When a row last changed; every entity answers to it, also one that doesn't show it.
pub(crate) fn last_updated(world: &World, kind: Kind, row: Row) -> i64 {
    match kind {
        Kind::TimeEntry => time_entry::last_updated(world, row),
        Kind::Agreement => agreement::last_updated(world, row),
        Kind::Company => company::last_updated(world, row),
        Kind::ExpenseEntry => expense::last_updated(world, row),
        Kind::ProductItem => product::last_updated(world, row),
        Kind::Invoice => invoice::last_updated(world, row),
        Kind::Member => member::last_updated(world, row),
        Kind::UnpostedInvoice => unposted::last_updated(world, row),
    }
}
