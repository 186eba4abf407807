//! Silver: bronze flattened into typed columns, one row a key, rows that are gone at the source kept as deleted.
//!
//! | module | what it holds |
//! |---|---|
//! | `flatten` | a bronze batch into a silver batch |
//! | `value`, `json` | single values: decimals, days, instants, arrays as text |
//! | `fingerprint` | whether content changed |
//! | `full`, `incremental` | the two ways to build a table |
//! | `report` | what a build did |
//!
//! The contract of the columns is [`contract::silver`](crate::contract::silver()).

mod fingerprint;
mod flatten;
mod full;
mod incremental;
mod json;
mod report;
mod value;

use std::time::Instant;

use arrow::datatypes::SchemaRef;
use chrono::{DateTime, Utc};
use connectwise_sdk::catalog::Entity;

pub(crate) use fingerprint::{Content, Fingerprinter};
pub use flatten::Unreadable;
pub use report::{Mode, Outcome, TableReport};

use crate::contract;
use crate::error::Result;
use crate::lake::{Commit, Lake, TableName, TableState};

/// Mark that a silver commit leaves: the bronze version that it has seen.
const BRONZE_MARK: &str = "bronze";

/// The Arrow schema of an entity's silver table.
pub fn schema(entity: &Entity) -> SchemaRef {
    contract::silver(entity)
}

/// Builds the silver table of `entity` from its bronze table, in one commit or none.
///
/// [`Mode::Full`] reads all of bronze and replaces the table where its content differs; keys that bronze no longer has
/// stay as deleted rows. [`Mode::Incremental`] does nothing when bronze is at the version that the last commit saw, else
/// merges the rows whose content hash differs. It falls back to a full build when there is no table yet or its columns
/// are no longer those of the contract.
///
/// # Errors
/// [`Kind::Lake`](crate::error::Kind::Lake) or [`Kind::Sql`](crate::error::Kind::Sql) when a table can't be read or
/// written, [`Kind::Contract`](crate::error::Kind::Contract) when bronze isn't what the catalogue declares. The silver
/// table is then as it was.
pub async fn build(
    lake: &Lake,
    entity: &Entity,
    mode: Mode,
    run_id: &str,
    started: DateTime<Utc>,
) -> Result<TableReport> {
    let clock = Instant::now();
    let table = TableName::silver(entity.table);
    let Some(bronze) = lake.state(&TableName::bronze(entity.table)).await? else {
        return Ok(TableReport::no_input(table));
    };
    let silver = lake.state(&table).await?;
    let step = Step { lake, entity, run_id, started, bronze: bronze.version };
    let report = match (mode, silver) {
        (Mode::Incremental, Some(state)) if same_columns(&state, &schema(entity)) => {
            if lake.mark(&table, BRONZE_MARK).await? == i64::try_from(bronze.version).ok() {
                return Ok(TableReport::unchanged(table, state.version));
            }
            incremental::build(&step, &state).await
        }
        (_, silver) => full::build(&step, silver.as_ref()).await,
    };
    Ok(report?.took(clock))
}

/// One build: of what, for which run, from which version.
struct Step<'a> {
    lake: &'a Lake,
    entity: &'a Entity,
    run_id: &'a str,
    started: DateTime<Utc>,
    bronze: u64,
}

impl Step<'_> {
    fn table(&self) -> TableName {
        TableName::silver(self.entity.table)
    }

    fn commit(&self) -> Commit {
        Commit::new(self.run_id).mark(BRONZE_MARK, i64::try_from(self.bronze).unwrap_or(i64::MAX))
    }
}

/// Whether a stored table has the columns of a schema, by name, order and type.
pub(crate) fn same_columns(state: &TableState, schema: &SchemaRef) -> bool {
    state.schema.fields().len() == schema.fields().len()
        && state.schema.fields().iter().zip(schema.fields()).all(|(stored, declared)| {
            stored.name() == declared.name() && stored.data_type().equals_datatype(declared.data_type())
        })
}
