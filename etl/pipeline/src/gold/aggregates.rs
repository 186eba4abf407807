//! Partial aggregates of a SELECT, cached by the files that they were computed from.
//!
//! A data file never changes. A SELECT whose rows for some files can be put together with those for others, as counts, sums, least and
//! greatest values can, is computed for a group of files at a time, and its rows stay true while these files are in the table. When a
//! file leaves, the rest of its group is computed again; files that come make groups of their own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BinaryArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use bytes::Bytes;
use connectwise_lakehouse::{Commit, Source, Table, TableName};
use datafusion::prelude::SessionContext;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use twox_hash::XxHash3_64;

use super::keys::text;
use super::model::Model;
use super::{failed, in_model, lookups, withheld};
use crate::error::{Error, Result};

/// The table that remembers.
pub(super) const TABLE: &str = "gold_parts";
/// Files that are computed together, at the least and at the most: few enough that a change computes little again, and so
/// many that planning costs little.
const FILES: std::ops::RangeInclusive<usize> = 4..=16;
/// Groups that a table is meant to have.
const FILE_GROUPS: usize = 16;

/// The table that remembers.
pub(super) fn table() -> TableName {
    TableName::ledger(TABLE)
}

/// Names of files, without their folder.
type Files = BTreeSet<String>;

/// A table whose files are computed group by group.
#[derive(Debug, Clone)]
pub(super) struct Input {
    pub(super) table: Table,
    /// Name under which the SELECT reads it.
    pub(super) alias: String,
    /// Columns that it is read with: those of the contract, whatever the privacy policy left of them.
    pub(super) contract: Option<SchemaRef>,
    /// Columns that it has.
    pub(super) schema: SchemaRef,
}

/// A SELECT that is computed group by group.
#[derive(Debug, Clone)]
pub(super) struct Aggregate {
    pub(super) name: String,
    pub(super) sql: String,
    /// Views that it reads, in their order.
    pub(super) views: Vec<Model>,
    /// Tables that it gives rows of.
    pub(super) inputs: Vec<Input>,
}

impl Aggregate {
    /// A number that changes with the SELECT and the columns that it reads.
    fn number(&self) -> i64 {
        let views = self.views.iter().map(|view| view.sql.clone());
        // What else a schema says of a column has no order that lasts, and says nothing of the rows.
        let columns = self.inputs.iter().flat_map(|input| {
            let column = |field: &Arc<Field>| format!("{} {} {}", input.table.name(), field.name(), field.data_type());
            input.schema.fields().iter().map(column)
        });
        let text: Vec<String> = std::iter::once(self.sql.clone()).chain(views).chain(columns).collect();
        i64::from_ne_bytes(XxHash3_64::oneshot(text.join("\n").as_bytes()).to_ne_bytes())
    }
}

/// What was computed of one group of files.
#[derive(Debug, Clone)]
struct StoredAggregate {
    number: i64,
    rows: Bytes,
}

/// Everything that is remembered.
#[derive(Debug, Default)]
pub(super) struct AggregateCache {
    /// By table and files, the content of each SELECT by its name.
    known: BTreeMap<(String, Files), BTreeMap<String, StoredAggregate>>,
    changed: bool,
}

impl AggregateCache {
    pub(super) async fn load(table: &Table) -> Result<Self> {
        let session = table.lake().session()?;
        let mut cache = Self::default();
        if !table.register(&session, "p").await? {
            return Ok(cache);
        }
        let rows = session.sql("select `table`, files, `select`, number, content from p").await.map_err(failed)?;
        for batch in rows.collect().await.map_err(failed)? {
            let tables = text(batch.column(0))?;
            let files = text(batch.column(1))?;
            let names = text(batch.column(2))?;
            let numbers = batch.column(3).as_primitive::<Int64Type>();
            let contents = arrow::compute::cast(batch.column(4), &DataType::Binary).map_err(broken)?;
            let contents = contents.as_binary::<i32>();
            for row in 0..batch.num_rows() {
                let files = files.value(row).lines().map(str::to_owned).collect();
                let content =
                    StoredAggregate { number: numbers.value(row), rows: Bytes::copy_from_slice(contents.value(row)) };
                let of = cache.known.entry((tables.value(row).to_owned(), files)).or_default();
                of.insert(names.value(row).to_owned(), content);
            }
        }
        Ok(cache)
    }

