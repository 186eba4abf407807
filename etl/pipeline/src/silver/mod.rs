//! Silver: bronze flattened into typed columns, one row a key, rows that are gone at the source kept as deleted.
//!
//! | module | what it holds |
//! |---|---|
//! | `layout` | which columns are stored: the contract under the privacy policy, what a project adds, and custom fields |
//! | `custom`, `custom_value` | custom fields as typed columns |
//! | `extra`, `extra_value` | properties that the interface document lacks, as a project adds them |
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
mod extra;
mod extra_value;
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

use arrow::datatypes::{Schema, SchemaRef};
use chrono::{DateTime, Utc};
use connectwise_extract::contract;
use connectwise_extract::extra::ExtraColumns;
use connectwise_extract::privacy::Privacy;
use connectwise_lakehouse::{Commit, Table, TableName, as_conflict, retry_on_conflict};
use connectwise_sdk::catalog::Entity;
use connectwise_upkeep::{self as upkeep, Examined};

use crate::error::{Error, Result};
pub use crate::telemetry::build::{BuildOutcome, Mode, TableReport, Unreadable};
use custom::COMMENT;
pub use custom::{CustomField, custom_fields};
pub(crate) use fingerprint::{Content, Fingerprinter};
use layout::Layout;
pub(crate) use layout::is_hashed;
pub use layout::{Policy, policy};

/// Application of a silver commit: the bronze version that it has seen.
const BRONZE_VERSION: &str = "bronze";
/// Application of a silver commit: which commit made that version, as a table that was made anew, or put back from a backup, counts its
/// versions again.
const BRONZE_IDENTITY: &str = "bronze-table";

/// The Arrow schema of an entity's silver table where everything personal is kept, without custom fields.
pub fn schema(entity: &Entity) -> SchemaRef {
    contract::silver(entity)
}

/// The Arrow schema of an entity's silver table under a policy, without what a project adds, and without custom fields, whose columns
/// the data brings.
///
/// # Errors
/// [`Kind::Config`](crate::error::Kind::Config) when the policy hashes a column and there is no key.
pub fn stored_schema(entity: &Entity, privacy: &Privacy) -> Result<SchemaRef> {
    Ok(Layout::new(entity, privacy, Vec::new(), Vec::new())?.schema().clone())
}

/// Builds the silver table of an entity from its bronze table, in one commit or none.
///
/// [`Mode::Full`] reads all of bronze and replaces the table where its content differs; keys that bronze no longer has
/// stay as deleted rows. [`Mode::Incremental`] does nothing when bronze is at the version that the last commit saw, else
/// merges the rows whose content hash differs. It falls back to a full build when there is no table yet or its columns
/// are no longer those of the contract under this policy, or when somebody else changed its rows ([`upkeep::examine`]): a changed
/// policy, a changed key of its hashes, and a column that a project adds or takes out, rewrite the table. When another run was faster, the build starts over from what
/// that one left.
///
/// # Errors
/// [`Kind::Lake`](crate::error::Kind::Lake) or [`Kind::Sql`](crate::error::Kind::Sql) when a table can't be read or
/// written, [`Kind::Contract`](crate::error::Kind::Contract) when bronze isn't what the catalogue declares. The silver
/// table is then as it was.
pub async fn build(bronze: &Table, silver: &Table, request: &SilverRequest<'_>, mode: Mode) -> Result<TableReport> {
    let clock = Instant::now();
    let mut tables = Some((bronze.clone(), silver.clone()));
    retry_on_conflict(silver.name(), async || {
        let (bronze, silver) = match tables.take() {
            Some(tables) => tables,
            // What was compared holds no longer: bronze, silver and the columns are looked at again.
            None => (bronze.refresh().await?, silver.refresh().await?),
        };
        match attempt(&bronze, &silver, request, mode).await {
            Ok(report) => Ok(report.took(clock)),
            Err(error) => Err(as_conflict(&[&bronze, &silver], error).await),
        }
    })
    .await
}

