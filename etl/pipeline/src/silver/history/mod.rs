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

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use arrow::array::{ArrayRef, BooleanArray, Int64Array, RecordBatch, TimestampMicrosecondArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use connectwise_extract::contract::{CONTENT_HASH, HISTORY, IS_DELETED, TIMESTAMP, instant};
use connectwise_extract::extra::ExtraColumns;
use connectwise_extract::privacy::Privacy;
use connectwise_lakehouse::{
    Changes, Commit, Lake, Source, Table, TableName, as_conflict, integers, retry_on_conflict,
};
use connectwise_sdk::catalog::Entity;
use connectwise_upkeep::{self as upkeep, Examined, Found};
use datafusion::prelude::{DataFrame, SessionContext};
use futures::StreamExt;

use super::layout::Layout;
use super::read::{batches, failed, register};
use super::{Mode, SilverRequest, TableReport, custom, extra, noted, seen};
use crate::error::{Error, Result};
use merge::Records;

/// What tells one version from all others.
pub(crate) const KEY: &str = HISTORY[0];
/// When the version began to be valid.
const FROM: &str = HISTORY[1];
/// When it ceased to be, NULL as long as it is.
const TO: &str = HISTORY[2];
/// Whether it is valid.
const CURRENT: &str = HISTORY[3];
/// Columns that only a history has; they stand in front.
const OWN: usize = HISTORY.len();
/// What stands before a name of silver where rows of a history have both.
const BESIDE: &str = "_silver_";

/// Application of a commit: the silver version that it has seen.
const SILVER_VERSION: &str = "silver";
/// Application of a commit: which silver table that was.
const SILVER_IDENTITY: &str = "silver-table";

/// What follows the name of an entity in the name of its history table.
pub(crate) const SUFFIX: &str = "_history";

/// The history table of an entity.
pub fn table(entity: &Entity) -> TableName {
    TableName::silver(&format!("{}{SUFFIX}", entity.table))
}

/// The Arrow schema of an entity's history under a policy, with what a project adds, without custom fields, whose columns the data brings.
///
/// # Errors
/// [`Kind::Config`](crate::error::Kind::Config) when the policy hashes a column and there is no key.
pub fn schema(entity: &Entity, privacy: &Privacy, extra: &ExtraColumns) -> Result<SchemaRef> {
    Ok(of_layout(&Layout::new(entity, privacy, extra::columns(entity, extra, None), Vec::new())?))
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

/// The Arrow schema of an entity's history without a policy, as [`contract::silver`](connectwise_extract::contract::silver) is
/// that of its silver table.
pub(crate) fn contract(entity: &Entity) -> SchemaRef {
    of_columns(&connectwise_extract::contract::silver(entity))
}

fn of_layout(layout: &Layout) -> SchemaRef {
    of_columns(layout.schema())
}

fn of_columns(columns: &Schema) -> SchemaRef {
    let own = own_fields().into_iter().map(Arc::new);
    Arc::new(Schema::new(own.chain(columns.fields().iter().cloned()).collect::<Vec<_>>()))
}

fn own_fields() -> [Field; OWN] {
    [
        Field::new(KEY, DataType::Int64, false),
        Field::new(FROM, instant(), false),
        Field::new(TO, instant(), true),
        Field::new(CURRENT, DataType::Boolean, false),
    ]
}

/// Builds the history of an entity from its silver table, in one commit or none; a changed policy or contract takes another
/// one before it. When another run was faster, the build starts over from what that one left.
///
/// # Errors
/// [`Kind::Lake`](crate::error::Kind::Lake) or [`Kind::Sql`](crate::error::Kind::Sql) when a table can't be read or written, [`Kind::Contract`](crate::error::Kind::Contract) when silver isn't what its
/// contract says. The history is then as it was.
pub async fn build(silver: &Table, history: &Table, request: &SilverRequest<'_>, mode: Mode) -> Result<TableReport> {
    let clock = Instant::now();
    let mut tables = Some((silver.clone(), history.clone()));
    retry_on_conflict(history.name(), async || {
        let (silver, history) = match tables.take() {
            Some(tables) => tables,
            None => (silver.refresh().await?, history.refresh().await?),
        };
        match attempt(&silver, &history, request, mode).await {
            Ok(report) => Ok(report.took(clock)),
            Err(error) => Err(as_conflict(&[&silver, &history], error).await),
        }
    })
    .await
}

async fn attempt(silver: &Table, history: &Table, request: &SilverRequest<'_>, mode: Mode) -> Result<TableReport> {
    let table = history.name();
    let Some(input) = upkeep::examine(silver).await? else {
        return Ok(TableReport::no_input(table.clone()));
    };
    if let Some(doubt) = &input.doubt {
        return Err(Error::unbelieved(silver.name(), doubt, table));
    }
    let layout = request.layout(Some(&input.state.schema), custom::stored(&input.state.schema))?;
    if !layout.is_that_of(&input.state.schema) {
        return Err(Error::unbuilt_silver(silver.name()));
    }
    let examined = upkeep::examine(history).await?;
    let doubt = examined.as_ref().and_then(|examined| examined.doubt.clone());
    let believed = match &examined {
        Some(examined) => upkeep::believed(history, examined).await?,
        None => None,
    };
    let step = HistoryStep { silver, input: &input, history, layout: &layout, request };
    let Some(believed) = believed else {
        return Ok(step.first().await?.rebuilt(doubt.as_ref()));
    };
    let report = match believed.schema() {
        // Old versions are in no other table: what it held is put back, and silver is held against all of it.
        _ if doubt.is_some() => step.merge(&step.reshape(&believed).await?, None).await?.rewritten(),
        None => step.first().await?,
        Some(schema) => {
            let stored = Schema::new(schema.fields().iter().skip(OWN).cloned().collect::<Vec<_>>());
            let taken = layout.taken(&stored);
            if layout.extends(&stored) {
                let seen = seen(history, silver, (SILVER_VERSION, SILVER_IDENTITY)).await?;
                let seen = seen.filter(|_| mode == Mode::Incremental);
                if seen == Some(noted(input.state.version)) {
                    return Ok(TableReport::unchanged(table.clone(), history.unchanged().version));
                }
                step.merge(history, seen).await?
            } else {
                step.merge(&step.reshape(history).await?, None).await?.rewritten().took_away(&taken)
            }
        }
    };
    Ok(report.rebuilt(doubt.as_ref()))
}

struct HistoryStep<'a> {
    silver: &'a Table,
    input: &'a Examined,
    history: &'a Table,
    layout: &'a Layout,
    request: &'a SilverRequest<'a>,
}

impl HistoryStep<'_> {
    fn commit(&self) -> Commit {
        Commit::new(self.request.run_id)
            .transaction(SILVER_VERSION, noted(self.input.state.version))
            .transaction(SILVER_IDENTITY, self.input.commit)
    }

    async fn session(&self) -> Result<SessionContext> {
        let session = self.silver.lake().session()?;
        self.silver.register(&session, "silver").await?;
        Ok(session)
    }

    /// Every row of silver is the first version of its record: nothing has to be held against anything.
    async fn first(&self) -> Result<TableReport> {
        let session = self.session().await?;
        let schema = of_layout(self.layout);
        let key = self.request.entity.key;
        let of = schema.clone();
        let rows = batches(session.table("silver").await.map_err(failed)?).await?;
        let rows = rows.map(move |batch| Records::new(&of, key, &[], &[candidates(&of, &batch?)?])?.changes()).boxed();
        let source = Source::stream(&session, schema.clone(), rows)?;
        let written = self.history.overwrite(&schema, source, &self.commit()).await?;
        Ok(TableReport::written(self.history.name().clone(), written.inserted, written))
    }

    /// Brings all versions under the columns and the policy of today, and gives the table after it. What a policy took away from
    /// them stays away. A column that a project adds is filled where silver has the very record of a version: of older ones nothing is
    /// known.
    async fn reshape(&self, believed: &Table) -> Result<Table> {
        let session = self.session().await?;
        believed.register(&session, "history").await?;
        let schema = of_layout(self.layout);
        let missing =
            || Error::internal(&format!("{} was to be brought under new columns and has none", believed.name()));
        let old = believed.schema().ok_or_else(missing)?;
        let layout = self.layout.clone();
        let new = schema.clone();
        let fresh: BTreeSet<String> = layout.fresh(&old).map(str::to_owned).collect();
        let rows = batches(self.beside_silver(&session, &fresh).await?).await?;
        let rows = rows
            .map(move |batch| {
                let batch = batch?;
                let mut columns: Vec<ArrayRef> = Vec::with_capacity(new.fields().len());
                for field in new.fields().iter().take(OWN) {
                    let missing = || Error::history_lost(field.name());
                    columns.push(fitted(batch.column_by_name(field.name()).ok_or_else(missing)?, field)?);
                }
                for (at, field) in layout.schema().fields().iter().enumerate() {
                    let silver = batch.column_by_name(&format!("{BESIDE}{}", field.name()));
                    columns.push(match silver.filter(|_| fresh.contains(field.name())) {
                        Some(silver) => fitted(silver, field)?,
                        None => layout.reshaped(at, &old, batch.column_by_name(field.name()), batch.num_rows())?,
                    });
                }
                RecordBatch::try_new(new.clone(), columns).map_err(broken)
            })
            .boxed();
        let source = Source::stream(&session, schema.clone(), rows)?;
        self.history.overwrite(&schema, source, &Commit::new(self.request.run_id)).await?;
        Ok(self.history.refresh().await?)
    }

    /// The versions of a history, and beside those that silver has as they are its values of these columns.
    async fn beside_silver(&self, session: &SessionContext, columns: &BTreeSet<String>) -> Result<DataFrame> {
        if columns.is_empty() {
            return session.table("history").await.map_err(failed);
        }
        let key = self.request.entity.key;
        let joined = |names: Vec<String>| names.join(", ");
        let named = joined(columns.iter().map(|name| format!("`{name}` as `{BESIDE}{name}`")).collect());
        let values = joined(columns.iter().map(|name| format!("s.`{BESIDE}{name}`")).collect());
        // Only a few columns of silver are held in memory.
        let sql = format!(
            "select h.*, {values} from \
             (select `{key}` as k, `{CONTENT_HASH}` as c, {named} from silver where not `{IS_DELETED}`) s \
             right join history h on s.k = h.`{key}` and s.c = h.`{CONTENT_HASH}` and h.`{CURRENT}`"
        );
        session.sql(&sql).await.map_err(failed)
    }

    /// Puts the rows of silver that a version of the history doesn't hold as they are among the stored versions. `seen` is the silver
    /// version that it holds, where that is to be trusted.
    async fn merge(&self, history: &Table, seen: Option<i64>) -> Result<TableReport> {
        let session = self.silver.lake().session()?;
        let key = self.request.entity.key;
        let tables = [("silver", self.silver), ("history", history)];
        register(&session, tables, key, &[CONTENT_HASH, IS_DELETED], seen).await?;
        let schema = of_layout(self.layout);
        self.news(&session).await?;
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
        let name = history.name().clone();
        if changes.num_rows() == 0 {
            return Ok(TableReport::unchanged(name, history.unchanged().version));
        }
        let count = changes.num_rows() as u64;
        let written = history.merge(&schema, Changes::upserts(KEY, vec![changes]), &self.commit()).await?;
        Ok(TableReport::written(name, count, written))
    }

    /// Registers `news`: keys whose row in silver isn't the current version, or is gone and not closed. A few columns a side
    /// are compared.
    async fn news(&self, session: &SessionContext) -> Result<()> {
        let key = self.request.entity.key;
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
/// [`Kind::Lake`](crate::error::Kind::Lake) or [`Kind::Sql`](crate::error::Kind::Sql) when a table can't be read.
pub(crate) async fn differing(lake: &Lake, entity: &Entity) -> Result<(Found<i64>, Found<i64>)> {
    let mut missing = Found::default();
    let mut twice = Found::default();
    let silver = TableName::silver(entity.table);
    let table = table(entity);
    let key = entity.key;
    let silver = lake.table(&silver).await?;
    let history = lake.table(&table).await?;
    let seen = history.transaction(SILVER_VERSION).await?;
    let session = lake.session()?;
    if !silver.register(&session, "silver").await? || !history.register(&session, "history").await? {
        return Ok((missing, twice));
    }
    let keys = async |sql: String, found: &mut Found<i64>| {
        let mut rows = batches(session.sql(&sql).await.map_err(failed)?).await?;
        while let Some(batch) = rows.next().await.transpose()? {
            integers(&batch, key)?.iter().flatten().for_each(|key| found.add(key));
        }
        Ok::<_, Error>(())
    };
    if seen == silver.version().map(noted) {
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
    Error::unfit_version().with_source(error)
}
