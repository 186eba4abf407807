//! Where a table is: its layer and its name.

use std::fmt;
use std::str::FromStr;

/// Why a text names no layer or no table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoName(String);

impl fmt::Display for NoName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NoName {}

/// Longest name of a table that every reader takes, Fabric's SQL endpoint among them.
const LONGEST: usize = 128;

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
    type Err = NoName;

    fn from_str(text: &str) -> Result<Self, NoName> {
        Self::ALL
            .into_iter()
            .find(|layer| layer.name().eq_ignore_ascii_case(text.trim()))
            .ok_or_else(|| NoName(format!("there is no layer {text:?}: the layers are bronze, silver and gold")))
    }
}

/// Where tables are below the root of a lakehouse.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Layout {
    /// `<layer>/<table>`. In a Fabric lakehouse with schemas, each layer is a schema.
    #[default]
    Schemas,
    /// `<table>`, for a Fabric lakehouse without schemas, which finds no tables elsewhere. No two layers have a table of the same name.
    Flat,
}

impl Layout {
    /// The folder of a table, with a slash at its end.
    #[must_use]
    pub fn folder(self, table: &TableName) -> String {
        match self {
            Self::Schemas => format!("{}/{}/", table.layer, table.name),
            Self::Flat => format!("{}/", table.name),
        }
    }
}

impl FromStr for Layout {
    type Err = NoName;

    fn from_str(text: &str) -> Result<Self, NoName> {
        match text.trim().to_ascii_lowercase().as_str() {
            "schemas" => Ok(Self::Schemas),
            "flat" => Ok(Self::Flat),
            _ => Err(NoName(format!("there is no layout {text:?}: it is schemas (<layer>/<table>) or flat (<table>)"))),
        }
    }
}

/// A table of the lakehouse: `<lakehouse>/<layer>/<name>`, or `<lakehouse>/<name>` in a [flat](Layout::Flat) one.
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

    /// Whether a text can be the name of a table: letters, digits and underscores, no digit in front. Whatever else it held
    /// would lead to another folder.
    pub fn is_name(text: &str) -> bool {
        let is_letter = |letter: char| letter.is_ascii_alphabetic() || letter == '_';
        text.len() <= LONGEST
            && text.starts_with(is_letter)
            && text.chars().all(|letter| is_letter(letter) || letter.is_ascii_digit())
    }

    /// Refuses what is no name. Every path of a table is made behind this.
    ///
    /// # Errors
    /// Why it is none.
    pub fn check(&self) -> Result<(), NoName> {
        if Self::is_name(&self.name) {
            return Ok(());
        }
        let why = "is no name for a table: it has letters, digits and underscores, 128 at most, and no digit in front";
        Err(NoName(format!("{:?} {why}", self.name)))
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.layer, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_leads_to_another_folder() {
        for name in ["dimcompany", "_x", "Fact_2", &"a".repeat(LONGEST)] {
            assert!(TableName::gold(name).check().is_ok(), "{name}");
        }
        let wrong = [
            "",
            ".",
            "..",
            "../x",
            "a/b",
            "a\\b",
            "dimcompany#x",
            "dimcompany?x",
            "%2e%2e",
            "a b",
            "2x",
            "*",
            "þ",
            "a\0",
        ];
        for name in wrong.into_iter().chain([&*"a".repeat(LONGEST + 1)]) {
            let error = TableName::gold(name).check().unwrap_err();
            assert!(error.to_string().contains("is no name for a table"), "{name:?}: {error}");
        }
    }

    #[test]
    fn a_layout_says_where_tables_are() {
        let table = TableName::gold("dimdate");
        assert_eq!("Schemas".parse::<Layout>().unwrap().folder(&table), "gold/dimdate/");
        assert_eq!("flat".parse::<Layout>().unwrap().folder(&table), "dimdate/");
        let error = "layers".parse::<Layout>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "there is no layout \"layers\": it is schemas (<layer>/<table>) or flat (<table>)"
        );
    }

    #[test]
    fn names_are_folders() {
        assert_eq!(TableName::bronze("timeentry").to_string(), "bronze/bronze_cw_timeentry");
        assert_eq!(TableName::gold("dimdate").to_string(), "gold/dimdate");
        assert_eq!("GOLD".parse::<Layer>().unwrap(), Layer::Gold);
        assert!("lead".parse::<Layer>().is_err());
    }
}
