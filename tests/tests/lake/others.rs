//! What others do to a table: with Delta's own operations, as an engine of theirs would.

use std::collections::{BTreeSet, HashMap};

use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema};
use connectwise_etl::lake::{Layer, TableName};
use connectwise_etl::query;
use connectwise_tests::Lakehouse;
use datafusion::prelude::{ident, lit};
use deltalake::DeltaTable;
use deltalake::operations::write::SchemaMode;
use deltalake::protocol::SaveMode;
use std::sync::Arc;

/// Something that somebody does to a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Deed {
    /// Puts an older version back.
    Restore,
    /// Deletes half of the rows.
    Delete,
    /// Changes a text in all rows, and nothing that tells of it.
    Update,
    /// Adds all rows once more.
    Append,
    /// Takes all rows out.
    Truncate,
    /// Partitions it by a text.
    Partition,
    /// Writes it without a column.
    Drop,
    /// Writes it with numbers as texts.
    Retype,
    /// Writes it with a column under another name.
    Rename,
    /// Writes it with its columns the other way round.
    Reorder,
    /// Writes it with one column more.
    Widen,
    /// Gives it a constraint.
    Constrain,
    /// Puts its files together, or does so as far as the log knows.
    Optimize,
    /// Removes the files of older versions.
    Vacuum,
    /// Takes the folder away, and writes a table of its own there.
    Recreate,
    /// Takes the folder away.
    Remove,
}

impl Deed {
    pub(crate) const ALL: [Self; 16] = [
        Self::Restore,
        Self::Delete,
        Self::Update,
        Self::Append,
        Self::Truncate,
        Self::Partition,
        Self::Drop,
        Self::Retype,
        Self::Rename,
        Self::Reorder,
        Self::Widen,
        Self::Constrain,
        Self::Optimize,
        Self::Vacuum,
        Self::Recreate,
        Self::Remove,
    ];

    /// Whether rows or columns are other ones after it, so that a run has to say so.
    pub(crate) fn changes(self) -> bool {
        !matches!(self, Self::Optimize | Self::Vacuum | Self::Remove)
    }
}

async fn open(lakehouse: &Lakehouse, table: &TableName) -> DeltaTable {
    let url = lakehouse.lake().root().join(&format!("{}/{}/", table.layer, table.name)).unwrap();
    deltalake::open_table(url).await.unwrap()
}

async fn rows(lakehouse: &Lakehouse, table: &TableName) -> Vec<RecordBatch> {
    query::select(lakehouse.lake(), &format!("select * from {}", table.name)).await.unwrap()
}

/// The newest version before the one that a table is at of which it had other files: a commit may have changed no row.
async fn other_version(delta: &DeltaTable) -> Option<u64> {
    let files = |delta: &DeltaTable| delta.get_file_uris().map(Iterator::collect::<BTreeSet<String>>).ok();
    let (now, mut older) = (files(delta)?, delta.clone());
    for version in (0..delta.version()?).rev() {
        older.load_version(version).await.ok()?;
        if files(&older)? != now {
            return Some(version);
        }
    }
    None
}

/// The first column of a type that isn't the first one, which is the key.
fn column(schema: &Schema, wanted: impl Fn(&DataType) -> bool) -> String {
    let own = |field: &&Arc<Field>| {
        wanted(field.data_type())
            && field.is_nullable()
            && !field.name().starts_with('_')
            && !field.name().contains("Key")
    };
    schema.fields().iter().skip(1).find(own).unwrap().name().clone()
}

fn is_text(of: &DataType) -> bool {
    matches!(of, DataType::Utf8 | DataType::Utf8View)
}

