//! A change of single properties, as JSON Patch.

use serde::Serialize;
use serde_json::Value;

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
