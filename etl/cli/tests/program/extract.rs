//! `extract`: every list in every format, however it is named.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use connectwise_extract::catalog;
use connectwise_sim::Simulator;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;
use serde_json::value::RawValue;

use super::server::{Page, Server};
use super::{program, stdout, with_tenant};

type Record = BTreeMap<String, Box<RawValue>>;

fn records(lines: &str) -> Vec<Record> {
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Header and rows of a CSV file.
fn csv_of(path: &Path) -> (Vec<String>, Vec<Vec<String>>) {
    let mut reader = csv::Reader::from_path(path).unwrap();
    let texts = |record: &csv::StringRecord| record.iter().map(str::to_owned).collect::<Vec<_>>();
    let header = texts(reader.headers().unwrap());
    (header, reader.records().map(|record| texts(&record.unwrap())).collect())
}

fn parquet_of(path: &Path) -> (Vec<String>, Vec<RecordBatch>) {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
    let names = reader.schema().fields().iter().map(|field| field.name().clone()).collect();
    (names, reader.build().unwrap().collect::<Result<_, _>>().unwrap())
}

/// The columns that the catalogue declares, and the one for what has no place.
fn declared(entity: &str) -> Vec<String> {
    let columns = catalog::entity(entity).unwrap().columns.iter().map(|column| column.name);
    columns.chain(["_rescued"]).map(str::to_owned).collect()
}

/// What a cell shows of a value: a text without quotes, nothing of null, all else as it was written.
fn shown(value: Option<&RawValue>) -> String {
    match value.map(RawValue::get) {
        None | Some("null") => String::new(),
        Some(text) if text.starts_with('"') => serde_json::from_str(text).unwrap(),
        Some(other) => other.to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_with_custom_fields_of_every_type_become_csv_and_parquet() {
    let simulator = Simulator::builder().seed(5).scale(300).start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let extract = |path: &str, more: &[&str]| {
        let mut command = with_tenant(program(folder.path()), &simulator);
        command.args(["extract", path, "--page-size", "40"]).args(more);
        tokio::task::block_in_place(|| stdout(&mut command))
    };
    for (path, entity) in [
        ("/company/companies", "Company"),
        ("/finance/agreements", "Agreement"),
        ("/service/tickets", "ServiceTicket"),
        ("/project/projects", "Project"),
        ("/company/contacts", "Contact"),
        ("/company/configurations", "Configuration"),
    ] {
        let wanted = records(&extract(path, &[]));
        assert!(!wanted.is_empty(), "{path} has no record, so nothing would be shown");
        extract(path, &["--format", "csv", "--output", "out.csv"]);
        let (header, rows) = csv_of(&folder.path().join("out.csv"));
        assert_eq!(header, declared(entity), "{path}");
        assert_eq!(rows.len(), wanted.len(), "{path}");
        for (row, record) in rows.iter().zip(&wanted) {
            for (name, cell) in header.iter().zip(row).filter(|(name, _)| *name != "_rescued") {
                assert_eq!(*cell, shown(record.get(name).map(AsRef::as_ref)), "{path} {name}");
            }
            let known = |name: &String| header.contains(name);
            assert_eq!(row.last().unwrap().is_empty(), record.keys().all(known), "{path}: {:?}", row.last());
        }

        extract(path, &["--format", "parquet", "--output", "out.parquet"]);
        let (names, batches) = parquet_of(&folder.path().join("out.parquet"));
        assert_eq!(names, declared(entity), "{path}");
        assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), wanted.len(), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_list_is_a_file_with_its_columns() {
    let simulator = Simulator::builder().seed(5).scale(50).start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let extract = |path: &str, more: &[&str]| {
        let mut command = with_tenant(program(folder.path()), &simulator);
        command.args(["extract", path, "--conditions", "id = -1"]).args(more);
        tokio::task::block_in_place(|| stdout(&mut command))
    };
    extract("/time/entries", &["--format", "csv", "--output", "none.csv"]);
    assert_eq!(csv_of(&folder.path().join("none.csv")), (declared("TimeEntry"), Vec::new()));
    extract("/time/entries", &["--format", "parquet", "--output", "none.parquet"]);
    let (names, batches) = parquet_of(&folder.path().join("none.parquet"));
    assert_eq!((names, batches.iter().map(RecordBatch::num_rows).sum::<usize>()), (declared("TimeEntry"), 0));
    extract("/time/entries", &["--format", "csv", "--output", "some.csv", "--fields", "notes,member/name,id"]);
    assert_eq!(
        csv_of(&folder.path().join("some.csv")),
        (["notes", "member", "id"].map(str::to_owned).to_vec(), Vec::new())
    );
    // A name that the list doesn't have is told, as the server leaves it out without a word.
    let mut command = with_tenant(program(folder.path()), &simulator);
    command.args(["extract", "/time/entries", "--fields", "id,naem,Notes", "--limit", "1"]);
    let output = tokio::task::block_in_place(|| command.output().unwrap());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && said.contains("/time/entries has no naem in version"), "{said}");
    // Nobody knows the columns of a list that isn't in the catalogue and has no record.
    extract("/company/addressFormats", &["--format", "csv", "--output", "odd.csv"]);
    assert_eq!(csv_of(&folder.path().join("odd.csv")).0, ["_rescued"]);
    extract("/company/addressFormats", &["--format", "parquet", "--output", "odd.parquet"]);
    assert_eq!(parquet_of(&folder.path().join("odd.parquet")).0, ["_rescued"]);
}

#[test]
fn no_value_is_changed_on_its_way() {
    const RECORDS: &str = r#"[
        {"id":1,"rate":12.50,"big":9007199254740993,"mixed":"1","same":0.1,"new":{"a":[1.10]},"actualHours":0.12345678901234567890},
        {"id":2,"rate":-0.1234567890123456789,"big":-9223372036854775808,"mixed":1,"same":3,"actualHours":2.50}]"#;
    let server = Server::start(|_| Page { body: RECORDS.to_owned(), next: None });
    let folder = tempfile::tempdir().unwrap();
    let extract = |path: &str, format: &str, file: &str| {
        let mut command = server.configure(program(folder.path()));
        stdout(command.args(["extract", path, "--format", format, "--output", file]));
        folder.path().join(file)
    };
    let (header, rows) = csv_of(&extract("/things", "csv", "things.csv"));
    assert_eq!(header, ["id", "rate", "big", "mixed", "same", "new", "actualHours", "_rescued"]);
    assert_eq!(rows[0][..6], ["1", "12.50", "9007199254740993", "1", "0.1", r#"{"a":[1.10]}"#]);
    assert_eq!(rows[1][..6], ["2", "-0.1234567890123456789", "-9223372036854775808", "1", "3", ""]);

    let (names, batches) = parquet_of(&extract("/things", "parquet", "things.parquet"));
    assert_eq!(names, header);
    let batch = &batches[0];
    let big: Vec<_> = batch.column_by_name("big").unwrap().as_primitive::<Int64Type>().iter().collect();
    assert_eq!(big, [Some(9_007_199_254_740_993), Some(i64::MIN)]);
    let text = |name: &str| batch.column_by_name(name).unwrap().as_string::<i32>().iter().collect::<Vec<_>>();
    assert_eq!(text("rate"), [Some("12.50"), Some("-0.1234567890123456789")], "no double has these digits");
    assert_eq!(text("mixed"), [Some("\"1\""), Some("1")], "JSON text tells the types apart");
    assert_eq!(text("new"), [Some(r#"{"a":[1.10]}"#), None]);

    let (header, rows) = csv_of(&extract("/time/entries", "csv", "time.csv"));
    let hours = header.iter().position(|name| name == "actualHours").unwrap();
    assert_eq!([&rows[0][hours], &rows[1][hours]], ["0.12345678901234567890", "2.50"]);
    assert!(rows[0].last().unwrap().contains(r#""/big":9007199254740993"#), "what has no column is kept");
    let (_, batches) = parquet_of(&extract("/time/entries", "parquet", "time.parquet"));
    let rescued = batches[0].column_by_name("_rescued").unwrap().as_string::<i32>();
    assert!(rescued.value(0).contains(r#""/actualHours":0.12345678901234567890"#), "{}", rescued.value(0));
    assert!(!rescued.value(1).contains("actualHours") && !rescued.is_null(1), "{}", rescued.value(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_found_however_it_is_pasted() {
    let simulator = Simulator::builder().seed(5).scale(60).start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let ids = |arguments: &[&str]| -> Vec<i64> {
        let mut command = with_tenant(program(folder.path()), &simulator);
        command.arg("extract").args(arguments);
        let lines = tokio::task::block_in_place(|| stdout(&mut command));
        lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].as_i64().unwrap()).collect()
    };
    let all = ids(&["/time/entries"]);
    assert_eq!(all.len(), 60);
    let url = format!("{}/time/entries", simulator.base_url());
    assert!(url.contains("/apis/3.0/"), "{url}");
    for path in ["time/entries", "/v4_6_release/apis/3.0/time/entries", &url] {
        assert_eq!(ids(&[path]), all, "{path}");
    }
    let after: Vec<i64> = all.iter().copied().filter(|id| *id > all[9]).collect();
    let query = format!("time/entries?conditions=id%20%3E%20{}", all[9]);
    assert_eq!(ids(&[&query]), after);
    // Both conditions hold, and the order is the one behind ?.
    let query = format!("{query}&orderBy=id%20desc");
    let both: Vec<i64> = after.iter().rev().copied().filter(|id| *id < all[50]).collect();
    assert_eq!(ids(&[&query, "--conditions", &format!("id < {}", all[50])]), both);
    assert_eq!(ids(&[&query, "--limit", "7"]), after.iter().rev().copied().take(7).collect::<Vec<_>>());
}

#[test]
fn what_is_asked_for_goes_to_the_server() {
    let server = Server::start(|_| Page { body: "[]".to_owned(), next: None });
    let folder = tempfile::tempdir().unwrap();
    let target = |arguments: &[&str]| {
        stdout(server.configure(program(folder.path())).arg("extract").args(arguments));
        server.targets().pop().unwrap()
    };
    let asked = target(&[
        "service/tickets",
        "--child-conditions",
        "a = 1",
        "--custom-field-conditions",
        "caption = 'x'",
        "--order-by",
        "summary desc",
        "--limit",
        "30",
    ]);
    for part in [
        "childConditions=a%20%3D%201",
        "customFieldConditions=caption%20%3D%20%27x%27",
        // Rows with the same summary keep their places by their key.
        "orderBy=summary%20desc,%20id%20asc",
        "pageSize=30",
        "page=1",
    ] {
        assert!(asked.contains(part), "{part}: {asked}");
    }
    let asked = target(&["system/documents?recordType=Ticket&recordId=12&pageSize=50"]);
    assert!(
        asked.contains("recordType=Ticket") && asked.contains("recordId=12") && asked.contains("pageSize=50"),
        "{asked}"
    );
}

/// Pages of `size` records with long texts, without an end.
fn endless(size: u64) -> impl Fn(&str) -> Page {
    move |target| {
        let after = target.split_once("pageId=").map_or("0", |(_, rest)| rest.split('&').next().unwrap());
        let after: u64 = after.parse().unwrap();
        let record = |id: u64| format!("{{\"id\":{id},\"notes\":\"{}\"}}", "x".repeat(500));
        let body = (after + 1..=after + size).map(record).collect::<Vec<_>>().join(",");
        Page { body: format!("[{body}]"), next: Some(after + size) }
    }
}

#[test]
fn a_limit_ends_the_asking() {
    let server = Server::start(endless(10));
    let folder = tempfile::tempdir().unwrap();
    let mut command = server.configure(program(folder.path()));
    let lines = stdout(command.args(["extract", "time/entries", "--limit", "25", "--page-size", "10"]));
    assert_eq!(lines.lines().count(), 25);
    assert_eq!(server.targets().len(), 3);
    let mut command = server.configure(program(folder.path()));
    let output =
        command.args(["extract", "time/entries", "--limit", "10", "--format", "csv", "-o", "t.csv"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8(output.stderr).unwrap().contains("the first 10 records of /time/entries are in t.csv"));
    assert_eq!(server.targets().len(), 4);
    assert!(server.targets()[3].contains("pageSize=10"), "{:?}", server.targets());
}

#[test]
fn a_list_without_an_end_fails_where_no_list_is_longer() {
    let server = Server::start(endless(10));
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("connectwise-etl.toml"), "[source]\nmost_records = 25\n").unwrap();
    let mut command = server.configure(program(folder.path()));
    let output = command.args(["extract", "time/entries", "--page-size", "10", "-o", "t.ndjson"]).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    let said = String::from_utf8(output.stderr).unwrap();
    let expected = "the list GET /time/entries doesn't end: it has brought more than 25 records, which no list is expected to have; raise most_records if this one has, or report it to whoever runs the server";
    assert!(said.contains(expected), "{said}");
    assert_eq!(server.targets().len(), 3);
    assert!(!folder.path().join("t.ndjson").exists());
}

#[test]
fn a_reader_that_has_gone_ends_the_asking() {
    for format in ["ndjson", "csv"] {
        let server = Server::start(endless(1_000));
        let folder = tempfile::tempdir().unwrap();
        let mut command = server.configure(program(folder.path()));
        command.args(["extract", "time/entries", "--format", format]).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // As `head -1` does.
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{format}");
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "", "{format}");
        // A page is several times what a pipe holds, so that the first one is still being written.
        assert_eq!(server.targets().len(), 1, "{format}");
    }
}

#[test]
fn an_interrupted_extract_leaves_nothing() {
    let server = Server::start(endless(100));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("out.ndjson");
    std::fs::write(&file, "old").unwrap();
    let mut command = server.configure(program(folder.path()));
    let mut child =
        command.args(["extract", "time/entries", "-o", "out.ndjson"]).stderr(Stdio::null()).spawn().unwrap();
    while server.targets().len() < 3 {
        std::thread::yield_now();
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "old");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing half-written is left");
}