/// Does it. False where there is nothing to do it to.
pub(crate) async fn does(deed: Deed, lakehouse: &Lakehouse, table: &TableName) -> bool {
    let delta = open(lakehouse, table).await;
    let batches = rows(lakehouse, table).await;
    let schema = batches[0].schema();
    let text = column(&schema, is_text);
    let number = schema.fields().iter().find(|field| field.data_type().is_integer()).unwrap().name().clone();
    let folder = lakehouse.path().join(table.layer.name()).join(&table.name);
    match deed {
        Deed::Restore => {
            let Some(older) = other_version(&delta).await else { return false };
            delta.restore().with_version_to_restore(older).await.is_ok()
        }
        Deed::Delete => delta.delete().with_predicate((ident(number) % lit(2)).eq(lit(0))).await.is_ok(),
        Deed::Update => {
            let update = delta.update().with_predicate(ident(number).is_not_null());
            update.with_update(text.as_str(), lit("edited by hand")).await.unwrap();
            true
        }
        Deed::Append => {
            delta.write(batches).with_save_mode(SaveMode::Append).await.unwrap();
            true
        }
        Deed::Truncate => {
            delta.delete().await.unwrap();
            true
        }
        Deed::Partition => {
            let filled = batches.iter().map(|batch| with(batch, &text, |column| without_null(column)));
            overwrite(delta, filled.collect(), &[&text]).await;
            true
        }
        Deed::Drop => {
            overwrite(delta, batches.iter().map(|batch| without(batch, &text)).collect(), &[]).await;
            true
        }
        Deed::Retype => {
            let texts = |column: &ArrayRef| cast(column, &DataType::Utf8).unwrap();
            overwrite(delta, batches.iter().map(|batch| with(batch, &number, texts)).collect(), &[]).await;
            true
        }
        Deed::Rename => {
            overwrite(delta, batches.iter().map(|batch| renamed(batch, &text)).collect(), &[]).await;
            true
        }
        Deed::Reorder => {
            let turned =
                |batch: &RecordBatch| batch.project(&(0..batch.num_columns()).rev().collect::<Vec<_>>()).unwrap();
            overwrite(delta, batches.iter().map(turned).collect(), &[]).await;
            true
        }
        Deed::Widen => {
            overwrite(delta, batches.iter().map(widened).collect(), &[]).await;
            true
        }
        Deed::Constrain => {
            let check = format!("{number} > -100");
            delta.add_constraint().with_constraint("by_others", check).await.unwrap();
            true
        }
        Deed::Optimize => {
            delta.optimize().await.unwrap();
            true
        }
        Deed::Vacuum => {
            let vacuum = delta.vacuum().with_retention_period(chrono::TimeDelta::zero());
            vacuum.with_enforce_retention_duration(false).await.unwrap();
            true
        }
        Deed::Recreate => {
            std::fs::remove_dir_all(&folder).unwrap();
            std::fs::create_dir_all(&folder).unwrap();
            let url = delta.log_store().root_url().clone();
            let fresh = DeltaTable::try_from_url(url).await.unwrap();
            let half: Vec<RecordBatch> = batches.iter().map(|batch| batch.slice(0, batch.num_rows() / 2)).collect();
            fresh.write(half).await.unwrap();
            true
        }
        Deed::Remove => {
            // What has no source is lost with its folder.
            let is_made = table.layer != Layer::Ledger && table.name != "dimension_keys";
            if is_made {
                std::fs::remove_dir_all(&folder).unwrap();
            }
            is_made
        }
    }
}

async fn overwrite(delta: DeltaTable, batches: Vec<RecordBatch>, partitions: &[&str]) {
    delta
        .write(batches)
        .with_save_mode(SaveMode::Overwrite)
        .with_schema_mode(SchemaMode::Overwrite)
        .with_partition_columns(partitions.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
        .with_configuration(HashMap::<String, Option<String>>::new())
        .await
        .unwrap();
}

fn with(batch: &RecordBatch, name: &str, change: impl Fn(&ArrayRef) -> ArrayRef) -> RecordBatch {
    let schema = batch.schema();
    let named = schema.fields().iter().zip(batch.columns()).map(|(field, column)| {
        (field.name().clone(), if field.name() == name { change(column) } else { column.clone() }, true)
    });
    RecordBatch::try_from_iter_with_nullable(named.collect::<Vec<_>>()).unwrap()
}

fn without_null(column: &ArrayRef) -> ArrayRef {
    let texts = cast(column, &DataType::Utf8).unwrap();
    let filled = texts.as_string::<i32>().iter().map(|text| Some(text.unwrap_or("none").replace(['/', '\\'], " ")));
    Arc::new(filled.collect::<StringArray>())
}

fn without(batch: &RecordBatch, name: &str) -> RecordBatch {
    let kept: Vec<usize> = (0..batch.num_columns()).filter(|at| batch.schema().field(*at).name() != name).collect();
    batch.project(&kept).unwrap()
}

fn renamed(batch: &RecordBatch, name: &str) -> RecordBatch {
    let schema = batch.schema();
    let field = |field: &Arc<Field>| {
        let own = field.as_ref().clone();
        if own.name() == name { own.with_name("renamed") } else { own }
    };
    let schema = Schema::new(schema.fields().iter().map(field).collect::<Vec<_>>());
    RecordBatch::try_new(Arc::new(schema), batch.columns().to_vec()).unwrap()
}

fn widened(batch: &RecordBatch) -> RecordBatch {
    let mut fields: Vec<Arc<Field>> = batch.schema().fields().iter().cloned().collect();
    fields.push(Arc::new(Field::new("byOthers", DataType::Utf8, true)));
    let mut columns = batch.columns().to_vec();
    columns.push(Arc::new(StringArray::from(vec!["x"; batch.num_rows()])));
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
}
