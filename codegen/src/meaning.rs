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
    Name,
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
        let rules = list("decimals", &shared.decimals, Meaning::Decimal)
            .chain(list("personal", &shared.personal, Meaning::Personal))
            .chain(list("names", &shared.names, Meaning::Name))
            .collect();
        Self { owner: "[shared]", rules }
    }

    pub(crate) fn of(entity: &'a Entity) -> Self {
        let rules = list("dates", &entity.dates, Meaning::Date)
            .chain(list("instants", &entity.instants, Meaning::Instant))
            .chain(list("decimals", &entity.decimals, Meaning::Decimal))
            .chain(list("secrets", &entity.secrets, Meaning::Secret))
            .chain(list("personal", &entity.personal, Meaning::Personal))
            .chain(list("names", &entity.names, Meaning::Name))
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
                let owner = self.owner.to_owned();
                let path = path.to_owned();
                return Err(Kind::RuleMisfit { owner, list: rule.list, path, kind: shape.label() }.into());
            }
            match found {
                Some(first) if first.meaning != rule.meaning => {
                    let owner = self.owner.to_owned();
                    let path = path.to_owned();
                    return Err(Kind::RuleTwice { owner, path, first: first.list, second: rule.list }.into());
                }
                _ => found = Some(rule),
            }
        }
        Ok(found.map(|rule| rule.meaning))
    }

    /// Meaning of the value at a path by rules for every entity, which hold at any depth: only plain texts, and
    /// numbers where they are decimals, can have it.
    pub(crate) fn at_any_depth(&self, path: &str, shape: &Shape) -> Option<Meaning> {
        let mut found = None;
        for rule in self.rules.iter().filter(|rule| matches(plain(rule.pattern), end(path, rule.pattern))) {
            if matches!(shape, Shape::Text) || (matches!(shape, Shape::Double) && rule.meaning == Meaning::Decimal) {
                rule.hit.set(true);
                found = found.or(Some(rule.meaning));
            }
        }
        found
    }

    /// Complaints about the rules that matched nothing.
    pub(crate) fn unused(&self) -> Vec<Kind> {
        let unused = self.rules.iter().filter(|rule| !rule.hit.get() && !is_optional(rule.pattern));
        let complaint = |rule: &Rule<'_>| {
            let owner = self.owner.to_owned();
            Kind::RuleDead { owner, list: rule.list, pattern: rule.pattern.to_owned() }
        };
        unused.map(complaint).collect()
    }
}

/// The last steps of a path, as many as the pattern has.
fn end<'a>(path: &'a str, pattern: &str) -> &'a str {
    let steps = pattern.matches('/').count();
    path.rmatch_indices('/').nth(steps).map_or(path, |(at, _)| &path[at + 1..])
}

fn list<'a>(list: &'static str, patterns: &'a [String], meaning: Meaning) -> impl Iterator<Item = Rule<'a>> {
    patterns.iter().map(move |pattern| Rule { list, pattern, meaning, hit: Cell::new(false) })
}

impl Meaning {
    fn fits(self, shape: &Shape) -> bool {
        match self {
            Self::Plain | Self::Personal | Self::Name => true,
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
            Self::Name => "Name",
        }
    }
}
