//! A change merged into tables of different sizes: the same rows into each, nine in ten among the newest twentieth of the keys.
//! Rows are time entries as the simulator makes them, under new keys.
//!
//! Run with `cargo bench --profile dev -p connectwise-pipeline --bench merge -- 1000000`, one size a process, as the peak of memory
//! is the process's. Give `-- ROWS CHANGES` for another change than 10,000 rows.

#![allow(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use std::collections::BTreeSet;
use std::io::Write;
use std::sync::Arc;
use std::time::Instant;

use arrow::array::{ArrayRef, Int32Array, Int64Array, RecordBatch, StringArray, UInt32Array};
use arrow::compute::take;
use chrono::DateTime;
use connectwise_extract::catalog;
use connectwise_extract::contract::{CONTENT_HASH, RUN_ID};
use connectwise_extract::decode::Decoder;
use connectwise_lakehouse::{Changes, Commit, Comparison, Lake, TableName};
use connectwise_sdk::{Client, Config, ConfigParts};
use connectwise_sim::Simulator;
use futures::TryStreamExt;

const TEMPLATE: usize = 2_000;

async fn template() -> RecordBatch {
    let simulator = Simulator::builder().seed(1).scale(TEMPLATE as u64).start().await.unwrap();
    let parts = ConfigParts {
        base_url: Some(simulator.base_url()),
        username: Some(simulator.username().to_owned()),
        password: Some(simulator.password().to_owned().into()),
        client_id: Some("00000000-0000-0000-0000-000000000000".to_owned()),
        ..ConfigParts::default()
    };
    let client = Client::new(Config::from_parts(parts).unwrap()).unwrap();
    let mut decoder = Decoder::new(catalog::entity("TimeEntry").unwrap(), "first", DateTime::UNIX_EPOCH).unwrap();
    let mut pages = Box::pin(client.list("/time/entries").page_size(1000).pages());
    while let Some(page) = pages.try_next().await.unwrap() {
        for record in page.records().unwrap() {
            decoder.push(record).unwrap().unwrap();
        }
    }
    decoder.batch().unwrap()
}

fn with(batch: &RecordBatch, column: &str, values: ArrayRef) -> RecordBatch {
    let mut columns = batch.columns().to_vec();
    columns[batch.schema().index_of(column).unwrap()] = values;
    RecordBatch::try_new(batch.schema(), columns).unwrap()
}

/// The template's rows under other keys; the content hash follows the key.
fn under(template: &RecordBatch, keys: &[i32]) -> RecordBatch {
    let rows = template.num_rows();
    let from = UInt32Array::from_iter_values(keys.iter().map(|key| (*key as usize % rows) as u32));
    let columns = template.columns().iter().map(|column| take(column, &from, None).unwrap()).collect();
    let batch = RecordBatch::try_new(template.schema(), columns).unwrap();
    let batch = with(&batch, "id", Arc::new(Int32Array::from(keys.to_vec())));
    with(&batch, CONTENT_HASH, Arc::new(Int64Array::from_iter_values(keys.iter().map(|key| i64::from(*key)))))
}

/// What an edit changes: a text, the audit stamps, and what this program adds.
fn edited(template: &RecordBatch, keys: &[i32]) -> RecordBatch {
    let batch = under(template, keys);
    let notes = StringArray::from_iter_values(keys.iter().map(|key| format!("changed {key}")));
    let batch = with(&batch, "notes", Arc::new(notes));
    let others: Vec<i32> = keys.iter().map(|key| key + 1).collect();
    let stamps = under(template, &others).column_by_name("_info").unwrap().clone();
    let batch = with(&batch, "_info", stamps);
    let batch = with(&batch, RUN_ID, Arc::new(StringArray::from(vec!["second"; keys.len()])));
    with(&batch, CONTENT_HASH, Arc::new(Int64Array::from_iter_values(keys.iter().map(|key| i64::from(*key) + 1))))
}

/// SplitMix64.
fn draw(state: &mut u64, bound: i32) -> i32 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((mixed ^ (mixed >> 31)) % bound as u64) as i32
}

/// Peak of this process's memory, in megabytes.
fn peak() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0 kB");
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap_or_default() / 1000.0
}

#[tokio::main]
async fn main() {
    let numbers: Vec<i32> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
    let (rows, changes) = (*numbers.first().unwrap_or(&100_000), *numbers.get(1).unwrap_or(&10_000) as usize);
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let lake = Lake::open(&folder.path().to_string_lossy()).unwrap();
    let session = lake.session().unwrap();
    let (table, template) = (TableName::bronze("timeentry"), template().await);
    let schema = template.schema();
    let mut out = std::io::stdout().lock();

    let clock = Instant::now();
    let opened = lake.table(&table).await.unwrap();
    let mut writer = opened.file_writer(&schema, "id").await.unwrap();
    let mut files = Vec::new();
    for first in (0..rows).step_by(TEMPLATE) {
        let keys: Vec<i32> = (first..rows.min(first + TEMPLATE as i32)).collect();
        writer.write(&under(&template, &keys)).unwrap();
        if writer.is_full() || writer.pending() >= 50_000 {
            files.extend(writer.finish().await.unwrap());
        }
    }
    files.extend(writer.finish().await.unwrap());
    opened.overwrite_with_files(&schema, &files, &Commit::new("first")).await.unwrap();
    let seconds = clock.elapsed().as_secs_f64();
    writeln!(out, "{rows} rows written in {} files: {seconds:.1} s, peak {:.0} MB", files.len(), peak()).unwrap();

    for scattered in [changes / 10, 0, changes] {
        let (newest, mut keys, mut state) = (rows - rows / 20, BTreeSet::new(), scattered as u64);
        while keys.len() < scattered {
            keys.insert(draw(&mut state, newest));
        }
        while keys.len() < changes {
            keys.insert(newest + draw(&mut state, rows / 20));
        }
        let keys: Vec<i32> = keys.into_iter().collect();
        let change: Vec<RecordBatch> = keys.chunks(1000).map(|keys| edited(&template, keys)).collect();
        let clock = Instant::now();
        let opened = lake.table(&table).await.unwrap();
        let mut comparison = Comparison::new(&opened, &session, "id", CONTENT_HASH);
        for some in change {
            comparison.push(some).await.unwrap();
        }
        let changed = comparison.differing().await.unwrap();
        let compared = clock.elapsed().as_secs_f64();
        let found = changed.rows();
        let clock = Instant::now();
        let merging = Changes::upserts("id", changed);
        let written = opened.merge(&schema, merging, &Commit::new("second")).await.unwrap();
        let merged = clock.elapsed().as_secs_f64();
        assert_eq!((written.updated, written.inserted), (found as u64, 0));
        writeln!(
            out,
            "{changes} changed rows, {scattered} of them anywhere: compared {compared:.2} s, merged {merged:.2} s, peak {:.0} MB",
            peak()
        )
        .unwrap();
    }
}
