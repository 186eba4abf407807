//! A change of single properties, as JSON Patch.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::{Record, Rule};

/// Properties that the server alone sets.
const READ_ONLY: [&str; 2] = ["id", "_info"];

/// A list of changes that are made together.
///
/// ```
/// use connectwise_sdk::Patch;
///
/// let patch = Patch::new().replace("status/id", 5).remove("closedDate");
/// assert_eq!(
///     serde_json::to_string(&patch)?,
///     r#"[{"op":"replace","path":"status/id","value":5},{"op":"remove","path":"closedDate"}]"#
/// );
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(transparent)]
pub struct Patch {
    operations: Vec<Operation>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Operation {
    op: &'static str,
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Value>,
}

impl Patch {
    /// No change yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a property. Paths are as in conditions: `status/id`.
    #[must_use]
    pub fn replace(self, path: impl Into<String>, value: impl Into<Value>) -> Self {
        self.with("replace", path, Some(value.into()))
    }

    /// Adds a property, or an element to an array.
    #[must_use]
    pub fn add(self, path: impl Into<String>, value: impl Into<Value>) -> Self {
        self.with("add", path, Some(value.into()))
    }

    /// Empties a property.
    #[must_use]
    pub fn remove(self, path: impl Into<String>) -> Self {
        self.with("remove", path, None)
    }

    /// The changes that turn one record into another, property by property.
    ///
    /// Left out is what the server keeps for itself: `id` and `_info`, also the `_info` of references, and properties
    /// that only a create takes.
    ///
    /// ```
    /// use connectwise_sdk::{Patch, models::TimeEntry};
    ///
    /// let before = TimeEntry { id: Some(7), notes: Some("draft".to_owned()), ..TimeEntry::default() };
    /// let after = TimeEntry { notes: Some("done".to_owned()), ..before.clone() };
    /// let patch = Patch::between(&before, &after)?;
    /// assert_eq!(serde_json::to_string(&patch)?, r#"[{"op":"replace","path":"notes","value":"done"}]"#);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    ///
    /// # Errors
    /// When a record can't be written as JSON.
    pub fn between<T: Record>(before: &T, after: &T) -> serde_json::Result<Self> {
        let before = properties(before)?;
        let after = properties(after)?;
        let create_only = T::rules().iter().filter(|rule| rule.is_create_only()).map(Rule::property);
        let kept: BTreeSet<&str> = create_only.chain(READ_ONLY).collect();
        let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        let mut patch = Self::new();
        for name in names.into_iter().filter(|name| !kept.contains(name.as_str())) {
            patch = match (before.get(name), after.get(name)) {
                (old, new) if old == new => patch,
                (_, Some(new)) => patch.replace(name, without_info(new.clone())),
                (_, None) => patch.remove(name),
            };
        }
        Ok(patch)
    }

    /// Whether there is nothing to change.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }

    fn with(mut self, op: &'static str, path: impl Into<String>, value: Option<Value>) -> Self {
        self.operations.push(Operation { op, path: path.into(), value });
        self
    }
}

fn properties<T: Record>(record: &T) -> serde_json::Result<Map<String, Value>> {
    match serde_json::to_value(record)? {
        Value::Object(properties) => Ok(properties),
        _ => Ok(Map::new()),
    }
}

/// What the server says about a referenced record is no part of the reference.
fn without_info(mut value: Value) -> Value {
    match &mut value {
        Value::Object(object) => {
            object.remove("_info");
            for inner in object.values_mut() {
                *inner = without_info(inner.take());
            }
        }
        Value::Array(items) => {
            for item in items {
                *item = without_info(item.take());
            }
        }
        _ => {}
    }
    value
}
