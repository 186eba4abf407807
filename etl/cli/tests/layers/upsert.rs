//! Merges against a model: rows in a map. Files have several row groups and tables several files, so that rows are copied as
//! bytes, column by column and as a whole.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Field, Int32Type, Int64Type, Schema, SchemaRef, TimeUnit};
use arrow::json::ReaderBuilder;
use connectwise_lakehouse::{Changes, Commit, Lake, SpillBuffer, TableName, Written};
use serde_json::{Value, json};

fn schema() -> SchemaRef {
    let reference = vec![Field::new("id", DataType::Int32, true), Field::new("name", DataType::Utf8, true)];
    let element = Field::new("element", DataType::Struct(reference.clone().into()), true);
    let entry = vec![Field::new("key", DataType::Utf8, false), Field::new("value", DataType::Utf8, true)];
    Arc::new(Schema::new(vec![
        Field::new("id", DataType::Int32, false),
        Field::new("note", DataType::Utf8, true),
        Field::new("company", DataType::Struct(reference.into()), true),
        Field::new("fields", DataType::List(Arc::new(element)), true),
        Field::new(
            "_info",
            DataType::Map(Arc::new(Field::new("key_value", DataType::Struct(entry.into()), false)), false),
            true,
        ),
        Field::new("at", DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), true),
        Field::new("hash", DataType::Int64, false),
    ]))
}

/// A row whose columns are null now and then; `round` is in some of them only.
fn row(id: i64, round: i64) -> Value {
    let company =
        if id % 7 == 0 { Value::Null } else { json!({ "id": id % 50, "name": format!("company {}", id % 50) }) };
    let fields: Vec<Value> = (0..id % 3).map(|at| json!({ "id": at, "name": format!("{}", id + round) })).collect();
    json!({
        "id": id,
        "note": if id % 5 == 0 { Value::Null } else { format!("note {}", id % 100).into() },
        "company": company,
        "fields": if id % 11 == 0 { Value::Null } else { fields.into() },
        "_info": { "lastUpdated": format!("round {round}") },
        "at": if (id + round) % 13 == 0 { Value::Null } else { "2026-01-02T03:04:05.000006Z".into() },
        "hash": id * 31 + round,
    })
}

fn batches(rows: &[Value]) -> Vec<RecordBatch> {
    rows.chunks(1000)
        .map(|rows| {
            let mut decoder = ReaderBuilder::new(schema()).with_batch_size(rows.len()).build_decoder().unwrap();
            decoder.serialize(rows).unwrap();
            decoder.flush().unwrap().unwrap()
        })
        .collect()
}

fn table() -> TableName {
    TableName::bronze("thing")
}

async fn upsert(lake: &Lake, rows: &[Value]) -> connectwise_lakehouse::Result<Written> {
    let table = lake.table(&table()).await?;
    table.merge(&schema(), Changes::upserts("id", batches(rows)), &Commit::new("run")).await
}

/// The table's rows as JSON by their key; a key that is there twice fails.
async fn stored(lake: &Lake) -> BTreeMap<i64, Value> {
    let session = lake.session().unwrap();
    lake.register(&session, "t", &table()).await.unwrap();
    let read = session.sql("select * from t").await.unwrap().collect().await.unwrap();
    let mut rows = BTreeMap::new();
    for batch in read {
        let ids = batch.column_by_name("id").unwrap().as_primitive::<Int32Type>().clone();
        let hashes = batch.column_by_name("hash").unwrap().as_primitive::<Int64Type>().clone();
        let text = connectwise_pipeline::query::json(&[batch]).unwrap();
        let values: Vec<Value> = serde_json::from_slice(&text).unwrap();
        assert_eq!((values.len(), hashes.null_count()), (ids.len(), 0));
        for (id, value) in ids.values().iter().zip(values) {
            assert!(rows.insert(i64::from(*id), value).is_none(), "{id} is there twice");
        }
    }
    rows
}

