//! What of the ETL parses bytes of others: records of the API, and the files that people write for it.
//!
//! A function here takes any bytes and must neither panic nor run without end. What is wrong with a file is the fault of
//! whoever wrote it, and has to be told so.

use std::path::Path;
use std::sync::OnceLock;

use chrono::{DateTime, Utc};
use connectwise_etl::{check_configuration, dotenv};
use connectwise_extract::catalog;
use connectwise_extract::decode::{Decoder, rebuild};
use connectwise_extract::privacy::SecretStorage;
use connectwise_lakehouse::Lake;
use connectwise_pipeline::Error;
use connectwise_pipeline::gold::{self, GoldConfig, OwnModels};
use connectwise_sdk::RecordText;
use connectwise_sdk::catalog::{Entity, Kind};

use crate::tree::{Tree, read};

/// Entities with all that columns can be: lists, free-form values, secrets, a parent.
const ENTITIES: [&str; 4] = ["TimeEntry", "Agreement", "Member", "BoardStatus"];

/// The exact reader of the tests calls itself for what lies in something else.
const DEEPEST: usize = 300;

/// A page of a list into batches. What becomes a row gives its record back, and what doesn't is no record with a key.
pub(crate) fn decoder(page: &[u8]) {
    let Some(records) = RecordText::split(page) else { return };
    for entity in ENTITIES.map(|name| catalog::entity(name).expect("the catalogue has it")) {
        let decode = |secrets| {
            let decoder = Decoder::new(entity, "run-1", DateTime::<Utc>::UNIX_EPOCH);
            let mut decoder = decoder.expect("the catalogue has its columns").storing(secrets);
            let mut rows = Vec::new();
            for record in &records {
                match decoder.push(record).expect("no record is refused by its columns") {
                    Ok(_) => rows.push(record.get()),
                    Err(rejected) => {
                        assert!(!has_to_be_a_row(entity, record), "{}: {}", rejected.reason, record.get());
                    }
                }
            }
            (decoder.batch().expect("rows make a batch"), rows)
        };
        let (batch, rows) = decode(SecretStorage::Bronze);
        for (at, text) in rows.iter().enumerate().filter(|(_, text)| is_comparable(text)) {
            let rebuilt = rebuild(entity, &batch, at).expect("a row gives its record back");
            assert_eq!(read(&rebuilt), read(text), "{text}");
        }
        let (redacted, kept) = decode(SecretStorage::Nowhere);
        assert_eq!((redacted.num_rows(), kept), (batch.num_rows(), rows));
    }
}

/// Whether the exact reader can read it: unpaired surrogates are JSON and no text.
fn is_comparable(text: &str) -> bool {
    !text.contains("\\ud") && !text.contains("\\uD") && text.matches(['[', '{']).count() < DEEPEST
}

/// Whether a record has to become a row: it is an object with a key.
fn has_to_be_a_row(entity: &Entity, record: &RecordText<'_>) -> bool {
    let text = record.get();
    if record.is_broken() || record.is_mended() || !is_comparable(text) {
        return false;
    }
    let Tree::Object(entries) = read(text) else { return false };
    let key = entity.columns.iter().find(|column| column.name == entity.key).expect("an entity has its key");
    let bits = if matches!(key.kind, Kind::Int64) { 64 } else { 32 };
    entries.get(entity.key).is_some_and(|key| key.is_key(bits))
}

/// A file `.env`, whose values are the same when they are written in quotes.
pub(crate) fn dotenv(file: &[u8]) {
    let Ok(values) = dotenv::parse(&String::from_utf8_lossy(file)) else { return };
    let quoted = |value: &str| {
        let escaped = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        format!("\"{escaped}\"")
    };
    let lines: Vec<String> = values.iter().map(|(name, value)| format!("{name}={}", quoted(value))).collect();
    assert_eq!(dotenv::parse(&lines.join("\n")), Ok(values));
}

/// A configuration file.
pub(crate) fn configuration(file: &[u8]) {
    told(check_configuration(&String::from_utf8_lossy(file)));
}

/// Models of a user's project: `models.toml`, and the SELECTs of two models behind lines of `====`.
pub(crate) fn models(files: &[u8]) {
    static PLACE: OnceLock<(tempfile::TempDir, tokio::runtime::Runtime, Lake)> = OnceLock::new();
    let (folder, runtime, lake) = PLACE.get_or_init(|| {
        let folder = tempfile::tempdir().expect("there is a place for temporary files");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
        let lake = Lake::open(&folder.path().to_string_lossy()).expect("a folder is a place for a lakehouse");
        (folder, runtime, lake)
    });
    let text = String::from_utf8_lossy(files);
    let mut texts = text.splitn(3, "\n====\n");
    for name in ["models.toml", "mine.sql", "yours.sql"] {
        let path = folder.path().join(name);
        match texts.next() {
            Some(text) => std::fs::write(&path, text).expect("a file can be written"),
            None => drop(std::fs::remove_file(&path)),
        }
    }
    let models = OwnModels::read(Path::new(folder.path())).expect("the files can be read");
    let config = GoldConfig { models, ..GoldConfig::default() };
    told(runtime.block_on(gold::check(lake, &config)));
}

/// What is said of a file is one line that blames whoever wrote it.
fn told(checked: Result<(), Error>) {
    if let Err(error) = checked {
        assert!(error.is_usage(), "{error:?}");
        let report = error.report();
        assert!(!report.is_empty() && !report.contains(['\n', '\r']), "{report:?}");
    }
}
