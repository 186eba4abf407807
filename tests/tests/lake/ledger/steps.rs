//! What a step tells: how far it came, what it asked for, and what the document doesn't have.

use std::time::Duration;

use connectwise_extract::catalog;
use connectwise_extract::contract::ExtraType;
use connectwise_extract::extra::ExtraColumns;
use connectwise_extract::privacy::Privacy;
use connectwise_lakehouse::{Layer, TableName};
use connectwise_pipeline::bronze::Options;
use connectwise_pipeline::gold::GoldConfig;
use connectwise_pipeline::ledger::{self, drift};
use connectwise_pipeline::run::{Mode, Plan, Quiet, execute};
use connectwise_pipeline::telemetry::DriftKind;
use connectwise_pipeline::verify;
use connectwise_sdk::Client;
use connectwise_sim::Simulator;
use connectwise_tests::{Lakehouse, client, config};
use futures::future::{Either, select};
use serde_json::{Value, json};

use super::{rows, small};
use crate::steer::{ask, post};

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

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_property_has_a_column_where_the_configuration_says_so() {
    let simulator = Simulator::builder().seed(27).scale(600).unknown_to_document(1_000).start().await.unwrap();
    let lakehouse = Lakehouse::empty().unwrap();
    let configured = [("TimeEntry.introducedLater".to_owned(), ExtraType::String)].into();
    let extra = ExtraColumns::new(&configured).unwrap();
    let layers = vec![Layer::Bronze, Layer::Silver];
    let plan = Plan {
        extra: extra.clone(),
        ..Plan::new(layers.clone(), Mode::Full, vec![catalog::entity("TimeEntry").unwrap()])
    };
    let report = execute(lakehouse.lake(), Some(&client(&simulator).unwrap()), &plan, &Quiet).await.unwrap();
    assert_eq!(report.outcome(), "done", "{report:#?}");
    // Records and their property as the simulator knows them.
    let truth = ask(&simulator, "truth/TimeEntry").await;
    let truth = truth.as_array().unwrap().iter();
    let mut expected: Vec<(i64, &str)> =
        truth.filter_map(|row| Some((row["id"].as_i64()?, row.get("introducedLater")?.as_str()?))).collect();
    expected.sort_unstable();
    assert!(!expected.is_empty());
    let sql = "select id, introducedLater from silver_cw_timeentry where introducedLater is not null order by id";
    let found = rows(&lakehouse, sql).await;
    let found: Vec<(i64, &str)> =
        found.iter().map(|row| (row["id"].as_i64().unwrap(), row["introducedLater"].as_str().unwrap())).collect();
    assert_eq!(found, expected);

    let deviations = drift::read(lakehouse.lake()).await.unwrap().deviations;
    let line = "\"TimeEntry.introducedLater\" = \"string\"".to_owned();
    assert!(drift::extra_lines(&deviations, &ExtraColumns::default()).contains(&line));
    assert!(!drift::extra_lines(&deviations, &extra).contains(&line), "it has its column");
    // Verification knows the column, and misses one that isn't there.
    let (privacy, gold) = (Privacy::default(), GoldConfig::default());
    for (extra, expected) in [(&extra, Vec::new()), (&ExtraColumns::default(), vec!["columns"])] {
        let run_id = "verify".to_owned();
        let request = verify::VerificationRequest {
            run_id,
            layers: layers.clone(),
            privacy: &privacy,
            extra,
            gold: &gold,
            repair: false,
        };
        let verified = verify::run(lakehouse.lake(), &request, &()).await.unwrap();
        let findings: Vec<&str> = verified.findings.iter().map(|finding| finding.finding).collect();
        assert_eq!(findings, expected, "{:#?}", verified.findings);
    }
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
