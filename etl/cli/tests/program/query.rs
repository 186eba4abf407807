//! Questions in SQL: what comes out, how it ends early, and what is refused.

use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::{Value, json};

use crate::{program, stdout};

/// More rows than one batch has, and more than a table shows.
const MANY: &str = "select x, 'n' || cast(x as varchar) as name from generate_series(1, 20000) t(x) order by x";

fn asked(folder: &Path, arguments: &[&str]) -> Output {
    program(folder).arg("query").args(arguments).output().unwrap()
}

/// One sentence, exit code 2.
fn refused(arguments: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let output = asked(folder.path(), arguments);
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{text:.500}");
    assert_eq!(text.trim_end().lines().count(), 1, "{text:.500}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "something was written");
    text
}

#[test]
fn rows_come_out_in_every_form_whatever_their_number() {
    let folder = tempfile::tempdir().unwrap();
    let ask = |arguments: &[&str]| stdout(program(folder.path()).arg("query").args(arguments));
    let csv = ask(&[MANY, "--format", "csv"]);
    assert_eq!(csv.lines().count(), 20_001);
    assert!(csv.starts_with("x,name\n1,n1\n") && csv.ends_with("\n20000,n20000\n"), "{csv:.60}");
    let rows: Vec<Value> = serde_json::from_str(&ask(&[MANY, "--json"])).unwrap();
    assert_eq!((rows.len(), &rows[19_999]), (20_000, &json!({ "x": 20_000, "name": "n20000" })));
    ask(&[MANY, "--format", "parquet", "--output", "many.parquet"]);
    let file = std::fs::File::open(folder.path().join("many.parquet")).unwrap();
    let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    assert_eq!(reader.metadata().file_metadata().num_rows(), 20_000);

    let none = "select x from generate_series(1, 3) t(x) where x > 3";
    assert_eq!(ask(&[none, "--format", "csv"]), "x\n");
    assert_eq!(ask(&[none, "--json"]), "[]\n");
    assert_eq!(ask(&[none]), "no rows\n");
    ask(&[none, "--format", "parquet", "--output", "none.parquet"]);
    let file = std::fs::File::open(folder.path().join("none.parquet")).unwrap();
    let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    assert_eq!(reader.schema().field(0).name(), "x");
}

#[test]
fn a_table_shows_what_can_be_read_and_says_that_there_is_more() {
    let folder = tempfile::tempdir().unwrap();
    let output = asked(folder.path(), &[MANY]);
    assert_eq!(output.status.code(), Some(0));
    let (text, said) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(text.contains("n10000") && !text.contains("n10001"));
    assert_eq!(said, "the first 10,000 rows are shown: --format csv, json or parquet gives all of them\n");
    let output = asked(folder.path(), &["select x from generate_series(1, 10000) t(x)"]);
    assert!(output.stderr.is_empty(), "these are all");
}

#[test]
fn a_query_that_is_too_deep_or_too_large_is_one_sentence() {
    let terms = format!("select {}", vec!["1"; 20_000].join(" + "));
    let said = refused(&[&terms]);
    assert!(said.starts_with("error: the SELECT has 19999 operators in one expression"), "{said:.300}");
    let join =
        "select count(*) from generate_series(1, 20000000) a(x) join generate_series(1, 20000000) b(x) on a.x = b.x";
    let said = refused(&[join, "--memory", "128MB"]);
    assert!(said.starts_with("error: the query failed: it needed "), "{said}");
    assert!(said.contains("all there may be is 128.0 MB: allow more with --memory"), "{said}");
}

#[test]
fn a_size_of_memory_is_checked_wherever_it_is_said() {
    let said = "error: \"much\" is no size for memory: write a number and a unit, for example 2GB or 512MB\n";
    assert_eq!(refused(&["select 1", "--memory", "much"]), said);
    let folder = tempfile::tempdir().unwrap();
    let output = program(folder.path()).args(["query", "select 1"]).env("CW_MEMORY", "much").output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap().as_str()), (Some(2), said));
    std::fs::write(folder.path().join("connectwise-etl.toml"), "memory = \"64MB\"\n").unwrap();
    let output = asked(folder.path(), &["select 1"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("at least 128MB are needed"));
    assert_eq!(asked(folder.path(), &["select 1", "--memory", "1GB"]).status.code(), Some(0), "the flag comes first");
}

/// A query that computes and gives no row yet must not keep Ctrl-C from being heard.
#[cfg(target_os = "linux")]
#[test]
fn a_query_can_be_interrupted() {
    let folder = tempfile::tempdir().unwrap();
    let endless = "select count(*) from generate_series(1, 10000000) a(x) cross join generate_series(1, 10000000) b(x) \
        where a.x * b.x % 7 = 9";
    let mut child =
        program(folder.path()).args(["query", endless]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    // Ticks of processor time, of which it has none to speak of before the query runs.
    let spent = || {
        let text = std::fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap_or_default();
        let rest = text.rsplit(") ").next().unwrap_or_default().to_owned();
        rest.split(' ').nth(11).and_then(|ticks| ticks.parse::<u64>().ok()).unwrap_or_default()
    };
    while spent() < 60 {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let status = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(status.success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
}
