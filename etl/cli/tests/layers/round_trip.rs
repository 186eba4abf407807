//! Records become rows of Delta tables, or stay in quarantine as text, and are read back as they were sent.

use std::collections::BTreeMap;

use arrow::array::AsArray;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int32Type};
use chrono::{DateTime, Utc};
use connectwise_extract::catalog;
use connectwise_extract::decode::{self, Decoder, Rejected};
use connectwise_lakehouse::{Changes, Commit, Lake, TableName};
use connectwise_pipeline::quarantine;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::value::RawValue;

use crate::hostile::{self, under};
use crate::records::object_of;
use crate::tree::read;

/// What the tables give back is compared with what the server sent, after a first write and after a merge into it.
#[tokio::test]
async fn what_was_sent_is_read_back_from_the_tables() {
    let folder = tempfile::tempdir().unwrap();
    let lake = Lake::open(&folder.path().to_string_lossy()).unwrap();
    let mut runner = TestRunner::deterministic();
    let (mut sent, mut kept) = (BTreeMap::new(), Vec::new());
    let entity = catalog::entity("TimeEntry").unwrap();
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
        let changes = Changes::upserts("id", vec![batch]);
        lake.table(&table).await.unwrap().merge(decoder.schema(), changes, &Commit::new("run-1")).await.unwrap();
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
