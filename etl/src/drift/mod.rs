//! What the live API has and the interface document doesn't: properties, types and values; and which of the document's
//! properties have never had a value. Found in passing, in the rows that runs read, and kept with the run that saw it first.

mod store;
mod tally;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub(crate) use store::News;
pub use store::{Memory, read};
pub use tally::Tally;

/// How a row deviates from the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DriftKind {
    /// A property that the document doesn't have; its value is in `_rescued`.
    Property,
    /// A value of another type or size than the document says; it is in `_rescued`.
    Type,
    /// A value of an enumeration that the document doesn't list; it is in its column like any other.
    Value,
}

impl DriftKind {
    /// As in the table `etl_drift`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Property => "property",
            Self::Type => "type",
            Self::Value => "value",
        }
    }
}

/// One way in which rows deviate.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deviation {
    /// What it is about.
    pub kind: DriftKind,
    /// Path of the property, `*` for every element of an array.
    pub path: String,
    /// The JSON type that was found, or the value of the enumeration.
    pub found: String,
}

/// A deviation as the lakehouse knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Known {
    /// Entity.
    pub entity: String,
    /// What it is about.
    pub kind: DriftKind,
    /// Path of the property.
    pub path: String,
    /// The JSON type that was found, or the value of the enumeration.
    pub found: String,
    /// How many rows or values of the first run that saw it showed it.
    pub count: u64,
    /// Start of that run.
    pub first_seen: DateTime<Utc>,
    /// Its name.
    pub run_id: String,
}

/// Properties of the document that no row has ever had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Unseen {
    /// Entity.
    pub entity: &'static str,
    /// How many properties it has, those within objects included.
    pub properties: usize,
    /// Those never seen; what lies within one of them isn't listed.
    pub never_seen: Vec<String>,
}

/// What a lakehouse knows of the drift between API and document.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Drift {
    /// Version of the document.
    pub api_version: &'static str,
    /// What the document doesn't have, by entity.
    pub deviations: Vec<Known>,
    /// What only the document has, for entities of which rows were read.
    pub unseen: Vec<Unseen>,
}
