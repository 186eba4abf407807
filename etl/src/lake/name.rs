//! Where a table is: its layer and its name.

use std::fmt;
use std::str::FromStr;

use crate::error::Error;

/// A layer of the lakehouse, and the folder of that name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layer {
    /// What the API answered, losslessly.
    Bronze,
    /// Flattened, typed, deduplicated.
    Silver,
    /// The star schema that reports read.
    Gold,
    /// What runs did: beside the data, and built by every run.
    Ledger,
}

impl Layer {
    /// The layers that a run can be asked for, in the order in which data flows through them.
    pub const ALL: [Self; 3] = [Self::Bronze, Self::Silver, Self::Gold];

    /// Lower-case name, as folders and options spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bronze => "bronze",
            Self::Silver => "silver",
            Self::Gold => "gold",
            Self::Ledger => "etl",
        }
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Layer {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|layer| layer.name().eq_ignore_ascii_case(text.trim()))
            .ok_or_else(|| Error::usage(format!("there is no layer {text:?}: the layers are bronze, silver and gold")))
    }
}

/// A table of the lakehouse: `<lakehouse>/<layer>/<name>`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableName {
    /// Layer, which is the folder.
    pub layer: Layer,
    /// Name below the layer.
    pub name: String,
}

impl TableName {
    /// The bronze table of an entity, `bronze_cw_<entity>`.
    pub fn bronze(entity: &str) -> Self {
        Self { layer: Layer::Bronze, name: format!("bronze_cw_{entity}") }
    }

    /// The silver table of an entity, `silver_cw_<entity>`.
    pub fn silver(entity: &str) -> Self {
        Self { layer: Layer::Silver, name: format!("silver_cw_{entity}") }
    }

    /// A gold table, which is called what reports call it.
    pub fn gold(name: &str) -> Self {
        Self { layer: Layer::Gold, name: name.to_owned() }
    }

    /// A table of the ledger.
    pub fn ledger(name: &str) -> Self {
        Self { layer: Layer::Ledger, name: name.to_owned() }
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.layer, self.name)
    }
}
