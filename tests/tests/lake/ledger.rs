//! What runs leave in the ledger, and what is read out of it.

use std::time::Duration;

use chrono::{TimeZone, Utc};
use connectwise_extract::catalog;
use connectwise_lakehouse::{Layer, MaintenanceOptions, TableName};
use connectwise_pipeline::bronze::Options;
use connectwise_pipeline::gold;
use connectwise_pipeline::ledger::drift;
use connectwise_pipeline::ledger::{self, Start, Work};
use connectwise_pipeline::query;
use connectwise_pipeline::reconcile;
use connectwise_pipeline::run::{self, Mode, Plan, Quiet, Report, execute};
use connectwise_pipeline::telemetry::DriftKind;
use connectwise_sdk::Client;
use connectwise_sim::Simulator;
use connectwise_tests::{Lakehouse, client, config};
use futures::future::{Either, select};
use serde_json::{Value, json};

use crate::steer::{ask, forget, post};

async fn rows(lakehouse: &Lakehouse, sql: &str) -> Vec<Value> {
    let rows = query::select(lakehouse.lake(), sql).await.unwrap();
    serde_json::from_slice(&query::json(&rows).unwrap()).unwrap()
}

/// Two entities into bronze, which is what most of this needs.
async fn small(lakehouse: &Lakehouse, simulator: &Simulator, mode: Mode) -> Report {
    let plan = Plan::new(
        vec![Layer::Bronze],
        mode,
        ["Member", "TimeEntry"].map(|name| catalog::entity(name).unwrap()).to_vec(),
    );
    execute(lakehouse.lake(), Some(&client(simulator).unwrap()), &plan, &Quiet).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_leaves_what_its_report_says() {
    let simulator = Simulator::builder().seed(21).scale(1_000).start().await.unwrap();
    let lakehouse = Lakehouse::empty().unwrap();
    let report = lakehouse.load(&simulator, Mode::Full).await.unwrap();
    assert_eq!(report.warnings, Vec::<String>::new());

    let runs = rows(&lakehouse, "select * from etl_runs order by ended nulls first").await;
    assert_eq!(runs.len(), 2, "{runs:#?}");
    let started = &runs[0];
    assert_eq!((&started["outcome"], &started["runId"]), (&json!("started"), &json!(report.run_id)));
    assert!(started.get("requests").is_none() && started.get("ended").is_none(), "{started}");
    let ended = &runs[1];
    assert_eq!(ended["outcome"], "done");
    assert_eq!(ended["started"], started["started"]);
    for (column, expected) in [
        ("runId", json!(report.run_id)),
        ("mode", json!("full")),
        ("layers", json!("bronze,silver,gold")),
        ("apiVersion", json!(report.api_version)),
        ("requests", json!(report.requests)),
        ("retries", json!(report.retries)),
        ("bytes", json!(report.bytes)),
        ("steps", json!(report.steps.len())),
        ("stepsFailed", json!(0)),
        ("stepsIncomplete", json!(0)),
        ("askedVersion", json!(connectwise_sdk::API_VERSION)),
    ] {
        assert_eq!(ended[column], expected, "{column}");
    }
    assert!(report.requests > 0);

    let steps = rows(&lakehouse, "select * from etl_steps").await;
    assert_eq!(steps.len(), report.steps.len());
    for step in &report.steps {
        let row = steps.iter().find(|row| row["layer"] == step.layer.name() && row["tableName"] == step.table).unwrap();
        assert_eq!(row["outcome"], "written", "{row}");
        assert_eq!(row["rowsRead"], json!(step.rows_read));
        assert_eq!(row["rowsInserted"], json!(step.rows_inserted));
        assert_eq!(row["version"], json!(step.version.unwrap()));
        assert_eq!(row.get("complete"), (step.layer == Layer::Bronze).then_some(&json!(true)), "{row}");
    }
    // The simulator's own count is the expected value; a first load had no watermark before it.
    let time = steps.iter().find(|row| row["tableName"] == "bronze_cw_timeentry").unwrap();
    for column in ["rowsRead", "rowsInserted", "countedBefore", "countedAfter"] {
        assert_eq!(time[column], 1_000, "{column}");
    }
    assert_eq!((&time["endPageSeen"], &time["keysAscending"]), (&json!(true), &json!(true)));
    assert!(time.get("watermarkBefore").is_none() && time["watermarkAfter"].is_string(), "{time}");

    let tests = rows(&lakehouse, "select * from etl_tests").await;
    assert_eq!(tests.len(), report.tests.len());
    assert!(tests.iter().any(|test| test["tableName"] == "fact_timeentry" && test["passed"] == true), "{tests:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_unchanged_run_adds_to_the_ledger_and_to_nothing_else() {
    let simulator = Simulator::builder().seed(22).scale(500).start().await.unwrap();
    let lakehouse = Lakehouse::empty().unwrap();
    lakehouse.load(&simulator, Mode::Full).await.unwrap();
    let before = versions(&lakehouse).await;
    let report = lakehouse.load(&simulator, Mode::Incremental).await.unwrap();
    assert_eq!(versions(&lakehouse).await, before);

    let sql = format!("select * from etl_steps where \"runId\" = '{}'", report.run_id);
    let steps = rows(&lakehouse, &sql).await;
    assert_eq!(steps.len(), report.steps.len());
    assert!(steps.iter().all(|step| step["outcome"] == "unchanged"), "{steps:#?}");
    let time = steps.iter().find(|row| row["tableName"] == "bronze_cw_timeentry").unwrap();
    assert_eq!(time["watermarkBefore"], time["watermarkAfter"]);
    assert_eq!(time["rowsUnchanged"], time["rowsRead"]);
    assert!(time["rowsRead"].as_u64().unwrap() > 0, "the overlap is read again");

    let status = ledger::status(lakehouse.lake()).await.unwrap().unwrap();
    assert_eq!(status.runs.iter().map(|run| run.mode.as_str()).collect::<Vec<_>>(), ["incremental", "full"]);
    assert_eq!(status.tables.len(), report.steps.len());
    let time = status.tables.iter().find(|table| table.table_name == "bronze_cw_timeentry").unwrap();
    assert_eq!((time.rows, time.outcome.as_str()), (Some(500), "unchanged"));
    assert_eq!(time.last_good_run.as_ref(), Some(&report.run_id));
    assert!(time.watermark.is_some() && time.age_seconds.is_some());
}

async fn versions(lakehouse: &Lakehouse) -> Vec<(String, u64)> {
    let mut versions = Vec::new();
    // Bronze of lists that hang on rows keeps how far the round over them has come, which runs move.
    let flat = catalog::entities().iter().filter(|entity| entity.parent().is_none());
    let bronze = flat.map(|entity| TableName::bronze(entity.table));
    let entities = bronze.chain(catalog::entities().iter().map(|entity| TableName::silver(entity.table)));
    for table in entities.chain(gold::tables().into_iter().map(TableName::gold)) {
        let state = lakehouse.lake().table(&table).await.unwrap().state().unwrap();
        versions.push((table.to_string(), state.version));
    }
    versions
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_entity_keeps_its_last_good_run() {
    let simulator = Simulator::builder().seed(23).scale(500).start().await.unwrap();
    let lakehouse = Lakehouse::empty().unwrap();
    let good = small(&lakehouse, &simulator, Mode::Full).await;
    let fault = json!({ "path": "/time/entries", "status": 400, "times": 1000 });
    post(&simulator, "faults", fault).await;
    let bad = small(&lakehouse, &simulator, Mode::Full).await;
    assert_eq!(bad.failed().count(), 1);

    let sql = format!("select * from etl_steps where \"runId\" = '{}' and outcome = 'failed'", bad.run_id);
    let failed = rows(&lakehouse, &sql).await;
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0]["tableName"], "bronze_cw_timeentry");
    assert!(failed[0]["error"].as_str().unwrap().contains("TimeEntry can't be read"), "{failed:#?}");
    assert!(failed[0].get("complete").is_none() && failed[0].get("version").is_none());

    let status = ledger::status(lakehouse.lake()).await.unwrap().unwrap();
    assert_eq!((status.runs[0].outcome.as_str(), status.runs[0].steps_failed), ("partly", Some(1)));
    let of = |name: &str| status.tables.iter().find(|table| table.table_name == name).unwrap();
    let time = of("bronze_cw_timeentry");
    assert_eq!((time.outcome.as_str(), time.last_good_run.as_ref()), ("failed", Some(&good.run_id)));
    assert_eq!(time.rows, Some(500));
    assert_eq!(of("bronze_cw_member").last_good_run.as_ref(), Some(&bad.run_id));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_never_ends_shows_as_unfinished() {
    let lakehouse = Lakehouse::empty().unwrap();
    assert!(ledger::status(lakehouse.lake()).await.unwrap().is_none());
    ledger::begin(lakehouse.lake(), start("killed", 1)).await.unwrap();
    let status = ledger::status(lakehouse.lake()).await.unwrap().unwrap();
    assert!(status.tables.is_empty());
    assert_eq!(status.runs.len(), 1);
    assert_eq!((status.runs[0].run_id.as_str(), status.runs[0].outcome.as_str()), ("killed", "unfinished"));
    assert_eq!(status.runs[0].ended, None);
}

fn start(run_id: &str, second: i64) -> Start<'_> {
    let started = Utc.timestamp_opt(1_700_000_000 + second, 0).unwrap();
    Start { run_id, started, work: Work::Load(Mode::Full), layers: &[Layer::Bronze], asked: None }
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_at_the_same_time_lose_nothing() {
    let lakehouse = Lakehouse::empty().unwrap();
    // The first of them have to create the table, all at once.
    let writers = (0..8).map(|writer| {
        let lake = lakehouse.lake().clone();
        tokio::spawn(async move {
            for run in 0..4 {
                ledger::begin(&lake, start(&format!("{writer}-{run}"), run)).await.unwrap();
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    let counts = rows(&lakehouse, "select count(*) as n, count(distinct \"runId\") as runs from etl_runs").await;
    assert_eq!(counts, [json!({ "n": 32, "runs": 32 })]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_that_cannot_be_written_is_a_warning() {
    let simulator = Simulator::builder().seed(24).scale(100).start().await.unwrap();
    let lakehouse = Lakehouse::empty().unwrap();
    std::fs::create_dir(lakehouse.path().join("etl")).unwrap();
    std::fs::write(lakehouse.path().join("etl/etl_runs"), "in the way").unwrap();
    let report = small(&lakehouse, &simulator, Mode::Full).await;
    assert_eq!(report.failed().count(), 0);
    let (written, others): (Vec<&String>, Vec<&String>) =
        report.warnings.iter().partition(|warning| warning.starts_with("the ledger can't be written"));
    assert_eq!(written.len(), 1, "it is told once: {:#?}", report.warnings);
    assert!(others.iter().all(|warning| warning.starts_with("etl/etl_runs can't be read")), "{others:#?}");
    assert_eq!(lakehouse.lake().table(&TableName::bronze("timeentry")).await.unwrap().row_count().await.unwrap(), 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_row_is_written_where_its_tenant_cannot_be_recorded() {
    let simulator = Simulator::builder().seed(24).scale(100).start().await.unwrap();
    let lakehouse = Lakehouse::empty().unwrap();
    std::fs::create_dir(lakehouse.path().join("etl")).unwrap();
    std::fs::write(lakehouse.path().join("etl/etl_tenant"), "in the way").unwrap();
    let plan = Plan::new(vec![Layer::Bronze], Mode::Full, vec![catalog::entity("TimeEntry").unwrap()]);
    let refused = execute(lakehouse.lake(), Some(&client(&simulator).unwrap()), &plan, &Quiet).await.unwrap_err();
    assert!(refused.report().contains("etl/etl_tenant can't be read"), "{refused:?}");
    assert_eq!(lakehouse.lake().table(&TableName::bronze("timeentry")).await.unwrap().version(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_that_broke_off_says_how_far_it_came() {
    let simulator = Simulator::builder().seed(25).scale(500).start().await.unwrap();
    let lakehouse = Lakehouse::empty().unwrap();
    // The first request asks for the newest record; the third is the second page.
    let fault = json!({ "path": "/time/entries", "status": 400, "nth": 3, "times": 1000 });
    post(&simulator, "faults", fault).await;
    let plan = Plan {
        page_size: 100,
        ..Plan::new(vec![Layer::Bronze], Mode::Full, vec![catalog::entity("TimeEntry").unwrap()])
    };
    let report = execute(lakehouse.lake(), Some(&client(&simulator).unwrap()), &plan, &Quiet).await.unwrap();
    assert_eq!(report.outcome(), "failed");
    let steps = rows(&lakehouse, "select * from etl_steps").await;
    let step = &steps[0];
    for (column, expected) in [
        ("outcome", json!("failed")),
        ("rowsRead", json!(100)),
        ("countedBefore", json!(500)),
        ("endPageSeen", json!(false)),
        ("keysAscending", json!(true)),
        ("complete", json!(false)),
        ("apiVersion", json!(report.api_version)),
    ] {
        assert_eq!(step[column], expected, "{column} of {step:#}");
    }
    assert!(step.get("countedAfter").is_none() && step.get("watermarkAfter").is_none(), "{step:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_told_step_by_step_and_add_up() {
    let simulator = Simulator::builder().seed(26).scale(500).start().await.unwrap();
    let lakehouse = Lakehouse::empty().unwrap();
    small(&lakehouse, &simulator, Mode::Full).await;
    let steps = rows(&lakehouse, "select * from etl_steps").await;
    let served = ask(&simulator, "requests").await;
    let sum: u64 = steps.iter().map(|step| step["requests"].as_u64().unwrap()).sum();
    let run = &rows(&lakehouse, "select * from etl_runs where outcome = 'done'").await[0];
    // Beside the steps, the server is asked which release it runs and whether it lets us in.
    let asked = served["total"].as_u64().unwrap();
    assert_eq!((&run["requests"], &run["retries"]), (&json!(asked), &json!(0)));
    assert_eq!(sum + 2, asked, "{served:#}");
    assert!(steps.iter().all(|step| step["bytes"].as_u64() > Some(0) && step["ended"].is_string()), "{steps:#?}");
}

/// Two that create a table at once must not both write its columns into the log.
#[tokio::test(flavor = "multi_thread")]
async fn a_table_is_created_once_whoever_comes_first() {
    for _ in 0..5 {
        let lakehouse = Lakehouse::empty().unwrap();
        let writers = (0..6).map(|writer| {
            let lake = lakehouse.lake().clone();
            tokio::spawn(async move { ledger::begin(&lake, start(&writer.to_string(), writer)).await.unwrap() })
        });
        for writer in writers.collect::<Vec<_>>() {
            writer.await.unwrap();
        }
        let log = lakehouse.path().join("etl/etl_runs/_delta_log");
        let commits = std::fs::read_dir(log).unwrap().map(|entry| entry.unwrap().path());
        let texts = commits.filter(|path| path.extension().is_some_and(|kind| kind == "json"));
        let creations = texts.filter(|path| std::fs::read_to_string(path).unwrap().contains("\"metaData\"")).count();
        assert_eq!(creations, 1);
        assert_eq!(rows(&lakehouse, "select * from etl_runs").await.len(), 6);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_document_does_not_have_is_told_with_the_run_that_saw_it_first() {
    let simulator = Simulator::builder().seed(27).scale(600).unknown_to_document(1_000).start().await.unwrap();
    let lakehouse = Lakehouse::empty().unwrap();
    let first = small(&lakehouse, &simulator, Mode::Full).await;
    let found = drift::read(lakehouse.lake()).await.unwrap();

    let truth = ask(&simulator, "truth/TimeEntry").await;
    let truth = truth.as_array().unwrap();
    let count = |of: &dyn Fn(&Value) -> bool| truth.iter().filter(|row| of(row)).count() as u64;
    let of = |kind: DriftKind, path: &str| {
        let mut known = found.deviations.iter().filter(|known| known.entity == "TimeEntry");
        known.find(|known| known.kind == kind && known.path == path).unwrap_or_else(|| panic!("{path}: {found:#?}"))
    };
    let property = of(DriftKind::Property, "introducedLater");
    assert_eq!((property.found.as_str(), property.count), ("text", count(&|row| row.get("introducedLater").is_some())));
    assert!(property.count > 0);
    for path in ["billableOption", "chargeToType"] {
        let value = of(DriftKind::Value, path);
        assert_eq!(
            (value.found.as_str(), value.count),
            ("IntroducedLater", count(&|row| row[path] == "IntroducedLater"))
        );
    }
    assert!(found.deviations.iter().all(|known| known.run_id == first.run_id));
    // A property is never seen if no row at the source has it, and seen if one has.
    let unseen = found.unseen.iter().find(|unseen| unseen.entity == "TimeEntry").unwrap();
    for column in catalog::entity("TimeEntry").unwrap().columns {
        let there = truth.iter().any(|row| row.get(column.name).is_some_and(|value| !value.is_null()));
        assert_eq!(unseen.never_seen.iter().any(|path| path == column.name), !there, "{}", column.name);
    }

    small(&lakehouse, &simulator, Mode::Full).await;
    assert_eq!(drift::read(lakehouse.lake()).await.unwrap().deviations, found.deviations, "nothing new, nothing added");
    let counts =
        rows(&lakehouse, "select count(*) as n, count(distinct concat(entity, path)) as d from etl_fields").await;
    assert_eq!(counts[0]["n"], counts[0]["d"]);
}

/// A client that asks for this version of the API.
fn asking(simulator: &Simulator, version: &str) -> Client {
    Client::new(config(simulator).unwrap().with_version(version).unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_tells_what_it_asked_for_and_what_the_server_runs() {
    let simulator = Simulator::builder().seed(28).scale(100).api_version("2025.1").start().await.unwrap();
    let lakehouse = Lakehouse::empty().unwrap();
    let plan = Plan::new(vec![Layer::Bronze], Mode::Full, vec![catalog::entity("Member").unwrap()]);
    let client = asking(&simulator, "2025.1");
    let report = execute(lakehouse.lake(), Some(&client), &plan, &Quiet).await.unwrap();
    assert_eq!(report.outcome(), "done", "{report:#?}");
    let run = &rows(&lakehouse, "select * from etl_runs where outcome = 'done'").await[0];
    assert_eq!(run["apiVersion"], connectwise_sdk::API_VERSION);
    assert_eq!(run["askedVersion"], "2025.1");
    // The simulator's build number, as its companyinfo tells it.
    assert_eq!(run["serverVersion"], "v2025.1.104210");
    let step = &rows(&lakehouse, "select * from etl_steps").await[0];
    assert_eq!((&step["apiVersion"], &step["askedVersion"]), (&run["apiVersion"], &json!("2025.1")));
    let found = ledger::detail(lakehouse.lake(), "last").await.unwrap();
    assert_eq!(found.run.asked_version.as_deref(), Some("2025.1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_that_is_killed_leaves_its_chunks() {
    let simulator = Simulator::builder().seed(29).scale(600).start().await.unwrap();
    let lakehouse = Lakehouse::empty().unwrap();
    // The first request asks for the newest record; the fifth is the fourth page.
    post(&simulator, "faults", json!({ "path": "/time/entries", "stall": true, "nth": 5, "times": 1000 })).await;
    let load = Options { chunk_rows: 100, ranges: 1, ..Options::default() };
    let plan = Plan {
        page_size: 100,
        load,
        ..Plan::new(vec![Layer::Bronze], Mode::Full, vec![catalog::entity("TimeEntry").unwrap()])
    };
    let own = client(&simulator).unwrap();
    let run = Box::pin(execute(lakehouse.lake(), Some(&own), &plan, &Quiet));
    let chunks = Box::pin(async {
        while lakehouse.lake().table(&TableName::ledger(ledger::CHUNKS)).await.unwrap().version().is_none() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        rows(&lakehouse, "select * from etl_chunks order by chunk").await
    });
    // Whoever is dropped does nothing more, as whoever is killed.
    let chunks = match select(run, chunks).await {
        Either::Right((chunks, _)) => chunks,
        Either::Left((report, _)) => panic!("the load came to an end: {report:#?}"),
    };
    assert!(
        lakehouse.lake().table(&TableName::ledger(ledger::STEPS)).await.unwrap().version().is_none(),
        "no step has ended"
    );
    let first = &chunks[0];
    assert_eq!(
        (&first["tableName"], &first["chunk"], &first["rows"]),
        (&json!("bronze_cw_timeentry"), &json!(1), &json!(100))
    );
    // The newest record, the count and the first page at least.
    assert!(first["requests"].as_u64() >= Some(3) && first["bytes"].as_u64() > Some(0), "{first:#}");
    assert_eq!((&first["retries"], &first["rescued"], &first["quarantined"]), (&json!(0), &json!(0), &json!(0)));
    let found = ledger::detail(lakehouse.lake(), "last").await.unwrap();
    assert_eq!((found.run.outcome.as_str(), found.steps.len(), found.chunks.len()), ("unfinished", 0, chunks.len()));
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_below_rows_tell_only_what_the_server_said() {
    let entity = catalog::entity("AgreementAddition").unwrap();
    for (bundles, end) in [(true, None), (false, Some(true))] {
        let simulator = Simulator::builder().seed(30).scale(300).start().await.unwrap();
        let lakehouse = Lakehouse::empty().unwrap();
        if !bundles {
            post(&simulator, "faults", json!({ "path": "/system/bundles", "status": 404, "times": 100_000 })).await;
        }
        let plan = Plan::new(vec![Layer::Bronze], Mode::Full, vec![entity]);
        let report = execute(lakehouse.lake(), Some(&client(&simulator).unwrap()), &plan, &Quiet).await.unwrap();
        let read = report.steps[0].read.as_ref().unwrap();
        let truth =
            ask(&simulator, "truth?path=/finance/agreements/*/additions").await.as_array().unwrap().len() as u64;
        assert_eq!(
            (read.counted_before, read.counted_after),
            (None, Some(truth)),
            "each list is counted after its read"
        );
        assert_eq!((read.end_page_seen, read.keys_ascending), (end, None), "a bundle has no pages");
        assert!(read.complete);
        let step = &rows(&lakehouse, "select * from etl_steps").await[0];
        assert_eq!((step.get("countedBefore"), step.get("endPageSeen")), (None, end.map(|end| json!(end)).as_ref()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reconcile_is_a_run_with_what_it_deleted_and_why_it_didnt() {
    let simulator = Simulator::builder().seed(31).scale(500).start().await.unwrap();
    let lakehouse = Lakehouse::empty().unwrap();
    let load = small(&lakehouse, &simulator, Mode::Full).await;
    post(&simulator, "advance", json!({ "TimeEntry": { "delete": 2 } })).await;
    let entities = [catalog::entity("TimeEntry").unwrap()];
    let own = client(&simulator).unwrap();
    let reconciled = async |request: &reconcile::Request| {
        let (report, told) = run::reconcile(lakehouse.lake(), &own, &entities, request).await.unwrap();
        told.unwrap();
        report
    };
    // A dry run leaves nothing, in the ledger neither.
    reconciled(&reconcile::Request::new(true)).await;
    assert_eq!(rows(&lakehouse, "select * from etl_runs").await.len(), 2);

    forget(&simulator, "requests").await;
    let done = reconciled(&reconcile::Request::new(false)).await;
    let served = ask(&simulator, "requests").await["total"].as_u64().unwrap();
    let found = ledger::detail(lakehouse.lake(), "last").await.unwrap();
    assert_eq!((found.run.run_id.as_str(), found.run.mode.as_str()), (done.run_id.as_str(), "reconcile"));
    assert_eq!((found.run.outcome.as_str(), found.run.layers.as_str()), ("done", "bronze"));
    let [step] = found.steps.as_slice() else { panic!("{found:#?}") };
    assert_eq!((step.table_name.as_str(), step.outcome.as_str()), ("bronze_cw_timeentry", "written"));
    assert_eq!((step.rows_read, step.rows_deleted), (498, 2));
    assert_eq!((step.counted_before, step.counted_after, step.complete), (Some(498), Some(498), Some(true)));
    // What the server was asked about itself is no step's.
    assert!(step.requests.is_some_and(|requests| (served - 2..=served).contains(&requests)), "{step:#?} of {served}");

    post(&simulator, "role", json!({ "role": "mine" })).await;
    reconciled(&reconcile::Request::new(false)).await;
    let found = ledger::detail(lakehouse.lake(), "last").await.unwrap();
    assert_eq!((found.run.outcome.as_str(), found.run.steps_failed), ("failed", Some(1)));
    let why = found.steps[0].error.as_ref().unwrap();
    assert!(found.steps[0].outcome == "failed" && why.contains("rows are missing"), "{why}");
    // A reconcile doesn't make a table fresh, nor stale.
    let status = ledger::status(lakehouse.lake()).await.unwrap().unwrap();
    let time = status.tables.iter().find(|table| table.table_name == "bronze_cw_timeentry").unwrap();
    assert_eq!((time.outcome.as_str(), time.last_good_run.as_ref()), ("written", Some(&load.run_id)));
    assert_eq!((time.reconcile_outcome.as_deref(), time.reconcile_error.as_ref()), (Some("failed"), Some(why)));
}

#[tokio::test(flavor = "multi_thread")]
async fn upkeep_is_a_run_too() {
    let simulator = Simulator::builder().seed(32).scale(100).start().await.unwrap();
    let lakehouse = Lakehouse::empty().unwrap();
    let load = small(&lakehouse, &simulator, Mode::Full).await;
    let week = chrono::TimeDelta::days(7);
    let upkeep =
        |dry_run| MaintenanceOptions { run_id: "upkeep".to_owned(), dry_run, retention: week, orphan_age: week };
    let layers = [Layer::Bronze, Layer::Ledger];
    let (lake, gold) = (lakehouse.lake(), gold::GoldConfig::default());
    run::maintain(lake, &layers, &gold, &upkeep(true)).await.unwrap().1.unwrap();
    assert_eq!(ledger::detail(lake, "last").await.unwrap().run.run_id, load.run_id, "a dry run leaves nothing");
    let (report, told) = run::maintain(lake, &layers, &gold, &upkeep(false)).await.unwrap();
    told.unwrap();
    let found = ledger::detail(lake, "upkeep").await.unwrap();
    assert_eq!(
        (found.run.mode.as_str(), found.run.layers.as_str(), found.run.outcome.as_str()),
        ("maintain", "bronze,etl", "done")
    );
    assert_eq!(found.steps.len(), report.tables.len());
    let of = |name: &str| found.steps.iter().find(|step| step.table_name == name);
    assert_eq!(of("bronze_cw_timeentry").map(|step| step.outcome.as_str()), Some("unchanged"), "it is one file");
    assert!(of("etl_runs").is_some(), "the ledger is kept too");
    let status = ledger::status(lake).await.unwrap().unwrap();
    assert!(status.tables.iter().all(|table| table.layer == "bronze" && table.outcome == "written"), "{status:#?}");
}
