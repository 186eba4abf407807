//! What others do to a table: with Delta's own operations, as an engine of theirs would.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, RecordBatch, StringArray};
use arrow::compute::{cast, concat_batches, filter_record_batch};
use arrow::datatypes::{DataType, Field, Int64Type, Schema};
use connectwise_lakehouse::{Layer, TableName};
use connectwise_tests::Lakehouse;
use datafusion::common::Column;
use datafusion::prelude::{Expr, SessionContext, ident, lit};
use deltalake::DeltaTable;
use deltalake::operations::write::SchemaMode;
use deltalake::protocol::SaveMode;

use crate::by_hand;

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
    /// Changes some rows, takes some out and puts some in, by MERGE.
    Merge,
    /// Deletes rows by a deletion vector, as Spark does: the file stays.
    Vector,
    /// Switches column mapping by name on and gives a column another name, as Spark does: no file is written.
    Map,
    /// Takes the folder away, and writes a table of its own there.
    Recreate,
    /// Takes the folder away.
    Remove,
}

impl Deed {
    pub(crate) const ALL: [Self; 19] = [
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
        Self::Merge,
        Self::Vector,
        Self::Map,
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

/// All rows; none where the table can't be read. Some tables are nobody's to query.
async fn rows(lakehouse: &Lakehouse, table: &TableName) -> Vec<RecordBatch> {
    let session = lakehouse.lake().session().unwrap();
    assert!(lakehouse.lake().register(&session, "t", table).await.unwrap());
    session.table("t").await.unwrap().collect().await.unwrap()
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
fn column(schema: &Schema, wanted: impl Fn(&DataType) -> bool) -> Option<String> {
    let own = |field: &&Arc<Field>| {
        wanted(field.data_type())
            && field.is_nullable()
            && !field.name().starts_with('_')
            && !field.name().contains("Key")
    };
    schema.fields().iter().skip(1).find(own).map(|field| field.name().clone())
}

fn is_text(of: &DataType) -> bool {
    matches!(of, DataType::Utf8 | DataType::Utf8View)
}

/// Does it. False where there is nothing to do it to.
pub(crate) async fn does(deed: Deed, lakehouse: &Lakehouse, table: &TableName) -> bool {
    let delta = open(lakehouse, table).await;
    let batches = rows(lakehouse, table).await;
    let Some(schema) = batches.iter().find(|batch| batch.num_rows() > 1).map(RecordBatch::schema) else {
        return false;
    };
    let Some(text) = column(&schema, is_text) else { return false };
    // The key where there is one.
    let numbers: Vec<_> = schema.fields().iter().filter(|field| field.data_type().is_integer()).collect();
    let Some(number) = numbers.iter().find(|field| field.name() == "id").or(numbers.first()) else { return false };
    let number = number.name().clone();
    let folder = lakehouse.path().join(table.layer.name()).join(&table.name);
    match deed {
        Deed::Restore => {
            let Some(older) = other_version(&delta).await else { return false };
            worked(delta.restore().with_version_to_restore(older).await)
        }
        Deed::Delete => worked(delta.delete().with_predicate((ident(number) % lit(2)).eq(lit(0))).await),
        Deed::Update => {
            let update = delta.update().with_predicate(ident(number).is_not_null());
            worked(update.with_update(text.as_str(), lit("edited by hand")).await)
        }
        Deed::Append => worked(delta.write(batches).with_save_mode(SaveMode::Append).await),
        Deed::Truncate => worked(delta.delete().await),
        Deed::Partition => {
            let filled = batches.iter().map(|batch| with(batch, &text, |column| without_null(column)));
            overwrite(delta, filled.collect(), &[&text]).await
        }
        Deed::Drop => overwrite(delta, batches.iter().map(|batch| without(batch, &text)).collect(), &[]).await,
        Deed::Retype => {
            let texts = |column: &ArrayRef| cast(column, &DataType::Utf8).unwrap();
            overwrite(delta, batches.iter().map(|batch| with(batch, &number, texts)).collect(), &[]).await
        }
        Deed::Rename => overwrite(delta, batches.iter().map(|batch| renamed(batch, &text)).collect(), &[]).await,
        Deed::Reorder => {
            let turned =
                |batch: &RecordBatch| batch.project(&(0..batch.num_columns()).rev().collect::<Vec<_>>()).unwrap();
            overwrite(delta, batches.iter().map(turned).collect(), &[]).await
        }
        Deed::Widen => overwrite(delta, batches.iter().map(widened).collect(), &[]).await,
        Deed::Constrain => {
            let check = format!("{number} > -100 or {number} is null");
            worked(delta.add_constraint().with_constraint("by_others", check).await)
        }
        Deed::Optimize => worked(delta.optimize().await),
        Deed::Vacuum => {
            let vacuum = delta.vacuum().with_retention_period(chrono::TimeDelta::zero());
            worked(vacuum.with_enforce_retention_duration(false).await)
        }
        Deed::Merge => merge(delta, batches, &number, &text).await,
        Deed::Vector => by_hand::delete_first_rows(&delta, &folder).await,
        Deed::Map => by_hand::map_columns(&delta, &folder, &text),
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

/// Not everything can be done to every table, and a failed test shows why it wasn't.
fn worked<T>(done: Result<T, deltalake::DeltaTableError>) -> bool {
    done.inspect_err(|why| println!("not done: {}", why.to_string().chars().take(300).collect::<String>())).is_ok()
}

/// Changes the rows whose number is even, takes out those that 3 divides, and puts the others in once more under other numbers.
async fn merge(delta: DeltaTable, batches: Vec<RecordBatch>, number: &str, text: &str) -> bool {
    let all = concat_batches(&batches[0].schema(), &batches).unwrap();
    let numbers = cast(&all[number], &DataType::Int64).unwrap();
    let mut known = BTreeSet::new();
    // A row may match one row only.
    let once: BooleanArray =
        numbers.as_primitive::<Int64Type>().iter().map(|of| Some(of.is_some_and(|of| known.insert(of)))).collect();
    let moved = with(&filter_record_batch(&all, &once).unwrap(), number, |column| {
        let numbers = cast(column, &DataType::Int64).unwrap();
        let moved = numbers
            .as_primitive::<Int64Type>()
            .unary::<_, Int64Type>(|of| if of % 3 == 1 { of + 1_000_000 } else { of });
        cast(&moved, column.data_type()).unwrap()
    });
    let source = SessionContext::new().read_batch(moved).unwrap();
    let names: Vec<String> = source.schema().fields().iter().map(|field| field.name().clone()).collect();
    let at = |side: &str, name: &str| Expr::Column(Column::new(Some(side), name));
    let is_third = at("target", number) % lit(3);
    let merge = delta
        .merge(source, at("target", number).eq(at("source", number)))
        .with_source_alias("source")
        .with_target_alias("target")
        .when_matched_delete(|delete| delete.predicate(is_third.clone().eq(lit(0))))
        .and_then(|merge| {
            merge.when_matched_update(|update| update.update(format!("`{text}`"), lit("merged by others")))
        })
        .and_then(|merge| {
            merge.when_not_matched_insert(|insert| {
                names.iter().fold(insert, |insert, name| insert.set(format!("`{name}`"), at("source", name)))
            })
        });
    match merge {
        Ok(merge) => worked(merge.await),
        Err(_) => false,
    }
}

async fn overwrite(delta: DeltaTable, batches: Vec<RecordBatch>, partitions: &[&str]) -> bool {
    let write = delta
        .write(batches)
        .with_save_mode(SaveMode::Overwrite)
        .with_schema_mode(SchemaMode::Overwrite)
        .with_partition_columns(partitions.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
        .with_configuration(HashMap::<String, Option<String>>::new());
    worked(write.await)
}

fn with(batch: &RecordBatch, name: &str, change: impl Fn(&ArrayRef) -> ArrayRef) -> RecordBatch {
    let schema = batch.schema();
    let named = schema.fields().iter().zip(batch.columns()).map(|(field, column)| {
        (field.name().clone(), if field.name() == name { change(column) } else { column.clone() }, true)
    });
    RecordBatch::try_from_iter_with_nullable(named.collect::<Vec<_>>()).unwrap()
}

/// Texts that can be the name of a folder on every machine.
fn without_null(column: &ArrayRef) -> ArrayRef {
    let texts = cast(column, &DataType::Utf8).unwrap();
    let plain = |text: &str| text.chars().filter(char::is_ascii_alphanumeric).take(20).collect::<String>();
    let filled = texts.as_string::<i32>().iter().map(|text| Some(format!("of {}", plain(text.unwrap_or_default()))));
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
