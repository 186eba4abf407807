//! The types of columns that a project adds to silver, for properties that the interface document lacks.

use arrow::datatypes::{DataType, Field};
use serde::{Deserialize, Serialize};

use super::silver::{DECIMAL, Origin, Personal, SilverColumn, camel, instant, legal};

/// What the values of such a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ExtraType {
    /// Text; numbers and booleans as they are written.
    String,
    /// A whole number of 64 bits.
    Integer,
    /// A number with [`DECIMAL`] digits.
    Decimal,
    /// True or false.
    Boolean,
    /// A calendar day.
    Date,
    /// An instant.
    Timestamp,
}

impl ExtraType {
    /// All of them.
    const ALL: [Self; 6] = [Self::String, Self::Integer, Self::Decimal, Self::Boolean, Self::Date, Self::Timestamp];

    /// As configuration spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Integer => "integer",
            Self::Decimal => "decimal",
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::Timestamp => "timestamp",
        }
    }

    /// The type that is spelled so.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The Arrow type, as other columns of silver have it.
    pub fn data_type(self) -> DataType {
        match self {
            Self::String => DataType::Utf8,
            Self::Integer => DataType::Int64,
            Self::Decimal => DataType::Decimal128(DECIMAL.0, DECIMAL.1),
            Self::Boolean => DataType::Boolean,
            Self::Date => DataType::Date32,
            Self::Timestamp => instant(),
        }
    }
}

impl SilverColumn {
    /// The column of a property that the interface document lacks, called after its path as other columns are.
    pub fn extra(path: Vec<String>, kind: ExtraType, personal: Option<Personal>) -> Self {
        let steps: Vec<&str> = path.iter().map(String::as_str).collect();
        let field = Field::new(legal(&camel(&steps)), kind.data_type(), true);
        Self { field, origin: Origin::Rescued(path, kind), personal }
    }
}
