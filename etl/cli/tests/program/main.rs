//! The program as people use it, against a simulated tenant.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod ask;
mod doctor;
mod environment;
mod extract;
mod messages;
#[cfg(unix)]
mod output;
mod query;
mod server;
mod status;

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};

use connectwise_pipeline::gold;
use connectwise_sim::Simulator;
use serde_json::Value;

fn program(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_connectwise-etl"));
    command.env_clear().current_dir(folder);
    command
}

fn with_tenant(mut command: Command, simulator: &Simulator) -> Command {
    command
        .env("CW_BASE_URL", simulator.base_url())
        .env("CW_AUTH_USERNAME", simulator.username())
        .env("CW_AUTH_PASSWORD", simulator.password())
        .env("CW_CLIENTID", "00000000-0000-0000-0000-000000000000");
    command
}

/// Runs to success and gives what was printed.
fn stdout(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_demo_goes_the_whole_way_and_answers() {
    let folder = tempfile::tempdir().unwrap();
    let text = stdout(program(folder.path()).args(["demo", "--scale", "500", "--lakehouse", "lake"]));
    for answer in ["revenue by month: ", "agreement profit: ", "open tickets by age: "] {
        assert!(text.contains(answer), "{text}");
    }
    for table in gold::tables().unwrap() {
        assert!(folder.path().join("lake/gold").join(table).join("_delta_log").is_dir(), "gold/{table} is missing");
    }
    let months: Value = serde_json::from_str(&stdout(program(folder.path()).args([
        "query",
        "select count(*) as n, count(distinct \"TimeentrySK\") as keys from fact_timeentry",
        "--json",
        "--lakehouse",
        "lake",
    ])))
    .unwrap();
    assert_eq!(months, serde_json::json!([{ "n": 500, "keys": 500 }]));
}

#[test]
fn the_demo_as_json_is_one_document() {
    let folder = tempfile::tempdir().unwrap();
    let report: Value =
        serde_json::from_str(&stdout(program(folder.path()).args(["demo", "--scale", "300", "--json"]))).unwrap();
    assert_eq!(report["report"]["mode"], "full");
    assert!(
        report["report"]["steps"].as_array().unwrap().iter().all(|step| step["outcome"] == "written"),
        "{report:#}"
    );
    assert!(!report["answers"]["revenue by month"].as_array().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn extract_writes_every_record_in_every_format() {
    let simulator = Simulator::builder().seed(2).scale(1_000).start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let extract = |arguments: &[&str]| {
        let mut command = with_tenant(program(folder.path()), &simulator);
        command.args(["extract", "/time/entries", "--page-size", "300"]).args(arguments);
        tokio::task::block_in_place(|| stdout(&mut command))
    };
    let lines = extract(&[]);
    let records: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(records.len(), 1_000);

    extract(&["--format", "csv", "--output", "time.csv", "--fields", "id,actualHours,member/name"]);
    let csv = std::fs::read_to_string(folder.path().join("time.csv")).unwrap();
    assert_eq!(csv.lines().next(), Some("id,actualHours,member"));
    assert_eq!(csv.lines().count(), 1_001);

    extract(&["--format", "parquet", "--output", "time.parquet"]);
    let file = std::fs::File::open(folder.path().join("time.parquet")).unwrap();
    let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    assert_eq!(reader.metadata().file_metadata().num_rows(), 1_000);

    let one = records[500]["id"].as_i64().unwrap();
    let filtered = extract(&["--conditions", &format!("id = {one}")]);
    assert_eq!(
        filtered.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()).collect::<Vec<_>>(),
        [records[500].clone()]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reconcile_says_what_it_would_do_and_why_it_does_not() {
    let simulator = Simulator::builder().seed(9).scale(400).start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let mut command = with_tenant(program(folder.path()), &simulator);
        command.args(arguments);
        tokio::task::block_in_place(|| command.output().unwrap())
    };
    let load = ["run", "--mode", "full", "--layers", "bronze", "--entities", "TimeEntry"];
    assert_eq!(run(&load).status.code(), Some(0));

    let dry = run(&["reconcile", "--entities", "TimeEntry", "--dry-run"]);
    assert_eq!(dry.status.code(), Some(0));
    assert!(String::from_utf8(dry.stdout).unwrap().contains("a dry run: nothing was written"));
    let json = run(&["reconcile", "--entities", "timeentry", "--json"]);
    let report: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!((&report["entities"][0]["stored"], &report["entities"][0]["missing"]), (&400.into(), &0.into()));

    assert_eq!(run(&["reconcile", "--entities", "UnpostedInvoice"]).status.code(), Some(2), "a snapshot");
    assert_eq!(run(&["reconcile", "--max-share", "101"]).status.code(), Some(2));

    let narrow = Simulator::builder().seed(9).scale(400).role("mine").start().await.unwrap();
    let mut command = with_tenant(program(folder.path()), &narrow);
    let refused =
        tokio::task::block_in_place(|| command.args(["reconcile", "--entities", "TimeEntry"]).output().unwrap());
    assert_eq!(refused.status.code(), Some(1));
    let message = String::from_utf8(refused.stderr).unwrap();
    assert!(message.contains("TimeEntry: nothing was deleted: ") && message.contains("--max-share"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_extract_that_fails_leaves_the_old_file() {
    let simulator = Simulator::builder().start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("out.csv"), "old").unwrap();
    let mut command = with_tenant(program(folder.path()), &simulator);
    command.args(["extract", "/time/entries", "--conditions", "nosuch = 1", "--format", "csv", "--output", "out.csv"]);
    let output = tokio::task::block_in_place(|| command.output().unwrap());
    assert_eq!(output.status.code(), Some(3));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains("nosuch is not a recognized name"), "{message}");
    assert_eq!(std::fs::read_to_string(folder.path().join("out.csv")).unwrap(), "old");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing half-written is left");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_run_leaves_whole_tables_and_the_next_one_goes_on() {
    let simulator = Simulator::builder().seed(4).scale(20_000).start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut command = with_tenant(program(folder.path()), &simulator);
    command
        .args(["run", "--mode", "full", "--page-size", "100", "--entities", "Member,TimeEntry"])
        .stderr(Stdio::piped())
        .stdout(Stdio::null());
    let (code, message) = tokio::task::block_in_place(|| {
        let mut child = command.spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        stderr.read_line(&mut line).unwrap();
        assert!(line.contains("bronze_cw_member"), "{line}");
        // Members are through, time entries are under way.
        assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
        let mut rest = String::new();
        stderr.read_to_string(&mut rest).unwrap();
        (child.wait().unwrap().code(), rest)
    });
    assert_eq!(code, Some(130), "{message}");
    assert!(message.contains("interrupted: every table is at its last commit, run again to go on"), "{message}");

    let mut again = with_tenant(program(folder.path()), &simulator);
    again.args(["run", "--mode", "incremental", "--entities", "Member,TimeEntry", "--layers", "bronze", "--json"]);
    let report: Value = serde_json::from_str(&tokio::task::block_in_place(|| stdout(&mut again))).unwrap();
    let step =
        |table: &str| report["steps"].as_array().unwrap().iter().find(|step| step["table"] == table).unwrap().clone();
    assert_eq!(step("bronze_cw_member")["outcome"], "unchanged");
    assert_eq!(step("bronze_cw_timeentry")["rowsInserted"], 20_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_credentials_are_one_sentence_an_entity_and_nothing_ran() {
    let simulator = Simulator::builder().start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut command = with_tenant(program(folder.path()), &simulator);
    command.env("CW_AUTH_PASSWORD", "wrong").args(["run", "--layers", "bronze", "--entities", "Member"]);
    let output = tokio::task::block_in_place(|| command.output().unwrap());
    assert_eq!(output.status.code(), Some(3));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains("check CW_AUTH_USERNAME, CW_AUTH_PASSWORD and CW_CLIENTID"), "{message}");
    assert!(!folder.path().join("lakehouse/bronze/bronze_cw_member/_delta_log").exists());
}

#[test]
fn a_question_is_answered_in_every_format() {
    let folder = tempfile::tempdir().unwrap();
    let ask = |sql: &str, more: &[&str]| {
        let mut command = program(folder.path());
        stdout(command.arg("query").arg(sql).args(more))
    };
    let two = "select * from (values (1, 'Þór', 1.50), (2, 'a \"b\", c', null)) as t(id, name, amount) order by id";
    assert_eq!(ask(two, &["--format", "csv"]).replace('\r', ""), "id,name,amount\n1,Þór,1.50\n2,\"a \"\"b\"\", c\",\n");
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&ask("select 1 as id, 'x' as name", &["--format", "json"])).unwrap(),
        serde_json::json!([{ "id": 1, "name": "x" }])
    );
    assert_eq!(ask("select 1 as id where false", &["--format", "csv"]), "id\n");
    assert_eq!(ask("select 1 as id where false", &[]), "no rows\n");
    ask(two, &["--format", "parquet", "--output", "two.parquet"]);
    let file = std::fs::File::open(folder.path().join("two.parquet")).unwrap();
    let rows: Vec<_> = parquet::arrow::arrow_reader::ParquetRecordBatchReader::try_new(file, 10)
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    assert_eq!((rows[0].num_rows(), rows[0].schema().field(2).name().as_str()), (2, "amount"));
    ask("select 1 as id where false", &["--format", "parquet", "--output", "none.parquet"]);
    assert!(folder.path().join("none.parquet").is_file());
}

#[test]
fn lineage_goes_from_gold_to_silver_and_from_silver_to_the_api() {
    let folder = tempfile::tempdir().unwrap();
    let lineage = |table: &str| -> serde_json::Value {
        let mut command = program(folder.path());
        serde_json::from_str(&stdout(command.args(["lineage", table, "--json"]))).unwrap()
    };
    let of = |columns: &serde_json::Value, name: &str| {
        columns.as_array().unwrap().iter().find(|column| column["column"] == name).unwrap().clone()
    };
    let gold = lineage("fact_timeentry");
    assert_eq!(
        of(&gold, "actualHours"),
        serde_json::json!({ "column": "actualHours", "from": ["silver_cw_timeentry.actualHours"], "api": ["/time/entries actualHours"] })
    );
    let silver = lineage("silver_cw_timeentry");
    assert_eq!(
        of(&silver, "companyId"),
        serde_json::json!({ "column": "companyId", "from": ["bronze_cw_timeentry.company.id"], "api": ["/time/entries company/id"] })
    );
    assert_eq!(of(&silver, "lastUpdated")["api"], serde_json::json!(["/time/entries _info/lastUpdated"]));
}

#[test]
fn a_model_that_cannot_work_stops_a_run_before_anything_is_touched() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("models")).unwrap();
    std::fs::write(folder.path().join("models/mine.sql"), "select 1 as one").unwrap();
    let output =
        program(folder.path()).args(["run", "--layers", "silver,gold", "--lakehouse", "lake"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("models/mine.sql is declared nowhere: add a [[model]] mine to models/models.toml"), "{said}");
    assert!(!folder.path().join("lake").exists());
}

/// Every file below a folder, with its size.
fn files(folder: &Path) -> Vec<(String, u64)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push((path.display().to_string(), path.metadata().unwrap().len()));
        }
    }
    found.sort();
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_and_a_tenant_keep_out_of_each_others_lakehouse() {
    let simulator =
        Simulator::builder().seed(3).scale(300).credentials("acme+public", "private").start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let mut command = with_tenant(program(folder.path()), &simulator);
        // What is configured is a real lakehouse: the demo doesn't go there by itself.
        command.env("CW_LAKEHOUSE", "lakehouse").args(arguments);
        let output = tokio::task::block_in_place(|| command.output().unwrap());
        (output.status.code(), String::from_utf8(output.stderr).unwrap(), String::from_utf8(output.stdout).unwrap())
    };
    let entries = |lakehouse: &str| {
        let (code, error, text) =
            run(&["query", "select count(*) as n from bronze_cw_timeentry", "--json", "--lakehouse", lakehouse]);
        assert_eq!(code, Some(0), "{error}");
        text.trim().to_owned()
    };
    // README's own order.
    let (code, error, said) = run(&["demo", "--scale", "200"]);
    assert_eq!(code, Some(0), "{error}");
    assert!(said.contains("query --lakehouse ./demo-lakehouse"), "{said}");
    let (code, error, _) = run(&["run", "--full"]);
    assert_eq!(code, Some(0), "{error}");
    assert_eq!(
        (entries("lakehouse"), entries("demo-lakehouse")),
        ("[{\"n\":300}]".to_owned(), "[{\"n\":200}]".to_owned())
    );

    let before = files(folder.path());
    let (code, error, _) = run(&["demo", "--lakehouse", "lakehouse"]);
    assert_eq!((code, error.lines().count()), (Some(2), 1), "{error}");
    assert!(
        error.contains("holds the data of acme on localhost, and the demo would put simulated rows into it"),
        "{error}"
    );
    for command in [&["run", "--full"][..], &["run"], &["reconcile"], &["reconcile", "--dry-run"]] {
        let (code, error, _) = run(&[command, &["--lakehouse", "demo-lakehouse"]].concat());
        assert_eq!((code, error.lines().count()), (Some(2), 1), "{error}");
        assert!(error.contains("belongs to simco on localhost") && error.contains("acme on localhost"), "{error}");
    }
    assert_eq!(run(&["run", "--adopt-tenant", "--entities", "Member"]).0, Some(2));
    assert_eq!(run(&["run", "--adopt-tenant", "--layers", "silver"]).0, Some(2));
    assert_eq!(files(folder.path()), before, "nothing was touched");

    // A lakehouse of an older version may be anybody's, but it isn't the demo's.
    std::fs::remove_dir_all(folder.path().join("lakehouse/etl/etl_tenant")).unwrap();
    let (code, error, _) = run(&["demo", "--lakehouse", "lakehouse"]);
    assert_eq!(code, Some(2), "{error}");
    assert!(error.contains("didn't record"), "{error}");
    let (code, error, _) = run(&["run"]);
    assert_eq!(code, Some(0), "{error}");
    assert!(error.contains("from now on it belongs to acme on localhost"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lakehouse_may_have_any_path() {
    let simulator = Simulator::builder().scale(50).start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home of nobody");
    std::fs::create_dir(&home).unwrap();
    let names =
        ["100%", "%zz %4", "two words", "a#b", "a?b=c", "Þór 数据", "a+b&c=d", "~/lake", "./x/../up", "[a]^|*{b}"];
    for (at, name) in names.into_iter().enumerate() {
        let run = |arguments: &[&str]| {
            let mut command = with_tenant(program(folder.path()), &simulator);
            command.env("HOME", &home).args(arguments);
            let output = tokio::task::block_in_place(|| command.output().unwrap());
            assert_eq!(output.status.code(), Some(0), "{name}: {}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).unwrap()
        };
        // By turns from the file and from the command line.
        let written = serde_json::to_string(name).unwrap();
        let file = if at % 2 == 0 { format!("lakehouse = {written}\n") } else { String::new() };
        std::fs::write(folder.path().join("connectwise-etl.toml"), file).unwrap();
        let place: &[&str] = if at % 2 == 0 { &[] } else { &["--lakehouse", name] };
        run(&[&["run", "--layers", "bronze", "--entities", "Member,TimeEntry"], place].concat());
        let told = run(&[&["query", "select count(*) as n from bronze_cw_timeentry", "--json"], place].concat());
        assert_eq!(told.trim(), "[{\"n\":50}]", "{name}");
        let expected = match name {
            "~/lake" => home.join("lake"),
            "./x/../up" => folder.path().join("up"),
            name => folder.path().join(name),
        };
        assert!(
            expected.join("bronze/bronze_cw_timeentry/_delta_log").is_dir(),
            "{name} isn't at {}",
            expected.display()
        );
    }
    assert!(!folder.path().join("~").exists());
}

#[cfg(unix)]
#[test]
fn every_signal_to_stop_ends_a_run_in_the_same_way() {
    for (signal, code) in [("TERM", 143), ("HUP", 129), ("INT", 130)] {
        // A server that accepts connections and never answers; one per signal, as the program opens several connections.
        let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/v4_6_release/apis/3.0", server.local_addr().unwrap());
        let folder = tempfile::tempdir().unwrap();
        let mut child = program(folder.path())
            .args(["run", "--full"])
            .env("CW_BASE_URL", &url)
            .env("CW_AUTH_USERNAME", "simco+public")
            .env("CW_AUTH_PASSWORD", "private")
            .env("CW_CLIENTID", "00000000-0000-0000-0000-000000000000")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let connection = server.accept().unwrap();
        let kill = Command::new("kill").args(["-s", signal, &child.id().to_string()]).status().unwrap();
        assert!(kill.success());
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(code), "SIG{signal}: {said}");
        assert!(said.contains("interrupted: every table is at its last commit, run again to go on"), "{said}");
        drop(connection);
    }
}
