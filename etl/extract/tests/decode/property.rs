//! Any JSON becomes a row from which it can be rebuilt, or stays as text, with a reason.

use chrono::{DateTime, Utc};
use connectwise_extract::decode::{self, Decoder};
use connectwise_sdk::RecordText;
use connectwise_sdk::catalog::{Entity, Kind};
use proptest::prelude::*;
use proptest::test_runner::Config;
use serde_json::value::RawValue;

use crate::hostile::{self, under};
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
