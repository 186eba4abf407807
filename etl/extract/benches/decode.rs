//! A page of JSON into an Arrow batch: this crate's decoder with rescue on, arrow-json with the same schema, serde_json
//! alone, and the SDK's typed way (records of the model, and serde_arrow behind its guard), on the same pages and one core.
//!
//! Run with `cargo bench --profile dev -p connectwise-extract --bench decode`: the tree below is built once, in that profile. The
//! clock is our own: criterion switches on a feature of serde, and that builds all of DataFusion again.

#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "a benchmark fails by panicking, and criterion's macros have no docs"
)]

use std::hint::black_box;
use std::io::Write;
use std::sync::Arc;
use std::time::Instant;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{DataType, Field};
use arrow::json::ReaderBuilder;
use chrono::DateTime;
use connectwise_extract::decode::Decoder;
use connectwise_extract::{catalog, contract};
use connectwise_sdk::arrow::records_to_batch;
use connectwise_sdk::models::TimeEntry;
use connectwise_sdk::{Client, Config, ConfigParts, RecordText};
use connectwise_sim::Simulator;
use futures::TryStreamExt;

const PAGES: usize = 10;
const PAGE_SIZE: u32 = 1000;
const ROUNDS: usize = 15;

/// Pages of time entries as the simulator sends them.
fn pages() -> Vec<Vec<u8>> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let rows = PAGES as u64 * u64::from(PAGE_SIZE);
        let simulator = Simulator::builder().seed(1).scale(rows).start().await.unwrap();
        let client = Client::new(
            Config::from_parts(ConfigParts {
                base_url: Some(simulator.base_url()),
                username: Some(simulator.username().to_owned()),
                password: Some(simulator.password().to_owned().into()),
                client_id: Some("00000000-0000-0000-0000-000000000000".to_owned()),
                ..ConfigParts::default()
            })
            .unwrap(),
        )
        .unwrap();
        let list = client.list("/time/entries").page_size(PAGE_SIZE);
        let pages: Vec<_> = list.pages().try_collect().await.unwrap();
        pages.iter().map(|page| page.body().to_vec()).filter(|page| page.len() > 2).collect()
    })
}

fn ours(decoder: &mut Decoder, page: &[u8]) -> RecordBatch {
    for record in RecordText::split(page).unwrap() {
        decoder.push(record).unwrap().unwrap();
    }
    decoder.batch().unwrap()
}

fn typed(page: &[u8]) -> RecordBatch {
    let records = RecordText::split(page).unwrap();
    let records: Vec<TimeEntry> = records.iter().map(|record| serde_json::from_str(record.get()).unwrap()).collect();
    records_to_batch(&records).unwrap()
}

fn main() {
    let pages = pages();
    let bytes: usize = pages.iter().map(Vec::len).sum();
    let entity = catalog::entity("TimeEntry").unwrap();
    let mut decoder = Decoder::new(entity, "bench", DateTime::UNIX_EPOCH).unwrap();

    // arrow-json gets the columns of the interface, without the technical ones that it couldn't fill.
    let columns = entity.columns.len();
    let fields: Vec<Field> = contract::bronze(entity).fields()[..columns]
        .iter()
        .map(|field| field.as_ref().clone().with_nullable(true))
        .collect();
    let item = Arc::new(Field::new_struct("item", fields, true));
    let page_field = Field::new("page", DataType::List(item), false);
    let mut arrow = ReaderBuilder::new_with_field(page_field).with_coerce_primitive(true).build_decoder().unwrap();
    let mut arrow_json = |page: &[u8]| {
        arrow.decode(page).unwrap();
        let batch = arrow.flush().unwrap().unwrap();
        RecordBatch::from(batch.column(0).as_list::<i32>().values().as_struct().clone())
    };
    for page in &pages {
        assert_eq!(ours(&mut decoder, page).num_rows(), arrow_json(page).num_rows());
        assert_eq!(typed(page).num_rows(), arrow_json(page).num_rows());
    }

    let mut out = std::io::stdout().lock();
    let mut seconds = [Vec::new(), Vec::new(), Vec::new(), Vec::new()];
    // Interleaved, so that what else the machine does falls on all alike.
    for _ in 0..ROUNDS {
        seconds[0].push(time(|| pages.iter().for_each(|page| drop(black_box(ours(&mut decoder, page))))));
        seconds[1].push(time(|| pages.iter().for_each(|page| drop(black_box(arrow_json(page))))));
        let parse = |page: &Vec<u8>| drop(black_box(serde_json::from_slice::<serde_json::Value>(page).unwrap()));
        seconds[2].push(time(|| pages.iter().for_each(parse)));
        seconds[3].push(time(|| pages.iter().for_each(|page| drop(black_box(typed(page))))));
    }
    let medians = seconds.map(|mut all| {
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    });
    writeln!(out, "{} pages, {:.1} MB, median of {ROUNDS} rounds", pages.len(), bytes as f64 / 1e6).unwrap();
    for (name, median) in
        ["ours, with rescue", "arrow-json", "serde_json alone", "typed, with rescue"].iter().zip(medians)
    {
        let (rate, ratio) = (bytes as f64 / 1e6 / median, medians[1] / median);
        writeln!(out, "{name:<18} {rate:>7.1} MB/s  {ratio:.2} x arrow-json").unwrap();
    }
}

fn time(work: impl FnOnce()) -> f64 {
    let clock = Instant::now();
    work();
    clock.elapsed().as_secs_f64()
}