    /// Computes what isn't known of the SELECTs, and gives the rows of each, by its name.
    pub(super) async fn rows(
        &mut self,
        session: &SessionContext,
        aggregates: &[Aggregate],
    ) -> Result<BTreeMap<String, (SchemaRef, Vec<RecordBatch>)>> {
        let mut rows: BTreeMap<String, (SchemaRef, Vec<RecordBatch>)> = BTreeMap::new();
        let mut views: Vec<&Model> = Vec::new();
        for one in aggregates {
            one.inputs.iter().try_for_each(|input| empty(session, input))?;
            for view in &one.views {
                if views.iter().all(|known| known.name != view.name) {
                    views.push(view);
                }
            }
        }
        let mut inputs: BTreeMap<String, &Input> = BTreeMap::new();
        for input in aggregates.iter().flat_map(|one| &one.inputs) {
            inputs.insert(input.table.name().to_string(), input);
        }
        for (table, input) in inputs {
            let files = input.table.files()?;
            let count = files.len();
            let places: BTreeMap<String, String> = files.into_iter().map(|uri| (name_of(&uri), uri)).collect();
            if places.len() < count {
                return Err(Error::internal(&format!("two files of {table} have the same name")));
            }
            for files in self.file_groups(&table, &places.keys().cloned().collect()) {
                let mut contents = self.known.get(&(table.clone(), files.clone())).cloned().unwrap_or_default();
                let mut is_open = false;
                for one in aggregates
                    .iter()
                    .filter(|one| one.inputs.iter().any(|input| input.table.name().to_string() == table))
                {
                    let number = one.number();
                    // What can't be read is as good as not known.
                    let known = contents.get(&one.name).filter(|content| content.number == number);
                    let batches = match known.and_then(|content| decode(content.rows.clone()).ok()) {
                        Some(batches) => batches,
                        None => {
                            if !is_open {
                                let gone =
                                    |name| Error::internal(&format!("{table} has no file {name} to be added up"));
                                let uris = files.iter().map(|name| places.get(name).cloned().ok_or_else(|| gone(name)));
                                let uris = uris.collect::<Result<_>>()?;
                                open(session, input, uris).await?;
                                look(session, &views).await?;
                                is_open = true;
                            }
                            let computed = session.sql(&one.sql).await;
                            let computed = computed.map_err(|error| uncomputed(one, error))?.collect().await;
                            let rows = encode(&computed.map_err(|error| uncomputed(one, error))?)?;
                            self.changed = true;
                            contents.insert(one.name.clone(), StoredAggregate { number, rows: rows.clone() });
                            decode(rows)?
                        }
                    };
                    for batch in batches {
                        let (schema, batches) =
                            rows.entry(one.name.clone()).or_insert_with(|| (plain(&batch.schema()), Vec::new()));
                        batches.push(fitted(schema, &batch)?);
                    }
                }
                if is_open {
                    empty(session, input)?;
                }
                self.known.insert((table.clone(), files), contents);
            }
        }
        // What gave no rows has columns nevertheless.
        for one in aggregates.iter().filter(|one| !rows.contains_key(&one.name)).collect::<Vec<_>>() {
            look(session, &views).await?;
            let planned = session.sql(&one.sql).await.map_err(|error| uncomputed(one, error))?;
            rows.insert(one.name.clone(), (plain(planned.schema().inner()), Vec::new()));
        }
        Ok(rows)
    }

    /// The files of a table in groups: those that are known and still there, what is left of others, and what is new.
    fn file_groups(&mut self, table: &str, files: &Files) -> Vec<Files> {
        let known: Vec<Files> =
            self.known.keys().filter(|(of, _)| of == table).map(|(_, files)| files.clone()).collect();
        let mut whole = Vec::new();
        let mut rest = Files::new();
        for one in known {
            if one.is_subset(files) {
                whole.push(one);
            } else {
                rest.extend(one.intersection(files).cloned());
                self.known.remove(&(table.to_owned(), one));
                self.changed = true;
            }
        }
        let taken: Files = whole.iter().flatten().chain(&rest).cloned().collect();
        let new: Vec<String> = files.difference(&taken).cloned().collect();
        let size = files.len().div_ceil(FILE_GROUPS).clamp(*FILES.start(), *FILES.end());
        let rest: Vec<String> = rest.into_iter().collect();
        for some in rest.chunks(size).chain(new.chunks(size)) {
            whole.push(some.iter().cloned().collect());
        }
        whole
    }