/// What the JSON of a stored row has to be: absent where null.
fn shown(row: &Value) -> Value {
    let batch = batches(std::slice::from_ref(row));
    let text = connectwise_pipeline::query::json(&batch).unwrap();
    let values: Vec<Value> = serde_json::from_slice(&text).unwrap();
    values.into_iter().next().unwrap()
}

/// SplitMix64.
fn draw(state: &mut u64, bound: u64) -> i64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((mixed ^ (mixed >> 31)) % bound).cast_signed()
}

/// A table of three files: 20,000 rows each, so that a file has three row groups.
async fn three_files(lake: &Lake) -> BTreeMap<i64, Value> {
    let mut files = Vec::new();
    let mut model = BTreeMap::new();
    let opened = lake.table(&table()).await.unwrap();
    let mut writer = opened.file_writer(&schema(), "id").await.unwrap();
    for file in 0..3 {
        // Every second key, so that there is room between them.
        let rows: Vec<Value> = (0..20_000).map(|at| row((file * 20_000 + at) * 2, 0)).collect();
        for batch in batches(&rows) {
            writer.write(&batch).unwrap();
        }
        files.push(writer.finish().await.unwrap().unwrap());
        model.extend(rows.into_iter().map(|row| (row["id"].as_i64().unwrap(), row)));
    }
    let commit = Commit::new("first").transaction("application", 7);
    let written = opened.overwrite_with_files(&schema(), &files, &commit).await.unwrap();
    assert_eq!((written.inserted, written.version), (60_000, 0));
    model
}

