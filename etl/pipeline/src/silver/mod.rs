//! Silver: bronze flattened into typed columns, one row a key, rows that are gone at the source kept as deleted.
//!
//! | module | what it holds |
//! |---|---|
//! | `layout` | which columns are stored: the contract under the privacy policy, and custom fields |
//! | `custom`, `custom_value` | custom fields as typed columns |
//! | `guard` | what JSON texts may not hold |
//! | `flatten` | a bronze batch into a silver batch |
//! | `value`, `json` | single values: decimals, days, instants, arrays as text |
//! | `fingerprint` | whether content changed |
//! | `read` | the rows that a change can have reached: one a key, changed ones, those that are gone |
//! | `deleted` | rows that are gone at the source, kept |
//! | `full`, `incremental` | the two ways to build a table |
//! | `history` | every version of a record |
//! | `verify` | whether a table is what bronze gives |
//! | `report` | what a build did |
//!
//! The contract of the columns is [`contract::silver`](connectwise_extract::contract::silver()).

mod custom;
mod custom_value;
mod deleted;
mod fingerprint;
mod flatten;
mod full;
mod guard;
pub mod history;
mod incremental;
mod json;
mod layout;
mod read;
mod value;
pub(crate) mod verify;

use std::time::Instant;

use arrow::datatypes::SchemaRef;
use chrono::{DateTime, Utc};
use connectwise_extract::contract;
use connectwise_extract::privacy::Privacy;
use connectwise_lakehouse::{
    Commit, Doubt, Lake, Layer, TableName, TableState, Versions, retry_on_conflict, same_schema,
};
use connectwise_sdk::catalog::Entity;

use crate::error::{Error, Kind, Result};
pub use crate::telemetry::build::{Mode, Outcome, TableReport, Unreadable};
use custom::COMMENT;
pub use custom::{CustomField, custom_fields};
pub(crate) use fingerprint::{Content, Fingerprinter};
use layout::Layout;
pub use layout::{Policy, policy};
pub(crate) use layout::{dropped, is_hashed};

/// Mark that a silver commit leaves: the bronze version that it has seen.
const BRONZE_MARK: &str = "bronze";
/// Mark that a silver commit leaves: which bronze table that was, as one that was made anew begins again at version 0.
const BRONZE_IDENTITY: &str = "bronze-table";

/// The Arrow schema of an entity's silver table where everything personal is kept, without custom fields.
pub fn schema(entity: &Entity) -> SchemaRef {
    contract::silver(entity)
}

/// The Arrow schema of an entity's silver table under a policy, without custom fields, whose columns the data brings.
///
/// # Errors
/// [`Kind::Config`] when the policy hashes a column and there is no key.
pub fn stored_schema(entity: &Entity, privacy: &Privacy) -> Result<SchemaRef> {
    Ok(Layout::new(entity, privacy, Vec::new())?.schema().clone())
}

/// Builds the silver table of `entity` from its bronze table, in one commit or none.
///
/// [`Mode::Full`] reads all of bronze and replaces the table where its content differs; keys that bronze no longer has
/// stay as deleted rows. [`Mode::Incremental`] does nothing when bronze is at the version that the last commit saw, else
/// merges the rows whose content hash differs. It falls back to a full build when there is no table yet or its columns
/// are no longer those of the contract under this policy, or when somebody else changed its rows ([`Lake::examine`]): a changed
/// policy, and a changed key of its hashes, rewrite the table. When another run was faster, the build starts over from what
/// that one left.
///
/// # Errors
/// [`Kind::Lake`] or [`Kind::Sql`] when a table can't be read or
/// written, [`Kind::Contract`] when bronze isn't what the catalogue declares. The silver
/// table is then as it was.
pub async fn build(
    lake: &Lake,
    entity: &Entity,
    privacy: &Privacy,
    mode: Mode,
    run_id: &str,
    started: DateTime<Utc>,
) -> Result<TableReport> {
    let clock = Instant::now();
    retry_on_conflict(&TableName::silver(entity.table), async || {
        let tables = [TableName::bronze(entity.table), TableName::silver(entity.table)];
        let versions = Versions::note(lake, tables).await?;
        match attempt(lake, entity, privacy, mode, run_id, started).await {
            Ok(report) => Ok(report.took(clock)),
            // What was compared holds no longer: bronze, silver and the columns are looked at again.
            Err(error) => Err(versions.judge(lake, error).await),
        }
    })
    .await
}