async fn attempt(bronze: &Table, silver: &Table, request: &SilverRequest<'_>, mode: Mode) -> Result<TableReport> {
    let table = silver.name();
    let Some(input) = upkeep::examine(bronze).await? else {
        return Ok(TableReport::no_input(table.clone()));
    };
    if let Some(doubt) = &input.doubt {
        return Err(Error::unbelieved(bronze.name(), doubt, table));
    }
    let examined = upkeep::examine(silver).await?;
    let doubt = examined.as_ref().and_then(|examined| examined.doubt.clone());
    let believed = match &examined {
        Some(examined) => upkeep::believed(silver, examined).await?,
        None => None,
    };
    let step = BuildStep { bronze, input: &input, silver, request };
    if let (Mode::Incremental, Some(state), None) = (mode, silver.state(), &doubt) {
        let layout = request.layout(Some(&state.schema), custom::stored(&state.schema))?;
        if layout.is_that_of(&state.schema) {
            let seen = seen(silver, bronze, (BRONZE_VERSION, BRONZE_IDENTITY)).await?;
            if seen == Some(noted(input.state.version)) {
                return Ok(TableReport::unchanged(table.clone(), state.version));
            }
            return incremental::build(&step, &state, layout, seen).await;
        }
    }
    let stored = believed.as_ref().and_then(Table::schema);
    let taken = match &stored {
        Some(schema) => request.layout(Some(schema), custom::stored(schema))?.taken(schema),
        None => Vec::new(),
    };
    let built = full::build(&step, believed.as_ref(), doubt.is_some()).await?;
    Ok(built.rebuilt(doubt.as_ref()).took_away(&taken))
}

/// The version of an input as a table notes it. Delta counts versions in 63 bits.
pub(crate) fn noted(version: u64) -> i64 {
    version.cast_signed()
}

/// The version of its input that a table was made from, by the transactions of it and of its commit. `None` where the input has no
/// such commit; older versions of this program didn't say which it was.
pub(crate) async fn seen(table: &Table, input: &Table, (version, commit): (&str, &str)) -> Result<Option<i64>> {
    let Some(version) = table.transaction(version).await? else { return Ok(None) };
    let same = match (table.transaction(commit).await?, u64::try_from(version)) {
        (Some(noted), Ok(version)) => upkeep::has_commit(input, version, noted).await?,
        _ => true,
    };
    Ok(same.then_some(version))
}

/// What a build is told.
#[derive(Debug, Clone, Copy)]
pub struct SilverRequest<'a> {
    /// The entity.
    pub entity: &'a Entity,
    /// What becomes of secrets and personal data.
    pub privacy: &'a Privacy,
    /// Columns for properties that the interface document lacks.
    pub extra: &'a ExtraColumns,
    /// Name of the run, written into every row and commit.
    pub run_id: &'a str,
    /// When the run started.
    pub started: DateTime<Utc>,
}

impl SilverRequest<'_> {
    /// The columns of the entity's table, with these of custom fields. `stored` is the table as it is.
    fn layout(&self, stored: Option<&Schema>, custom: Vec<custom::CustomColumn>) -> Result<Layout> {
        Layout::new(self.entity, self.privacy, extra::columns(self.entity, self.extra, stored), custom)
    }
}

/// One build: from which version of bronze, over which version of silver.
struct BuildStep<'a> {
    bronze: &'a Table,
    input: &'a Examined,
    silver: &'a Table,
    request: &'a SilverRequest<'a>,
}

impl BuildStep<'_> {
    fn table(&self) -> TableName {
        self.silver.name().clone()
    }

    /// Brings the captions of custom fields up to date, each in a commit that holds no rows. The table after them.
    async fn captions(&self, layout: &Layout) -> Result<Table> {
        let mut silver = self.silver.clone();
        for column in &layout.custom {
            let schema = silver.schema();
            let stored = schema.as_ref().and_then(|schema| schema.field_with_name(&column.name).ok());
            if stored.is_some_and(|field| field.metadata().get(COMMENT) != Some(&column.caption)) {
                silver = silver.comment(&column.name, &column.caption, &Commit::new(self.request.run_id)).await?;
            }
        }
        Ok(silver)
    }

    fn commit(&self) -> Commit {
        Commit::new(self.request.run_id)
            .transaction(BRONZE_VERSION, noted(self.input.state.version))
            .transaction(BRONZE_IDENTITY, self.input.commit)
    }
}
