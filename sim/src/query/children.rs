//! `childConditions` and `customFieldConditions`: what one item of a collection has to pass.

use serde_json::Value as Json;

use super::eval::Condition;
use super::names::Names;
use super::parse::{Expression, read};
use super::{Refusal, resolve};
use crate::tree;

/// A row passes if one item of the collection does.
#[derive(Debug)]
pub(crate) struct Children {
    collection: &'static str,
    condition: Condition,
}

impl Children {
    /// Reads `childConditions`: every name starts with the same collection.
    pub(super) fn read(names: Names, text: &str) -> Result<Self, Refusal> {
        let expression = read(names.grammar, text)?;
        let mut collections = Vec::new();
        let inner = without_collection(&expression, &mut collections)?;
        collections.dedup_by(|a, b| a.eq_ignore_ascii_case(b));
        let [collection] = collections.as_slice() else {
            return Err(Refusal::condition("childConditions can name one collection only."));
        };
        let (collection, items) = names.items(collection).ok_or_else(|| Refusal::unknown(collection))?;
        Ok(Self { collection, condition: resolve::resolve(items, &inner)? })
    }

    /// Reads `customFieldConditions`.
    pub(super) fn custom_fields(names: Names, text: &str) -> Result<Self, Refusal> {
        let expression = read(names.grammar, text)?;
        refuse_in(&expression)?;
        let (collection, items) = names.items("customFields").ok_or_else(|| Refusal::unknown("customFields"))?;
        Ok(Self { collection, condition: resolve::resolve(items, &expression)? })
    }

    pub(crate) fn holds(&self, row: &Json) -> bool {
        let mut probe = self.condition.probe();
        let items = row.get(self.collection).and_then(Json::as_array);
        items.into_iter().flatten().any(|item| {
            probe.begin();
            tree::visit(item, &mut probe);
            self.condition.holds(&probe)
        })
    }
}

fn not_here() -> Refusal {
    Refusal::condition("The operator 'in' can't be used in childConditions and customFieldConditions.")
}

fn refuse_in(expression: &Expression) -> Result<(), Refusal> {
    match expression {
        Expression::All(parts) | Expression::Any(parts) => parts.iter().try_for_each(refuse_in),
        Expression::In { .. } => Err(not_here()),
        Expression::Compare { .. } | Expression::Like { .. } => Ok(()),
    }
}

/// The expression with names that start within the collection, and the collections that it named.
fn without_collection(expression: &Expression, collections: &mut Vec<String>) -> Result<Expression, Refusal> {
    let mut cut = |path: &str| {
        let (collection, rest) = path.split_once('/').ok_or_else(|| Refusal::unknown(path))?;
        collections.push(collection.to_owned());
        Ok(rest.to_owned())
    };
    Ok(match expression {
        Expression::In { .. } => return Err(not_here()),
        Expression::Compare { path, operator, value } => {
            Expression::Compare { path: cut(path)?, operator: *operator, value: value.clone() }
        }
        Expression::Like { path, negated, contains, pattern } => {
            Expression::Like { path: cut(path)?, negated: *negated, contains: *contains, pattern: pattern.clone() }
        }
        Expression::All(parts) => {
            Expression::All(parts.iter().map(|part| without_collection(part, collections)).collect::<Result<_, _>>()?)
        }
        Expression::Any(parts) => {
            Expression::Any(parts.iter().map(|part| without_collection(part, collections)).collect::<Result<_, _>>()?)
        }
    })
}