    /// Writes down what was computed.
    pub(super) async fn save(&mut self, table: &Table, run_id: &str) -> Result<()> {
        if !self.changed {
            return Ok(());
        }
        let rows = || {
            self.known.iter().flat_map(|((table, files), contents)| {
                contents.iter().map(move |(name, content)| (table, files, name, content))
            })
        };
        let lines = |files: &Files| files.iter().map(String::as_str).collect::<Vec<_>>().join("\n");
        let columns: [(&str, ArrayRef); 5] = [
            ("table", Arc::new(rows().map(|(table, ..)| Some(table.as_str())).collect::<StringArray>())),
            ("files", Arc::new(rows().map(|(_, files, ..)| Some(lines(files))).collect::<StringArray>())),
            ("select", Arc::new(rows().map(|(_, _, name, _)| Some(name.as_str())).collect::<StringArray>())),
            ("number", Arc::new(rows().map(|(.., content)| Some(content.number)).collect::<Int64Array>())),
            ("content", Arc::new(rows().map(|(.., content)| Some(content.rows.as_ref())).collect::<BinaryArray>())),
        ];
        let columns = columns.map(|(name, column)| (name, column, false));
        let batch = RecordBatch::try_from_iter_with_nullable(columns).map_err(broken)?;
        let source = Source::batches(&table.lake().session()?, vec![batch])?;
        match table.refresh().await?.overwrite(&schema(), source, &Commit::new(run_id)).await {
            // Another run wrote down what it computed: what is missing there is computed again where it is needed.
            Err(error) if error.is_conflict() => tracing::info!("{error}; what was computed isn't kept"),
            written => drop(written?),
        }
        self.changed = false;
        Ok(())
    }
}

pub(super) fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("table", DataType::Utf8, false),
        Field::new("files", DataType::Utf8, false),
        Field::new("select", DataType::Utf8, false),
        Field::new("number", DataType::Int64, false),
        Field::new("content", DataType::Binary, false),
    ]))
}

/// Lets views look at the tables as they are open now.
async fn look(session: &SessionContext, views: &[&Model]) -> Result<()> {
    for view in views {
        let rows = session.sql(&view.sql).await.map_err(|error| in_model(view, error))?.into_view();
        session.deregister_table(view.name.as_str()).map_err(failed)?;
        session.register_table(view.name.as_str(), rows).map_err(failed)?;
    }
    Ok(())
}

/// Makes some files of a table readable.
async fn open(session: &SessionContext, input: &Input, files: BTreeSet<String>) -> Result<()> {
    input.table.register_files(session, &input.alias, files).await?;
    match &input.contract {
        Some(contract) => withheld::fill(session, input.table.name(), contract).await,
        None => Ok(()),
    }
}

/// Makes a table readable without any of its rows.
fn empty(session: &SessionContext, input: &Input) -> Result<()> {
    let schema = input.contract.as_ref().unwrap_or(&input.schema);
    lookups::register(session, &input.alias, RecordBatch::new_empty(schema.clone()))
}

/// Makes what a SELECT gave readable under its name.
pub(super) fn register(session: &SessionContext, name: &str, schema: &SchemaRef, rows: &[RecordBatch]) -> Result<()> {
    lookups::register(session, name, arrow::compute::concat_batches(schema, rows).map_err(broken)?)
}

