//! Every version of a record with the time in which it was valid: type-2 history, for entities that ask for it.
//!
//! A history is fed from the silver table of its entity, build by build, and so holds the versions that builds have seen. An
//! older version that arrives late is put between, one that arrives again changes nothing, and a record that is gone is
//! closed. What a privacy policy drops or hashes is dropped or hashed in old versions too.
//!
//! | module | what it holds |
//! |---|---|
//! | `timeline` | when each version was valid: pure |
//! | `merge` | silver's rows put among the stored versions |

mod merge;
mod timeline;

use std::sync::Arc;
use std::time::Instant;

use arrow::array::{ArrayRef, BooleanArray, Int64Array, RecordBatch, TimestampMicrosecondArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use connectwise_extract::contract::{CONTENT_HASH, IS_DELETED, TIMESTAMP, instant};
use connectwise_extract::privacy::Privacy;
use connectwise_lakehouse::{
    Commit, Found, Lake, Source, TableName, TableState, Versions, integers, retry_on_conflict,
};
use connectwise_sdk::catalog::Entity;
use datafusion::prelude::SessionContext;
use futures::StreamExt;

use super::layout::Layout;
use super::read::{batches, failed, register};
use super::{Mode, TableReport, custom, seen, unbelieved};
use crate::error::{Error, Kind, Result};
use merge::Records;

/// What tells one version from all others.
const KEY: &str = "historyKey";
/// When the version began to be valid.
const FROM: &str = "validFrom";
/// When it ceased to be, NULL as long as it is.
const TO: &str = "validTo";
/// Whether it is valid.
const CURRENT: &str = "isCurrent";
/// Columns that only a history has; they stand in front.
const OWN: usize = 4;

/// Mark that a commit leaves: the silver version that it has seen.
const SILVER_MARK: &str = "silver";
/// Mark that a commit leaves: which silver table that was.
const SILVER_IDENTITY: &str = "silver-table";

/// The history table of an entity.
pub fn table(entity: &Entity) -> TableName {
    TableName::silver(&format!("{}_history", entity.table))
}

/// The Arrow schema of an entity's history under a policy, without custom fields, whose columns the data brings.
///
/// # Errors
/// [`Kind::Config`] when the policy hashes a column and there is no key.
pub fn schema(entity: &Entity, privacy: &Privacy) -> Result<SchemaRef> {
    Ok(of_layout(&Layout::new(entity, privacy, Vec::new())?))
}

/// What a column that only a history has is made from, in columns of the entity's silver table. `None` for other columns.
pub fn origins(entity: &Entity, column: &str) -> Option<Vec<&'static str>> {
    match column {
        KEY => Some(vec![entity.key, "lastUpdated", TIMESTAMP, CONTENT_HASH]),
        FROM => Some(vec!["lastUpdated", TIMESTAMP]),
        TO | CURRENT => Some(vec!["lastUpdated", TIMESTAMP, IS_DELETED]),
        _ => None,
    }
}

fn of_layout(layout: &Layout) -> SchemaRef {
    let own = own_fields().into_iter().map(Arc::new);
    Arc::new(Schema::new(own.chain(layout.schema().fields().iter().cloned()).collect::<Vec<_>>()))
}

fn own_fields() -> [Field; OWN] {
    [
        Field::new(KEY, DataType::Int64, false),
        Field::new(FROM, instant(), false),
        Field::new(TO, instant(), true),
        Field::new(CURRENT, DataType::Boolean, false),
    ]
}

/// Builds the history of `entity` from its silver table, in one commit or none; a changed policy or contract takes another
/// one before it. When another run was faster, the build starts over from what that one left.
///
/// # Errors
/// [`Kind::Lake`] or [`Kind::Sql`] when a table can't be read or written, [`Kind::Contract`] when silver isn't what its
/// contract says. The history is then as it was.
pub async fn build(lake: &Lake, entity: &Entity, privacy: &Privacy, mode: Mode, run_id: &str) -> Result<TableReport> {
    let clock = Instant::now();
    retry_on_conflict(&table(entity), async || {
        let versions = Versions::note(lake, [TableName::silver(entity.table), table(entity)]).await?;
        match attempt(lake, entity, privacy, mode, run_id).await {
            Ok(report) => Ok(report.took(clock)),
            Err(error) => Err(versions.judge(lake, error).await),
        }
    })
    .await
}