async fn attempt(
    lake: &Lake,
    entity: &Entity,
    privacy: &Privacy,
    mode: Mode,
    run_id: &str,
    started: DateTime<Utc>,
) -> Result<TableReport> {
    let table = TableName::silver(entity.table);
    let input = TableName::bronze(entity.table);
    let Some(bronze) = lake.examine(&input).await? else {
        return Ok(TableReport::no_input(table));
    };
    if let Some(doubt) = bronze.doubt {
        return Err(unbelieved(&input, &doubt, &table));
    }
    let examined = lake.examine(&table).await?;
    let at = examined.as_ref().map(|examined| examined.state.version);
    let doubt = examined.as_ref().and_then(|examined| examined.doubt.clone());
    let silver = match &examined {
        Some(examined) => lake.believed(&table, examined).await?,
        None => None,
    };
    let step = Step {
        lake,
        entity,
        privacy,
        run_id,
        started,
        bronze: bronze.state.version,
        identity: bronze.state.identity,
        at,
    };
    if let (Mode::Incremental, Some(state), None) = (mode, &silver, &doubt) {
        let layout = Layout::new(entity, privacy, custom::stored(&state.schema))?;
        if layout.is_that_of(&state.schema) {
            let seen = seen(lake, &table, (BRONZE_MARK, BRONZE_IDENTITY), step.identity).await?;
            if seen == i64::try_from(step.bronze).ok() {
                return Ok(TableReport::unchanged(table, state.version));
            }
            return incremental::build(&step, state, layout, seen).await;
        }
    }
    let taken = match &silver {
        Some(state) => Layout::new(entity, privacy, custom::stored(&state.schema))?.taken(&state.schema),
        None => Vec::new(),
    };
    let built = full::build(&step, silver.as_ref(), doubt.is_some()).await?;
    Ok(built.rebuilt(doubt.as_ref()).took_away(&taken))
}

/// The version of its input that a table was made from, by the marks of it and of which table that was. `None` where that was
/// another one; older versions of this program didn't say which.
async fn seen(lake: &Lake, table: &TableName, (version, which): (&str, &str), identity: i64) -> Result<Option<i64>> {
    let was = lake.mark(table, which).await?;
    Ok(lake.mark(table, version).await?.filter(|_| was.is_none_or(|was| was == identity)))
}

/// What is said where a table isn't made from another because that one isn't to be believed.
pub(crate) fn unbelieved(input: &TableName, doubt: &Doubt, table: &TableName) -> Error {
    let layer = input.layer;
    let how = if layer == Layer::Bronze { "reads" } else { "builds" };
    let what = format!("{input} {doubt}, so that {table} is as it was: `run --layers {layer}` {how} it again first");
    Error::new(Kind::Contract, what)
}

/// One build: of what, for which run, from which version.
struct Step<'a> {
    lake: &'a Lake,
    entity: &'a Entity,
    privacy: &'a Privacy,
    run_id: &'a str,
    started: DateTime<Utc>,
    bronze: u64,
    identity: i64,
    /// The version of the table that was examined.
    at: Option<u64>,
}

impl Step<'_> {
    fn table(&self) -> TableName {
        TableName::silver(self.entity.table)
    }

    /// Brings the captions of custom fields up to date, each in a commit that holds no rows. The version after them.
    async fn captions(&self, silver: &TableState, layout: &Layout) -> Result<u64> {
        let mut version = silver.version;
        for column in &layout.custom {
            let stored = silver.schema.field_with_name(&column.name).ok();
            if stored.is_some_and(|field| field.metadata().get(COMMENT) != Some(&column.caption)) {
                let commit = Commit::new(self.run_id).upon(Some(version));
                version = self.lake.comment(&self.table(), &column.name, &column.caption, &commit).await?;
            }
        }
        Ok(version)
    }

    /// A commit upon the version of the table that rows were compared with, `None` where there is no table yet.
    fn commit(&self, silver: Option<u64>) -> Commit {
        Commit::new(self.run_id)
            .mark(BRONZE_MARK, i64::try_from(self.bronze).unwrap_or(i64::MAX))
            .mark(BRONZE_IDENTITY, self.identity)
            .upon(silver)
    }
}

/// Whether a stored table has the columns of a schema, by name, order and type.
pub(crate) fn same_columns(state: &TableState, schema: &SchemaRef) -> bool {
    same_schema(&state.schema, schema)
}
