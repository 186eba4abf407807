//! Models that can't be computed over tables that somebody hands over.

use std::fmt::Display;

use super::{Error, Kind};

impl Error {
    /// A name that no fact or dimension with a SELECT has.
    pub(crate) fn unknown_model(name: &str, advice: &str) -> Self {
        Self::new(Kind::Usage, format!("there is no fact or dimension {name:?}: {advice}"))
    }

    /// A table without columns that its rows need.
    pub(crate) fn missing_columns(table: &str, columns: &[&str]) -> Self {
        let columns = columns.join(", ");
        Self::new(
            Kind::Usage,
            format!(
                "{table} lacks {columns}: its columns are named as in silver, agreementId for the API's agreement.id"
            ),
        )
    }

    /// A column whose type has nothing to do with that of its contract.
    pub(crate) fn unfit_column(table: &str, column: &str, found: impl Display, wanted: &str) -> Self {
        Self::new(Kind::Usage, format!("{table} has {found} in {column}, where {wanted} is needed"))
    }

    /// Values that aren't of the type of their column. They aren't shown: they are somebody's data.
    pub(crate) fn unfit_values(table: &str, column: &str, wanted: &str, count: usize, row: usize) -> Self {
        let values = if count == 1 { "a value".to_owned() } else { format!("{count} values") };
        let first = if count == 1 { "in" } else { "the first in" };
        Self::new(Kind::Usage, format!("{table} has {values} in {column} where {wanted} is needed, {first} row {row}"))
    }

    /// A row that nothing tells from others.
    pub(crate) fn no_key(table: &str, key: &str, row: usize) -> Self {
        Self::new(Kind::Usage, format!("{table} has no {key} in row {row}"))
    }

    /// Two rows of one record.
    pub(crate) fn double_key(table: &str, key: &str, value: &str) -> Self {
        Self::new(Kind::Usage, format!("{table} has two rows with {key} {value}: hand over one row of each record"))
    }

    /// Batches of a table that aren't of one schema.
    pub(crate) fn unjoined_batches(table: &str) -> Self {
        Self::new(Kind::Usage, format!("the batches of {table} have different columns"))
    }

    /// Computed rows that aren't those of their model's contract.
    pub(crate) fn uncontracted_rows(model: &str) -> Self {
        Self::new(Kind::Contract, format!("the rows of {model} break its contract"))
    }
}