async fn attempt(lake: &Lake, entity: &Entity, privacy: &Privacy, mode: Mode, run_id: &str) -> Result<TableReport> {
    let table = table(entity);
    let input = TableName::silver(entity.table);
    let Some(silver) = lake.examine(&input).await? else {
        return Ok(TableReport::no_input(table));
    };
    if let Some(doubt) = silver.doubt {
        return Err(unbelieved(&input, &doubt, &table));
    }
    let silver = silver.state;
    let layout = Layout::new(entity, privacy, custom::stored(&silver.schema))?;
    if !layout.is_that_of(&silver.schema) {
        let silver = TableName::silver(entity.table);
        return Err(Error::new(Kind::Contract, format!("{silver} isn't what its contract says: build silver first")));
    }
    let examined = lake.examine(&table).await?;
    let at = examined.as_ref().map(|examined| examined.state.version);
    let doubt = examined.as_ref().and_then(|examined| examined.doubt.clone());
    let believed = match &examined {
        Some(examined) => lake.believed(&table, examined).await?,
        None => None,
    };
    let step = Step {
        lake,
        entity,
        layout: &layout,
        table: &table,
        run_id,
        silver: silver.version,
        identity: silver.identity,
        at,
    };
    let report = match believed {
        None => step.first().await?,
        // Old versions are in no other table: what it held is put back, and silver is held against all of it.
        Some(state) if doubt.is_some() => {
            let version = step.reshape(&state).await?;
            step.merge(None, version).await?.rewritten()
        }
        Some(state) => {
            let stored = Schema::new(state.schema.fields().iter().skip(OWN).cloned().collect::<Vec<_>>());
            let fits = layout.extends(&stored);
            let taken = layout.taken(&stored);
            let seen = seen(lake, &table, (SILVER_MARK, SILVER_IDENTITY), step.identity).await?;
            let seen = seen.filter(|_| fits && mode == Mode::Incremental);
            let mut version = state.version;
            if !fits {
                version = step.reshape(&state).await?;
            } else if seen == i64::try_from(silver.version).ok() {
                return Ok(TableReport::unchanged(table, state.version));
            }
            let merged = step.merge(seen, version).await?;
            if fits { merged } else { merged.rewritten().took_away(&taken) }
        }
    };
    Ok(report.rebuilt(doubt.as_ref()))
}

struct Step<'a> {
    lake: &'a Lake,
    entity: &'a Entity,
    layout: &'a Layout,
    table: &'a TableName,
    run_id: &'a str,
    silver: u64,
    identity: i64,
    /// The version of the history that was examined.
    at: Option<u64>,
}

