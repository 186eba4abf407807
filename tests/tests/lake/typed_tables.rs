//! Typed records into Delta tables of a user's own, and back.

use arrow::array::RecordBatch;
use connectwise_lakehouse::error::Kind;
use connectwise_lakehouse::{Commit, Lake, Table, TableName};
use connectwise_sdk::arrow::{Tabular as _, batch_to_records, records_to_batch};
use connectwise_sdk::models::{Company, TimeEntry};
use connectwise_sim::Simulator;
use connectwise_tests::client;
use futures::{TryStreamExt, stream};

type Never = std::convert::Infallible;

fn name() -> TableName {
    TableName::gold("my_entries")
}

fn entry(id: i32, hours: f64) -> TimeEntry {
    TimeEntry { id: Some(id), actual_hours: Some(hours), ..TimeEntry::default() }
}

fn batches(entries: &[TimeEntry]) -> Vec<Result<RecordBatch, Never>> {
    vec![Ok(records_to_batch(entries).unwrap())]
}

/// The records of a table, by id.
async fn stored(table: &Table) -> Vec<TimeEntry> {
    let batches: Vec<RecordBatch> =
        table.records(&TimeEntry::arrow_schema()).await.unwrap().try_collect().await.unwrap();
    let mut records: Vec<TimeEntry> = batches.iter().flat_map(|batch| batch_to_records(batch).unwrap()).collect();
    records.sort_by_key(|record| record.id);
    records
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_comes_back_from_delta_as_it_was_read() {
    let simulator = Simulator::builder().scale(300).start().await.unwrap();
    let client = client(&simulator).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let lake = Lake::open(&folder.path().to_string_lossy()).unwrap();
    let entries = client.resource::<TimeEntry>();
    let mut read: Vec<TimeEntry> = entries.list().stream().try_collect().await.unwrap();
    read.sort_by_key(|entry| entry.id);
    assert_eq!(read.len(), 300);

    let schema = TimeEntry::arrow_schema();
    let table = lake.table(&name()).await.unwrap();
    let written = table.append_records(&schema, entries.list().record_batches(64), &Commit::new("mine")).await.unwrap();
    assert_eq!((written.inserted, written.version, written.committed), (300, 0, true));
    let table = table.refresh().await.unwrap();
    assert_eq!(stored(&table).await, read);

    // Everything once more, of which nothing is new.
    let written =
        table.merge_records(&schema, "id", entries.list().record_batches(64), &Commit::new("mine")).await.unwrap();
    assert_eq!((written.inserted, written.deleted), (0, 0));
    assert_eq!(stored(&table.refresh().await.unwrap()).await, read);
}

#[tokio::test]
async fn appended_and_merged_rows_are_those_of_the_stream_and_nothing_else_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let lake = Lake::open(&folder.path().to_string_lossy()).unwrap();
    let (schema, commit) = (TimeEntry::arrow_schema(), Commit::new("mine"));

    let table = lake.table(&name()).await.unwrap();
    let none = table.append_records(&schema, stream::iter(batches(&[])), &commit).await.unwrap();
    assert!(!none.committed && !folder.path().join("gold").exists(), "no rows, no table");
    table.append_records(&schema, stream::iter(batches(&[entry(1, 1.0), entry(2, 2.0)])), &commit).await.unwrap();
    let table = table.refresh().await.unwrap();
    table.append_records(&schema, stream::iter(batches(&[entry(3, 3.0)])), &commit).await.unwrap();
    let table = table.refresh().await.unwrap();
    let written = table
        .merge_records(&schema, "id", stream::iter(batches(&[entry(2, 2.5), entry(4, 4.0)])), &commit)
        .await
        .unwrap();
    assert_eq!((written.inserted, written.updated, written.version), (1, 1, 2));
    let table = table.refresh().await.unwrap();
    let wanted = [entry(1, 1.0), entry(2, 2.5), entry(3, 3.0), entry(4, 4.0)];
    assert_eq!(stored(&table).await, wanted);

    let broken = |entries: &[TimeEntry]| {
        let batch = records_to_batch(entries).unwrap();
        stream::iter([Ok(batch), Err(std::io::Error::other("the network is gone"))])
    };
    let failed = table.append_records(&schema, broken(&[entry(5, 5.0)]), &commit).await.unwrap_err();
    let sentence =
        "the records for gold/my_entries ended with an error, so nothing was written to it: the network is gone";
    assert_eq!(failed.report(), sentence);
    let failed = table.merge_records(&schema, "id", broken(&[entry(5, 5.0)]), &commit).await.unwrap_err();
    assert_eq!(failed.report(), sentence);

    let companies = records_to_batch(&[Company { id: Some(1), ..Company::default() }]).unwrap();
    let other = || stream::iter([Ok::<_, Never>(companies.clone())]);
    for refused in [
        table.append_records(&schema, other(), &commit).await,
        table.append_records(&Company::arrow_schema(), other(), &commit).await,
        table.merge_records(&schema, "id", other(), &commit).await,
    ] {
        assert_eq!(refused.unwrap_err().kind(), Kind::Contract);
    }
    let twice =
        table.merge_records(&schema, "id", stream::iter(batches(&[entry(9, 1.0), entry(9, 2.0)])), &commit).await;
    assert_eq!(twice.unwrap_err().kind(), Kind::Contract, "one key, two rows");
    assert_eq!(table.refresh().await.unwrap().version(), Some(2));

    // Both were opened at one version, so only the first may write.
    let late = lake.table(&name()).await.unwrap();
    table.append_records(&schema, stream::iter(batches(&[entry(6, 6.0)])), &commit).await.unwrap();
    let conflict = late.append_records(&schema, stream::iter(batches(&[entry(7, 7.0)])), &commit).await.unwrap_err();
    assert!(conflict.is_conflict(), "{conflict}");
}
