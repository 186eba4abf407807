//! `lake.toml`: which resources become tables, and what their values mean.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use crate::error::{Error, Result};

/// The contents of `lake.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lake {
    /// Rules for every entity.
    #[serde(default)]
    pub shared: Shared,
    /// The entities, in the order of their tables.
    #[serde(default, rename = "entity")]
    pub entities: Vec<Entity>,
}

/// Rules for every entity, at any depth.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shared {
    /// Money, rates, hours or quantities. These and the others are property names or the last steps of a path, with `*`.
    #[serde(default)]
    pub decimals: Vec<String>,
    /// Personal data that no report needs.
    #[serde(default)]
    pub personal: Vec<String>,
    /// Names of people who are no members.
    #[serde(default)]
    pub names: Vec<String>,
}

/// One resource that becomes a table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entity {
    /// What the tables are called after.
    pub name: String,
    /// Schema name, where it is another one: one schema can be listed at two paths, or have a name that says too little.
    pub schema: Option<String>,
    /// List path.
    pub path: String,
    /// Property that identifies a record.
    #[serde(default = "default_key")]
    pub key: String,
    /// Where rows go that leave the list in numbers as work is done.
    pub drains: Option<Drain>,
    /// How the table is kept fresh.
    pub load: Load,
    /// What the list hangs on, where each row of another entity has one of its own.
    pub parent: Option<Parent>,
    /// Path of the change time in conditions.
    #[serde(default = "default_watermark")]
    pub watermark: String,
    /// Business date -> days before the watermark.
    #[serde(default)]
    pub windows: BTreeMap<String, u32>,
    /// Properties that mean a calendar day.
    #[serde(default)]
    pub dates: Vec<String>,
    /// Texts that hold an instant.
    #[serde(default)]
    pub instants: Vec<String>,
    /// Money, rates, hours or quantities beyond the shared patterns.
    #[serde(default)]
    pub decimals: Vec<String>,
    /// Never shown, never stored beyond bronze.
    #[serde(default)]
    pub secrets: Vec<String>,
    /// Personal data that no report needs.
    #[serde(default)]
    pub personal: Vec<String>,
    /// Names of people who are no members.
    #[serde(default)]
    pub names: Vec<String>,
    /// Whether silver keeps every version of a record, with the time in which it was valid.
    #[serde(default)]
    pub history: bool,
    /// Whether it is loaded only where somebody asks for it.
    #[serde(default)]
    pub on_request: bool,
}

impl Entity {
    /// Name of the schema that the path lists.
    #[must_use]
    pub fn schema(&self) -> &str {
        self.schema.as_deref().unwrap_or(&self.name)
    }

    /// An entity that says nothing but where it is.
    pub(crate) fn bare(path: &str) -> Self {
        Self {
            name: String::new(),
            schema: None,
            path: path.to_owned(),
            key: default_key(),
            drains: None,
            load: Load::Snapshot,
            parent: None,
            watermark: default_watermark(),
            windows: BTreeMap::new(),
            dates: Vec::new(),
            instants: Vec::new(),
            decimals: Vec::new(),
            secrets: Vec::new(),
            personal: Vec::new(),
            names: Vec::new(),
            history: false,
            on_request: false,
        }
    }
}

/// How a table is kept fresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Load {
    /// Changed rows by server time, widened by windows over business dates.
    Incremental,
    /// The whole list, compared.
    Snapshot,
    /// The lists of changed parents, and of the others by turns.
    Children,
}

/// Where rows of a list are found again once the work at them is done.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drain {
    /// Name of the entity that they become.
    pub into: String,
    /// Property by which a row names the record that it becomes.
    pub by: String,
    /// Property that such a record has from then on.
    pub shows: String,
}

/// The entity on whose rows lists hang, and how they are read.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parent {
    /// Its name.
    pub entity: String,
    /// Path of the property by which a record names its parent.
    pub property: Option<String>,
    /// The parents that have such a list, where not all do: a condition in the API's query language.
    pub conditions: Option<String>,
    /// What bundles call the list, where it isn't the schema's name in lower case.
    pub bundle: Option<String>,
    /// In how many runs every list is read again, whether its parent changed or not.
    #[serde(default = "default_runs")]
    pub runs: u32,
}

impl Lake {
    /// Reads `lake.toml`.
    ///
    /// # Errors
    /// When the file cannot be read or is not as described here.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|source| Error::read(path, source))?;
        Self::parse(path, &text)
    }

    /// Reads the text of the file; `path` is what errors call it.
    ///
    /// # Errors
    /// When the text is not as described here.
    pub fn parse(path: &Path, text: &str) -> Result<Self> {
        toml::from_str(text).map_err(|source| Error::config(path, text, source))
    }
}

/// Daily runs are through once a week.
fn default_runs() -> u32 {
    7
}

fn default_key() -> String {
    "id".to_owned()
}

fn default_watermark() -> String {
    "_info/lastUpdated".to_owned()
}