/// A schema whose columns may all be NULL, with texts in their plain form: what is so for the rows of one group need not be
/// so for those of another.
pub(super) fn plain(schema: &Schema) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| {
        let kind = if field.data_type().is_string() { DataType::Utf8 } else { field.data_type().clone() };
        Field::new(field.name(), kind, true)
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// Rows in the types of a schema: readers hand out texts in more than one form.
pub(super) fn fitted(schema: &SchemaRef, batch: &RecordBatch) -> Result<RecordBatch> {
    let columns = batch.columns().iter().zip(schema.fields());
    let columns = columns.map(|(column, field)| arrow::compute::cast(column, field.data_type()));
    let columns = columns.collect::<std::result::Result<Vec<_>, _>>().map_err(broken)?;
    RecordBatch::try_new(schema.clone(), columns).map_err(broken)
}

fn name_of(uri: &str) -> String {
    uri.rsplit_once('/').map_or(uri, |(_, name)| name).to_owned()
}

fn encode(batches: &[RecordBatch]) -> Result<Bytes> {
    let Some(first) = batches.first() else { return Ok(Bytes::new()) };
    let unwritten = |error| Error::part("kept").with_source(error);
    let mut writer = ArrowWriter::try_new(Vec::new(), first.schema(), None).map_err(unwritten)?;
    for batch in batches {
        writer.write(batch).map_err(unwritten)?;
    }
    writer.into_inner().map(Bytes::from).map_err(unwritten)
}

fn decode(rows: Bytes) -> Result<Vec<RecordBatch>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let reader = ParquetRecordBatchReaderBuilder::try_new(rows).and_then(ParquetRecordBatchReaderBuilder::build);
    let reader = reader.map_err(|error| Error::part("read").with_source(error));
    reader?.collect::<std::result::Result<_, _>>().map_err(broken)
}

fn broken(error: arrow::error::ArrowError) -> Error {
    Error::part("put together with the others").with_source(error)
}

fn uncomputed(aggregate: &Aggregate, error: datafusion::error::DataFusionError) -> Error {
    Error::uncomputed(&aggregate.name).with_source(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(names: std::ops::Range<usize>) -> Files {
        names.map(|name| format!("{name:03}")).collect()
    }

    fn known(cache: &mut AggregateCache, file_groups: &[Files]) {
        for one in file_groups {
            cache.known.insert(("t".to_owned(), one.clone()), BTreeMap::new());
        }
    }

    #[test]
    fn every_file_is_in_one_group_and_a_change_breaks_only_its_own() {
        let mut cache = AggregateCache::default();
        let first = cache.file_groups("t", &files(0..100));
        assert!(first.iter().all(|one| one.len() <= 7));
        known(&mut cache, &first);
        // File 3 was copied to 200.
        let mut now = files(0..100);
        now.remove("003");
        now.insert("200".to_owned());
        let second = cache.file_groups("t", &now);
        assert_eq!(second.iter().flatten().count(), 100);
        assert_eq!(second.iter().flatten().cloned().collect::<Files>(), now);
        assert_eq!(first.iter().filter(|one| !second.contains(one)).count(), 1);
        assert!(second.contains(&Files::from(["200".to_owned()])), "what is new is likely to change next");
        known(&mut cache, &second);
        assert_eq!(cache.file_groups("t", &now).len(), second.len());
        assert!(cache.file_groups("other", &files(0..2)).len() == 1);
    }

    #[tokio::test]
    async fn a_select_has_the_same_number_in_every_process() {
        let folder = tempfile::tempdir().unwrap();
        let lake = connectwise_lakehouse::Lake::open(folder.path().to_str().unwrap()).unwrap();
        let table = lake.table(&TableName::silver("t")).await.unwrap();
        let number = |kind: DataType| {
            // A map of its own for each, as every process has.
            let notes = ('a'..='p').map(|note| (note.to_string(), "said".to_owned())).collect();
            let schema = Arc::new(Schema::new(vec![Field::new("id", kind, false).with_metadata(notes)]));
            let input = Input { table: table.clone(), alias: "t".to_owned(), contract: None, schema };
            let aggregate = Aggregate {
                name: "n".to_owned(),
                sql: "select id from t".to_owned(),
                views: Vec::new(),
                inputs: vec![input],
            };
            aggregate.number()
        };
        assert_eq!(number(DataType::Int32), number(DataType::Int32));
        assert_ne!(number(DataType::Int32), number(DataType::Int64));
    }

    #[test]
    fn what_is_cached_is_what_was_computed() {
        let column: arrow::array::ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None]));
        let batch = RecordBatch::try_from_iter([("a", column)]).unwrap();
        let back = decode(encode(std::slice::from_ref(&batch)).unwrap()).unwrap();
        assert_eq!(back[0].columns(), batch.columns());
        assert!(decode(encode(&[]).unwrap()).unwrap().is_empty());
    }
}
