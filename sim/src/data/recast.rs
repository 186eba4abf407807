//! A row as an older release shows it, or a later one: some properties are missing, some enumerations have new members.

use super::rng::Draw;
use super::shape::{Decimal, Shape};
use super::world::{Row, World};
use crate::document::{Of, Schema};
use crate::kind::Kind;

/// Stands between a generator and its visitor. Only the properties of the row itself are looked at.
pub(super) struct Recast<'a, S> {
    to: &'a mut S,
    world: &'a World,
    schema: Option<&'static Schema>,
    draw: Draw,
    depth: usize,
}

impl World {
    /// Whether rows of the generators differ from what they tell.
    pub(super) fn recasts(&self) -> bool {
        self.strange > 0 || !self.document.absent.is_empty()
    }
}

impl<'a, S: Shape> Recast<'a, S> {
    pub(super) fn new(world: &'a World, kind: Kind, row: Row, to: &'a mut S) -> Self {
        let schema = world.document.schema_named(kind.name());
        Self { to, world, schema, draw: world.draw(kind, row.slot), depth: 0 }
    }

    fn lacks(&self, key: &str) -> bool {
        let schema = self.schema.map(|schema| schema.name);
        self.depth == 0 && self.world.document.absent.iter().any(|(of, name)| Some(*of) == schema && *name == key)
    }
}

impl<S: Shape> Shape for Recast<'_, S> {
    fn enter(&mut self, key: &'static str) -> bool {
        let entered = !self.lacks(key) && self.to.enter(key);
        self.depth += usize::from(entered);
        entered
    }

    fn leave(&mut self) {
        self.depth -= 1;
        self.to.leave();
    }

    fn list(&mut self, key: &'static str) -> bool {
        let entered = !self.lacks(key) && self.to.list(key);
        self.depth += usize::from(entered);
        entered
    }

    fn end_list(&mut self) {
        self.depth -= 1;
        self.to.end_list();
    }

    fn item(&mut self) -> bool {
        let entered = self.to.item();
        self.depth += usize::from(entered);
        entered
    }

    fn int(&mut self, key: &'static str, value: i64) {
        if !self.lacks(key) {
            self.to.int(key, value);
        }
    }

    fn num(&mut self, key: &'static str, value: Decimal) {
        if !self.lacks(key) {
            self.to.num(key, value);
        }
    }

    fn flag(&mut self, key: &'static str, value: bool) {
        if !self.lacks(key) {
            self.to.flag(key, value);
        }
    }

    fn time(&mut self, key: &'static str, instant: i64) {
        if !self.lacks(key) {
            self.to.time(key, instant);
        }
    }

    fn text(&mut self, key: &'static str, value: &str) {
        if self.lacks(key) {
            return;
        }
        let of = self.schema.and_then(|schema| schema.member(key)).map(|member| member.of);
        let renewed =
            self.depth == 0 && matches!(of, Some(Of::Member(_))) && self.world.is_strange(self.draw.part(key));
        self.to.text(key, if renewed { "IntroducedLater" } else { value });
    }

    fn made(&mut self, key: &'static str, make: impl FnOnce(&mut String)) {
        if !self.lacks(key) {
            self.to.made(key, make);
        }
    }
}