/// What the newest commit says.
fn last_metrics(folder: &std::path::Path) -> Value {
    let log = folder.join("bronze/bronze_cw_thing/_delta_log");
    let files = std::fs::read_dir(log).unwrap().map(|entry| entry.unwrap().path());
    let newest = files.filter(|path| path.extension().is_some_and(|of| of == "json")).max().unwrap();
    let text = std::fs::read_to_string(newest).unwrap();
    let actions = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    actions.filter_map(|action| action.get("commitInfo")?.get("operationMetrics").cloned()).next().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn merges_end_where_a_map_ends() {
    let folder = tempfile::tempdir().unwrap();
    let lake = Lake::open(&folder.path().to_string_lossy()).unwrap();
    let mut model = three_files(&lake).await;
    let mut state = 1;
    for round in 1..=5 {
        // Edits anywhere, new rows between the old ones, new rows behind all.
        let mut change = BTreeMap::new();
        for _ in 0..200 {
            let id = draw(&mut state, 120_000);
            change.insert(id, row(id, round));
        }
        for at in 0..300 {
            let id = 120_000 + round * 1_000 + at;
            change.insert(id, row(id, round));
        }
        // In no order, as keys come from a server in the order of its choice.
        let mut rows: Vec<Value> = change.values().cloned().collect();
        rows.sort_by_key(|row| row["hash"].as_i64().unwrap() % 97);
        let opened = lake.table(&table()).await.unwrap();
        let commit = Commit::new("run").transaction("application", round);
        // From memory, from files, and partly from both.
        let mut pushed = SpillBuffer::with_memory_limit([usize::MAX, 0, 50_000][round as usize % 3]);
        for some in batches(&rows).iter().flat_map(|batch| [batch.slice(0, 99), batch.slice(99, batch.num_rows() - 99)])
        {
            pushed.push(some).unwrap();
        }
        let written = opened.merge(&schema(), Changes::upserts("id", pushed), &commit).await.unwrap();
        let known = change.keys().filter(|id| model.contains_key(id)).count() as u64;
        assert_eq!((written.updated, written.inserted), (known, change.len() as u64 - known));
        assert!(written.committed);
        model.extend(change);
        assert_eq!(opened.refresh().await.unwrap().transaction("application").await.unwrap(), Some(round));
    }
    let stored = stored(&lake).await;
    assert_eq!(stored.keys().collect::<Vec<_>>(), model.keys().collect::<Vec<_>>());
    for (id, row) in &model {
        assert_eq!(stored[id], shown(row), "{id}");
    }
    assert_eq!(lake.table(&table()).await.unwrap().keys("id").await.unwrap().len(), model.len() as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_costs_the_files_that_hold_it() {
    let folder = tempfile::tempdir().unwrap();
    let lake = Lake::open(&folder.path().to_string_lossy()).unwrap();
    three_files(&lake).await;
    // A range of keys over all files, and rows of the first and the last.
    let rows = [row(10, 1), row(119_990, 1), row(500_000, 1)];
    let written = upsert(&lake, &rows).await.unwrap();
    assert_eq!((written.updated, written.inserted), (2, 1));
    let metrics = last_metrics(folder.path());
    assert_eq!(metrics["numTargetFilesBefore"], 3);
    assert_eq!((&metrics["numTargetFilesRemoved"], &metrics["numTargetFilesAdded"]), (&json!(2), &json!(2)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_takes_in_no_more_rows_than_it_has() {
    let folder = tempfile::tempdir().unwrap();
    let lake = Lake::open(&folder.path().to_string_lossy()).unwrap();
    let upsert = async |rows: &[Value]| upsert(&lake, rows).await.unwrap();
    upsert(&(0..1_000).map(|at| row(at * 10, 0)).collect::<Vec<_>>()).await;
    // An edit, so that the file is copied, and more rows between those that are there.
    let more = (0..1_000).flat_map(|at| [row(at * 10 + 1, 1), row(at * 10 + 2, 1), row(at * 10 + 3, 1)]);
    let written = upsert(&more.chain([row(10, 1)]).collect::<Vec<_>>()).await;
    assert_eq!((written.updated, written.inserted), (1, 3_000));
    assert_eq!(last_metrics(folder.path())["numTargetFilesAdded"], 2);
    assert_eq!(stored(&lake).await.len(), 4_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_is_refused_as_a_whole() {
    let folder = tempfile::tempdir().unwrap();
    let lake = Lake::open(&folder.path().to_string_lossy()).unwrap();
    three_files(&lake).await;
    let twice = upsert(&lake, &[row(4, 1), row(4, 2)]).await.unwrap_err();
    assert_eq!(twice.to_string(), "two rows for bronze/bronze_cw_thing have the id 4");
    assert_eq!(lake.table(&table()).await.unwrap().version(), Some(0));
    assert_eq!(stored(&lake).await.len(), 60_000);
}

/// Rows with a column that the table lacks are merged by Delta itself, which joins all of both sides.
#[tokio::test(flavor = "multi_thread")]
async fn a_merge_by_delta_keeps_to_the_memory_that_there_may_be() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Lake::open(&folder.path().to_string_lossy()).unwrap();
    three_files(&open()).await;
    let mut fields = schema().fields().to_vec();
    fields.push(Arc::new(Field::new("more", DataType::Utf8, true)));
    let wider: SchemaRef = Arc::new(Schema::new(fields));
    let rows: Vec<Value> = (0..60_000).map(|at| row(at * 2, 1)).collect();
    let rows = |wider: &SchemaRef| -> Vec<RecordBatch> {
        let widened = batches(&rows).into_iter().map(|batch| {
            let mut columns = batch.columns().to_vec();
            columns.push(arrow::array::new_null_array(&DataType::Utf8, batch.num_rows()));
            RecordBatch::try_new(wider.clone(), columns).unwrap()
        });
        widened.collect()
    };
    let upsert = async |lake: Lake| {
        let table = lake.table(&table()).await.unwrap();
        table.merge(&wider, Changes::upserts("id", rows(&wider)), &Commit::new("run")).await
    };
    let error = upsert(open().with_memory(1 << 20).unwrap()).await.unwrap_err();
    assert!(error.report().contains("allow more with --memory"), "{error:?}");
    assert_eq!(open().table(&table()).await.unwrap().version(), Some(0));
    assert_eq!(upsert(open()).await.unwrap().updated, 60_000);
}