impl Step<'_> {
    /// A commit upon the version of the history that silver was held against, `None` where there is no table yet.
    fn commit(&self, history: Option<u64>) -> Commit {
        Commit::new(self.run_id)
            .mark(SILVER_MARK, i64::try_from(self.silver).unwrap_or(i64::MAX))
            .mark(SILVER_IDENTITY, self.identity)
            .upon(history)
    }

    async fn session(&self) -> Result<SessionContext> {
        let session = self.lake.session()?;
        self.lake.register(&session, "silver", &TableName::silver(self.entity.table)).await?;
        Ok(session)
    }

    /// Every row of silver is the first version of its record: nothing has to be held against anything.
    async fn first(&self) -> Result<TableReport> {
        let session = self.session().await?;
        let schema = of_layout(self.layout);
        let (key, of) = (self.entity.key, schema.clone());
        let rows = batches(session.table("silver").await.map_err(failed)?).await?;
        let rows = rows.map(move |batch| Records::new(&of, key, &[], &[candidates(&of, &batch?)?])?.changes()).boxed();
        let source = Source::stream(&session, schema.clone(), rows)?;
        let written = self.lake.replace(self.table, &schema, source, &session, &self.commit(self.at)).await?;
        Ok(TableReport::written(self.table.clone(), written.inserted, written))
    }

    /// Brings all versions under the columns and the policy of today, and gives the table's version after it. What a policy took
    /// away from them stays away.
    async fn reshape(&self, state: &TableState) -> Result<u64> {
        let session = self.session().await?;
        self.lake.register_at(&session, "history", self.table, Some(state.version)).await?;
        let schema = of_layout(self.layout);
        let (layout, old, new) = (self.layout.clone(), state.schema.clone(), schema.clone());
        let rows = batches(session.table("history").await.map_err(failed)?).await?;
        let rows = rows
            .map(move |batch| {
                let batch = batch?;
                let mut columns: Vec<ArrayRef> = Vec::with_capacity(new.fields().len());
                for field in new.fields().iter().take(OWN) {
                    let missing =
                        || Error::new(Kind::Contract, format!("the history has no {} any more", field.name()));
                    columns.push(fitted(batch.column_by_name(field.name()).ok_or_else(missing)?, field)?);
                }
                for (at, field) in layout.schema().fields().iter().enumerate() {
                    columns.push(layout.reshaped(at, &old, batch.column_by_name(field.name()), batch.num_rows())?);
                }
                RecordBatch::try_new(new.clone(), columns).map_err(broken)
            })
            .boxed();
        let source = Source::stream(&session, schema.clone(), rows)?;
        let commit = Commit::new(self.run_id).upon(self.at);
        Ok(self.lake.replace(self.table, &schema, source, &session, &commit).await?.version)
    }

    /// Puts the rows of silver that the history doesn't hold as they are among the stored versions. `seen` is the silver version
    /// that it holds, where that is to be trusted; `version` is that of the history.
    async fn merge(&self, seen: Option<i64>, version: u64) -> Result<TableReport> {
        let session = self.lake.session()?;
        let tables = [("silver", TableName::silver(self.entity.table)), ("history", self.table.clone())];
        register(self.lake, &session, &tables, self.entity.key, &[CONTENT_HASH, IS_DELETED], seen).await?;
        let schema = of_layout(self.layout);
        self.news(&session).await?;
        let key = self.entity.key;
        let rows = async |table: &str| {
            let sql = format!("select t.* from news n join {table} t on n.`{key}` = t.`{key}`");
            session.sql(&sql).await.map_err(failed)?.collect().await.map_err(failed)
        };
        let mut silver = Vec::new();
        for batch in rows("silver").await? {
            silver.push(candidates(&schema, &batch)?);
        }
        let mut stored = Vec::new();
        for batch in rows("history").await? {
            stored.push(widened(&schema, &batch)?);
        }
        let changes = Records::new(&schema, key, &stored, &silver)?.changes()?;
        if changes.num_rows() == 0 {
            return Ok(TableReport::unchanged(self.table.clone(), version));
        }
        let count = changes.num_rows() as u64;
        let commit = self.commit(Some(version));
        let written = self.lake.upsert(self.table, &schema, KEY, vec![changes], &session, &commit).await?;
        Ok(TableReport::written(self.table.clone(), count, written))
    }

    /// Registers `news`: keys whose row in silver isn't the current version, or is gone and not closed. A few columns a side
    /// are compared.
    async fn news(&self, session: &SessionContext) -> Result<()> {
        let key = self.entity.key;
        let sql = format!(
            "select s.`{key}` from silver s left anti join history h \
             on s.`{key}` = h.`{key}` and h.`{CURRENT}` and s.`{CONTENT_HASH}` = h.`{CONTENT_HASH}` \
             where not s.`{IS_DELETED}` \
             union all \
             select s.`{key}` from silver s left semi join history h on s.`{key}` = h.`{key}` and h.`{CURRENT}` \
             where s.`{IS_DELETED}` \
             union all \
             select s.`{key}` from silver s left anti join history h on s.`{key}` = h.`{key}` where s.`{IS_DELETED}`"
        );
        let keys = session.sql(&sql).await.map_err(failed)?.cache().await.map_err(failed)?;
        session.register_table("news", keys.into_view()).map_err(failed)?;
        Ok(())
    }
}

