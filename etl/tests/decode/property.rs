//! Any JSON becomes a row from which it can be rebuilt, or stays as text, with a reason: in memory and through Delta tables.

use std::collections::BTreeMap;

use arrow::array::AsArray;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int32Type};
use chrono::{DateTime, Utc};
use connectwise_etl::decode::{self, Decoder, Rejected};
use connectwise_etl::lake::{Commit, Lake, TableName};
use connectwise_etl::quarantine;
use connectwise_sdk::RecordText;
use connectwise_sdk::catalog::{Entity, Kind};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use serde_json::value::RawValue;

use crate::hostile;
use crate::records::{object_of, record};
use crate::tree::{Tree, read};
use crate::{row, time_entry};

/// Whether a record has to become a row: it is an object with a key, and all of it is text.
fn has_to_be_a_row(entity: &Entity, text: &str) -> bool {
    let Tree::Object(entries) = read(text) else { return false };
    let key = entity.columns.iter().find(|column| column.name == entity.key).unwrap();
    let bits = if matches!(key.kind, Kind::Int64) { 64 } else { 32 };
    !text.contains("\\ud800") && entries.get(entity.key).is_some_and(|key| key.is_key(bits))
}

fn rebuilt_or_rejected(entity: &'static Entity, text: &str) -> Result<(), TestCaseError> {
    // White space around a record is the page's.
    let text = text.trim();
    match row(entity, text) {
        Ok(batch) => prop_assert_eq!(read(&decode::rebuild(entity, &batch, 0).unwrap()), read(text), "{}", text),
        Err(reason) => prop_assert!(!has_to_be_a_row(entity, text), "{}: {}", reason, text),
    }
    Ok(())
}

proptest! {
    #![proptest_config(Config::with_cases(1_000))]

    #[test]
    fn any_record_is_rebuilt_or_rejected((entity, record) in record()) {
        rebuilt_or_rejected(entity, &record.to_string())?;
    }

    #[test]
    fn any_record_written_with_malice_is_rebuilt_or_rejected((entity, record) in record(), seed in any::<u64>()) {
        rebuilt_or_rejected(entity, &hostile::write(&record, seed))?;
    }

    /// A byte that is no text spoils its own record, which is kept as far as it can be shown; the next one is a row.
    #[test]
    fn bytes_that_are_no_text_never_become_a_row((_, record) in record(), at in any::<prop::sample::Index>(), byte in 0x80..=0xff_u8) {
        let mut page = format!("[{record},{{\"id\":7}}]").into_bytes();
        let at = 1 + at.index(record.to_string().len());
        page[at] = byte;
        if let Some(records) = RecordText::split(&page) {
            let [first, second] = records.as_slice() else { panic!("two records became {}", records.len()) };
            let mut decoder = Decoder::new(time_entry(), "run-1", DateTime::<Utc>::UNIX_EPOCH).unwrap();
            if first.is_mended() {
                let Err(rejected) = decoder.push(first).unwrap() else { panic!("{first:?} became a row") };
                prop_assert!(rejected.text.contains('\u{fffd}') && rejected.reason.contains("UTF-8"), "{:?}", rejected);
            } else {
                rebuilt_or_rejected(time_entry(), first.get())?;
            }
            prop_assert_eq!(decoder.push(second).unwrap().unwrap(), 7);
        }
    }
}

proptest! {
    #![proptest_config(Config::with_cases(200))]

    /// What was seen in one record makes the next one quicker to read, and nothing else of it.
    #[test]
    fn records_are_read_alike_whatever_came_before(
        records in prop::collection::vec(object_of(time_entry().columns), 2..6),
        seed in any::<u64>(),
    ) {
        let mut decoder = Decoder::new(time_entry(), "run-1", DateTime::<Utc>::UNIX_EPOCH).unwrap();
        let texts: Vec<String> = records.iter().map(|record| under(7, &hostile::write(record, seed))).collect();
        let mut rows = Vec::new();
        for text in texts.iter().chain(&texts) {
            let pushed = decoder.push(&RawValue::from_string(text.clone()).unwrap()).unwrap();
            prop_assert_eq!(pushed.is_ok(), row(time_entry(), text).is_ok(), "{}", text);
            rows.extend(pushed.is_ok().then_some(text));
        }
        let batch = decoder.batch().unwrap();
        for (at, text) in rows.into_iter().enumerate() {
            prop_assert_eq!(read(&decode::rebuild(time_entry(), &batch, at).unwrap()), read(text), "{}", text);
        }
    }
}

