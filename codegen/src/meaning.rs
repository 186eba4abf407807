//! What a column means beyond its shape: the rules of `lake.toml`, each of which must match something.

use std::cell::Cell;

use crate::error::{Kind, Result};
use crate::lake::{Entity, Shared};
use crate::pattern::{is_optional, matches, plain};
use crate::schema::Shape;

/// What a value means beyond its shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    Plain,
    Decimal,
    Date,
    Instant,
    Secret,
    Personal,
}

/// A pattern and what it declares.
#[derive(Debug)]
struct Rule<'a> {
    list: &'static str,
    pattern: &'a str,
    meaning: Meaning,
    hit: Cell<bool>,
}

/// A set of rules with one owner.
#[derive(Debug)]
pub(crate) struct Rules<'a> {
    owner: &'a str,
    rules: Vec<Rule<'a>>,
}

impl<'a> Rules<'a> {
    pub(crate) fn shared(shared: &'a Shared) -> Self {
        Self { owner: "[shared]", rules: list("decimals", &shared.decimals, Meaning::Decimal).collect() }
    }

    pub(crate) fn of(entity: &'a Entity) -> Self {
        let rules = list("dates", &entity.dates, Meaning::Date)
            .chain(list("instants", &entity.instants, Meaning::Instant))
            .chain(list("decimals", &entity.decimals, Meaning::Decimal))
            .chain(list("secrets", &entity.secrets, Meaning::Secret))
            .chain(list("personal", &entity.personal, Meaning::Personal))
            .collect();
        Self { owner: &entity.name, rules }
    }

    /// Meaning of the column at a path (`member/dailyCapacity`) by an entity's own rules: a rule that names a value
    /// which cannot mean that is an error.
    pub(crate) fn declared(&self, path: &str, shape: &Shape) -> Result<Option<Meaning>> {
        let mut found: Option<&Rule<'_>> = None;
        for rule in self.rules.iter().filter(|rule| matches(plain(rule.pattern), path)) {
            rule.hit.set(true);
            if !rule.meaning.fits(shape) {
                let (owner, path) = (self.owner.to_owned(), path.to_owned());
                return Err(Kind::RuleMisfit { owner, list: rule.list, path, kind: shape.label() }.into());
            }
            match found {
                Some(first) if first.meaning != rule.meaning => {
                    let (owner, path) = (self.owner.to_owned(), path.to_owned());
                    return Err(Kind::RuleTwice { owner, path, first: first.list, second: rule.list }.into());
                }
                _ => found = Some(rule),
            }
        }
        Ok(found.map(|rule| rule.meaning))
    }

    /// Meaning of a property by name, at any depth: only numbers and plain texts can have it.
    pub(crate) fn by_name(&self, name: &str, shape: &Shape) -> Option<Meaning> {
        let mut found = None;
        for rule in self.rules.iter().filter(|rule| matches(plain(rule.pattern), name)) {
            if matches!(shape, Shape::Double | Shape::Text) {
                rule.hit.set(true);
                found = found.or(Some(rule.meaning));
            }
        }
        found
    }

    /// Complains about the first rule that matched nothing.
    pub(crate) fn all_hit(&self) -> Result<()> {
        match self.rules.iter().find(|rule| !rule.hit.get() && !is_optional(rule.pattern)) {
            None => Ok(()),
            Some(rule) => {
                let (owner, pattern) = (self.owner.to_owned(), rule.pattern.to_owned());
                Err(Kind::RuleDead { owner, list: rule.list, pattern }.into())
            }
        }
    }
}

fn list<'a>(list: &'static str, patterns: &'a [String], meaning: Meaning) -> impl Iterator<Item = Rule<'a>> {
    patterns.iter().map(move |pattern| Rule { list, pattern, meaning, hit: Cell::new(false) })
}

impl Meaning {
    fn fits(self, shape: &Shape) -> bool {
        match self {
            Self::Plain | Self::Personal => true,
            Self::Decimal => matches!(shape, Shape::Double | Shape::Text | Shape::Int32 | Shape::Int64),
            Self::Date => matches!(shape, Shape::Timestamp | Shape::Text),
            Self::Instant => matches!(shape, Shape::Text),
            Self::Secret => matches!(shape, Shape::Text | Shape::Any),
        }
    }

    /// Variant of the SDK's enumeration.
    pub(crate) fn variant(self) -> &'static str {
        match self {
            Self::Plain => "Plain",
            Self::Decimal => "Decimal",
            Self::Date => "Date",
            Self::Instant => "Instant",
            Self::Secret => "Secret",
            Self::Personal => "Personal",
        }
    }
}