/// Keys of silver whose row isn't the current version of a history that has seen it, and keys with more than one current
/// version.
///
/// # Errors
/// [`Kind::Lake`] or [`Kind::Sql`] when a table can't be read.
pub(crate) async fn differing(lake: &Lake, entity: &Entity) -> Result<(Found<i64>, Found<i64>)> {
    let (mut missing, mut twice) = (Found::default(), Found::default());
    let (silver, table, key) = (TableName::silver(entity.table), table(entity), entity.key);
    let seen = lake.mark(&table, SILVER_MARK).await?;
    let session = lake.session()?;
    if !lake.register(&session, "silver", &silver).await? || !lake.register(&session, "history", &table).await? {
        return Ok((missing, twice));
    }
    let keys = async |sql: String, found: &mut Found<i64>| {
        let mut rows = batches(session.sql(&sql).await.map_err(failed)?).await?;
        while let Some(batch) = rows.next().await.transpose()? {
            integers(&batch, key)?.iter().flatten().for_each(|key| found.add(key));
        }
        Ok::<_, Error>(())
    };
    if seen == lake.version(&silver).await?.and_then(|version| i64::try_from(version).ok()) {
        let sql = format!(
            "select s.`{key}` from silver s left anti join history h \
             on s.`{key}` = h.`{key}` and h.`{CURRENT}` and s.`{CONTENT_HASH}` = h.`{CONTENT_HASH}` \
             where not s.`{IS_DELETED}`"
        );
        keys(sql, &mut missing).await?;
    }
    let sql = format!("select `{key}` from history where `{CURRENT}` group by `{key}` having count(*) > 1");
    keys(sql, &mut twice).await?;
    Ok((missing, twice))
}

/// Rows of silver in the columns of a history, those that only a history has still empty.
fn candidates(schema: &SchemaRef, silver: &RecordBatch) -> Result<RecordBatch> {
    let rows = silver.num_rows();
    let mut columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from(vec![0; rows])),
        Arc::new(TimestampMicrosecondArray::from(vec![0; rows]).with_timezone("UTC")),
        arrow::array::new_null_array(&instant(), rows),
        Arc::new(BooleanArray::from(vec![false; rows])),
    ];
    for (field, column) in schema.fields().iter().skip(OWN).zip(silver.columns()) {
        columns.push(fitted(column, field)?);
    }
    RecordBatch::try_new(schema.clone(), columns).map_err(broken)
}

/// Stored versions with the columns that custom fields brought since.
fn widened(schema: &SchemaRef, stored: &RecordBatch) -> Result<RecordBatch> {
    let column = |field: &Arc<Field>| match stored.column_by_name(field.name()) {
        Some(column) => fitted(column, field),
        None => Ok(arrow::array::new_null_array(field.data_type(), stored.num_rows())),
    };
    let columns = schema.fields().iter().map(column).collect::<Result<_>>()?;
    RecordBatch::try_new(schema.clone(), columns).map_err(broken)
}

/// Readers hand out texts in a viewed form.
fn fitted(column: &ArrayRef, field: &Field) -> Result<ArrayRef> {
    if column.data_type() == field.data_type() {
        Ok(column.clone())
    } else {
        cast(column, field.data_type()).map_err(broken)
    }
}

fn broken(error: arrow::error::ArrowError) -> Error {
    Error::new(Kind::Contract, "a row of silver doesn't fit the history").with_source(error)
}