/// The record with a key as its last property, which counts whatever comes before it.
fn under(key: i64, record: &str) -> String {
    let inner = record.trim().strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap().trim();
    if inner.is_empty() { format!("{{\"id\":{key}}}") } else { format!("{{{inner},\"id\":{key}}}") }
}

/// What the tables give back is compared with what the server sent, after a first write and after a merge into it.
#[tokio::test]
async fn what_was_sent_is_read_back_from_the_tables() {
    let folder = tempfile::tempdir().unwrap();
    let lake = Lake::open(&folder.path().to_string_lossy()).unwrap();
    let mut runner = TestRunner::deterministic();
    let (mut sent, mut kept) = (BTreeMap::new(), Vec::new());
    let entity = time_entry();
    let table = TableName::bronze(entity.table);
    for round in 0..3 {
        let mut decoder = Decoder::new(entity, "run-1", DateTime::<Utc>::UNIX_EPOCH).unwrap();
        let mut rejected: Vec<Rejected> = Vec::new();
        // The rounds overlap: keys are new, changed, and left alone.
        for key in round * 100..round * 100 + 200 {
            let record = object_of(entity.columns).new_tree(&mut runner).unwrap().current();
            let text = under(key, &hostile::write(&record, u64::from(runner.rng().next_u32())));
            match decoder.push(&RawValue::from_string(text.clone()).unwrap()).unwrap() {
                Ok(found) => {
                    assert_eq!(found, key, "{text}");
                    sent.insert(key, text);
                }
                Err(record) => {
                    assert_eq!(record.text, text);
                    rejected.push(record);
                }
            }
        }
        let batch = decoder.batch().unwrap();
        let session = lake.session().unwrap();
        let commit = Commit::new("run-1").upon(lake.version(&table).await.unwrap());
        lake.upsert(&table, decoder.schema(), "id", vec![batch], &session, &commit).await.unwrap();
        quarantine::keep(&lake, entity, &rejected, "run-1", DateTime::<Utc>::UNIX_EPOCH).await.unwrap();
        kept.extend(rejected);
    }
    assert!(sent.len() > 200 && kept.len() > 20, "{} rows, {} in quarantine", sent.len(), kept.len());

    let session = lake.session().unwrap();
    lake.register(&session, "t", &table).await.unwrap();
    let mut found = 0;
    for batch in session.sql("select * from t").await.unwrap().collect().await.unwrap() {
        for (at, key) in batch["id"].as_primitive::<Int32Type>().values().iter().enumerate() {
            let text = &sent[&i64::from(*key)];
            assert_eq!(read(&decode::rebuild(entity, &batch, at).unwrap()), read(text), "{text}");
            found += 1;
        }
    }
    assert_eq!(found, sent.len());

    lake.register(&session, "q", &quarantine::table()).await.unwrap();
    let stored = session.sql("select record from q").await.unwrap().collect().await.unwrap();
    let mut stored: Vec<String> = stored
        .iter()
        .flat_map(|batch| {
            let records = cast(&batch["record"], &DataType::Utf8).unwrap();
            records.as_string::<i32>().iter().flatten().map(str::to_owned).collect::<Vec<_>>()
        })
        .collect();
    let mut expected: Vec<String> = kept.into_iter().map(|record| record.text).collect();
    stored.sort_unstable();
    expected.sort_unstable();
    assert_eq!(stored, expected);
}
