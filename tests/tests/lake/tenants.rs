//! A lakehouse belongs to one tenant. A simulator is a tenant by its company id: port, seed and size don't count.

use std::collections::BTreeMap;
use std::path::Path;

use connectwise_extract::catalog;
use connectwise_lakehouse::{Layer, TableName};
use connectwise_pipeline::bronze::Options;
use connectwise_pipeline::error::Result;
use connectwise_pipeline::query;
use connectwise_pipeline::reconcile::ReconcileOptions;
use connectwise_pipeline::run::{self, Mode, Plan, Quiet, RunReport, StepOutcome, execute};
use connectwise_pipeline::tenant::{self, Tenant};
use connectwise_sdk::catalog::Entity;
use connectwise_sim::Simulator;
use connectwise_tests::{Lakehouse, client};
use serde_json::json;

use crate::steer::{ask, post};
use crate::truth::{assert_truth, stored, truth};

async fn tenant(company: &str, seed: u64, scale: u64) -> Simulator {
    let username = format!("{company}+public");
    Simulator::builder().seed(seed).scale(scale).credentials(username, "private").start().await.unwrap()
}

/// One list with change times, one without, and one below the rows of another.
fn entities() -> Vec<&'static Entity> {
    ["TimeEntry", "Agreement", "WorkType", "AgreementAddition"]
        .iter()
        .map(|name| catalog::entity(name).unwrap())
        .collect()
}

fn plan(mode: Mode) -> Plan {
    Plan { page_size: 100, ..Plan::new(vec![Layer::Bronze, Layer::Silver], mode, entities()) }
}

async fn load(simulator: &Simulator, lakehouse: &Lakehouse, plan: &Plan) -> Result<RunReport> {
    execute(lakehouse.lake(), Some(&client(simulator).unwrap()), plan, &Quiet).await
}

/// Name and size of every file below a folder.
pub(crate) fn files(folder: &Path) -> BTreeMap<String, u64> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.insert(path.display().to_string(), path.metadata().unwrap().len());
        }
    }
    found
}

async fn owner(lakehouse: &Lakehouse) -> (i64, Tenant) {
    let owner = tenant::owner(lakehouse.lake()).await.unwrap().unwrap();
    (owner.number, owner.tenant)
}

fn on_this_machine(company: &str) -> Tenant {
    Tenant::new(company, "localhost")
}

fn refused(error: &connectwise_pipeline::Error) -> String {
    assert!(error.is_usage(), "{error:?}");
    let text = error.report();
    for part in ["acme on localhost", "beta on localhost", "--adopt-tenant"] {
        assert!(text.contains(part), "{text}");
    }
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn another_tenant_is_refused_before_anything_is_asked_or_written() {
    let (acme, beta) = (tenant("acme", 1, 300).await, tenant("beta", 2, 100).await);
    let lakehouse = Lakehouse::empty().unwrap();
    load(&acme, &lakehouse, &plan(Mode::Full)).await.unwrap();
    assert_eq!(owner(&lakehouse).await, (1, on_this_machine("acme")));
    let before = files(lakehouse.path());
    for mode in [Mode::Full, Mode::Incremental] {
        refused(&load(&beta, &lakehouse, &plan(mode)).await.unwrap_err());
    }
    let own = client(&beta).unwrap();
    for dry_run in [true, false] {
        let reconciled =
            run::reconcile(lakehouse.lake(), &own, &entities(), &ReconcileOptions::new(dry_run), &()).await;
        refused(&reconciled.unwrap_err());
    }
    assert_eq!(ask(&beta, "requests").await["total"], 0, "nothing is asked");
    assert_eq!(files(lakehouse.path()), before, "nothing is written");

    // Another port and another seed of the same company are the same tenant.
    let again = tenant("ACME", 1, 300).await;
    let report = load(&again, &lakehouse, &plan(Mode::Incremental)).await.unwrap();
    assert_eq!((report.failed().count(), report.warnings.len()), (0, 0), "{report:?}");
}

/// What tells whose lakehouse it is protects it as long as somebody else's rows may be in it.
#[tokio::test(flavor = "multi_thread")]
async fn a_lakehouse_that_does_not_tell_whose_it_is_is_left_alone_until_somebody_takes_it() {
    let (acme, beta) = (tenant("acme", 1, 60).await, tenant("beta", 2, 60).await);
    let first =
        Plan { layers: vec![Layer::Bronze], entities: vec![catalog::entity("WorkType").unwrap()], ..plan(Mode::Full) };
    for harm in ["no log", "no file", "cut file", "cut commit", "empty commit"] {
        let lakehouse = Lakehouse::empty().unwrap();
        load(&acme, &lakehouse, &first).await.unwrap();
        let folder = lakehouse.path().join("etl/etl_tenant");
        let names: Vec<String> = files(&folder).into_keys().collect();
        let file = names.iter().find(|name| name.ends_with(".parquet")).unwrap();
        let commit = names.iter().find(|name| name.ends_with(".json")).unwrap();
        match harm {
            "no log" => std::fs::remove_dir_all(folder.join("_delta_log")).unwrap(),
            "no file" => std::fs::remove_file(file).unwrap(),
            "cut file" => std::fs::write(file, b"PAR1").unwrap(),
            "cut commit" => std::fs::write(commit, &std::fs::read(commit).unwrap()[..40]).unwrap(),
            _ => std::fs::write(commit, b"").unwrap(),
        }
        let before = files(lakehouse.path());
        let asked = ask(&beta, "requests").await["total"].clone();
        for who in [&acme, &beta] {
            let error = load(who, &lakehouse, &first).await.unwrap_err();
            let text = error.report();
            assert!(text.starts_with("etl/etl_tenant can't be read ("), "{harm}: {text}");
            for part in
                ["so nothing tells whose data file://", "`connectwise-etl run --adopt-tenant` makes it this tenant's"]
            {
                assert!(text.contains(part), "{harm}: {text}");
            }
            let swept =
                run::reconcile(lakehouse.lake(), &client(who).unwrap(), &entities(), &ReconcileOptions::new(true), &())
                    .await;
            assert!(swept.unwrap_err().report().contains("--adopt-tenant"), "{harm}");
        }
        assert_eq!(files(lakehouse.path()), before, "{harm}: nothing is written");
        assert_eq!(ask(&beta, "requests").await["total"], asked, "{harm}: nothing is asked");
        let adopt = Plan { adopt_tenant: true, mode: Mode::Incremental, ..first.clone() };
        let report = load(&beta, &lakehouse, &adopt).await.unwrap();
        assert_eq!(report.exit_code(), 0, "{harm}: {report:?}");
        assert!(
            report.warnings.iter().any(|told| told.contains("moves to beta on localhost")),
            "{harm}: {:?}",
            report.warnings
        );
        assert_eq!(owner(&lakehouse).await, (2, on_this_machine("beta")), "{harm}");
        assert_truth(&beta, &lakehouse, first.entities.clone(), harm).await;
        refused(&load(&acme, &lakehouse, &first).await.unwrap_err());
    }
    // Where the commits say all that was broken, nobody has to do anything.
    let lakehouse = Lakehouse::empty().unwrap();
    load(&acme, &lakehouse, &first).await.unwrap();
    let hint = lakehouse.path().join("etl/etl_tenant/_delta_log/_last_checkpoint");
    std::fs::write(hint, b"{\"version\":99,\"size\":9}").unwrap();
    refused(&load(&beta, &lakehouse, &first).await.unwrap_err());
    let report = load(&acme, &lakehouse, &first).await.unwrap();
    assert_eq!(report.exit_code(), 0, "{report:?}");
    assert_eq!(owner(&lakehouse).await, (1, on_this_machine("acme")));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_first_loads_at_once_one_tenant_wins() {
    for _ in 0..3 {
        let (acme, beta) = (tenant("acme", 1, 300).await, tenant("beta", 2, 300).await);
        let lakehouse = Lakehouse::empty().unwrap();
        let plan = Plan { layers: vec![Layer::Bronze], ..plan(Mode::Full) };
        let (one, other) = futures::join!(load(&acme, &lakehouse, &plan), load(&beta, &lakehouse, &plan));
        let (winner, won, lost) = match owner(&lakehouse).await.1 {
            tenant if tenant == on_this_machine("acme") => (&acme, one, other),
            _ => (&beta, other, one),
        };
        assert_eq!(won.unwrap().failed().count(), 0);
        refused(&lost.unwrap_err());
        assert_truth(winner, &lakehouse, entities(), "after two first loads at once").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_that_is_not_let_in_claims_nothing() {
    let (acme, beta) = (tenant("acme", 1, 100).await, tenant("beta", 2, 100).await);
    let lakehouse = Lakehouse::empty().unwrap();
    post(&acme, "faults", json!({ "path": "/*", "times": 1000, "status": 401 })).await;
    let report = load(&acme, &lakehouse, &plan(Mode::Full)).await.unwrap();
    assert!(report.failed().count() > 0);
    assert_eq!(tenant::owner(lakehouse.lake()).await.unwrap(), None);
    let report = load(&beta, &lakehouse, &plan(Mode::Full)).await.unwrap();
    assert_eq!((report.failed().count(), report.warnings.len()), (0, 0), "{report:?}");
    assert_eq!(owner(&lakehouse).await, (1, on_this_machine("beta")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_that_has_moved_takes_its_lakehouse_along() {
    let acme = tenant("acme", 1, 300).await;
    let lakehouse = Lakehouse::empty().unwrap();
    load(&acme, &lakehouse, &plan(Mode::Full)).await.unwrap();
    // The same data on another server, where a few rows have come and gone since; its change times are the old ones.
    let beta = tenant("beta", 1, 300).await;
    post(&beta, "advance", json!({ "TimeEntry": { "insert": 5, "edit": 5, "delete": 2 } })).await;
    let moving = Plan { adopt_tenant: true, ..plan(Mode::Incremental) };
    let report = load(&beta, &lakehouse, &moving).await.unwrap();
    assert_eq!(report.failed().count(), 0, "{report:?}");
    assert!(
        report.warnings.iter().any(|warning| warning.contains("moves from acme on localhost to beta on localhost"))
    );
    assert_eq!(owner(&lakehouse).await, (2, on_this_machine("beta")));
    assert_truth(&beta, &lakehouse, entities(), "after the move").await;
    let moves = "select count(*) as n from etl_tenant where reason in ('first load', 'moved')";
    assert_eq!(query::json(&query::select(lakehouse.lake(), moves).await.unwrap()).unwrap(), b"[{\"n\":2}]");

    // From then on the loads are incremental again.
    let report = load(&beta, &lakehouse, &plan(Mode::Incremental)).await.unwrap();
    assert!(report.warnings.is_empty() && report.failed().count() == 0, "{report:?}");
    let bronze = |report: &RunReport| {
        report.steps.iter().filter(|step| step.layer == Layer::Bronze).map(|step| step.rows_read).sum::<u64>()
    };
    assert!(bronze(&report) < 300, "{} rows were read", bronze(&report));
    // And the tenant of before is another one now.
    assert!(load(&acme, &lakehouse, &plan(Mode::Full)).await.unwrap_err().is_usage());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_that_would_remove_too_much_leaves_a_table_whole_and_says_what_to_do() {
    let (acme, beta) = (tenant("acme", 1, 300).await, tenant("beta", 2, 100).await);
    let lakehouse = Lakehouse::empty().unwrap();
    load(&acme, &lakehouse, &plan(Mode::Full)).await.unwrap();
    let time = catalog::entity("TimeEntry").unwrap();
    let before = stored(&lakehouse, time).await;
    let moving = Plan { adopt_tenant: true, ..plan(Mode::Full) };
    let report = load(&beta, &lakehouse, &moving).await.unwrap();
    for layer in [Layer::Bronze, Layer::Silver] {
        let step = report.steps.iter().find(|step| step.layer == layer && step.table.ends_with("timeentry")).unwrap();
        let StepOutcome::Failed(why) = &step.outcome else { panic!("{step:?}") };
        assert!(why.contains("--max-share 100") && why.contains("before"), "{why}");
    }
    assert_eq!(stored(&lakehouse, time).await, before, "no row of the new tenant is among those of the old one");

    // A reconcile doesn't take the rows of the old tenant for deleted ones.
    let own = client(&beta).unwrap();
    let (found, told) = run::reconcile(
        lakehouse.lake(),
        &own,
        &[time],
        &ReconcileOptions { max_share: 100.0, ..ReconcileOptions::new(false) },
        &(),
    )
    .await
    .unwrap();
    told.unwrap();
    assert!(found.refused().next().unwrap().refused.as_ref().unwrap().contains("still holds the rows"));
    assert_eq!(stored(&lakehouse, time).await, before);

    // The next runs go on with the move by themselves, and through where it is allowed.
    let report = load(&beta, &lakehouse, &plan(Mode::Incremental)).await.unwrap();
    assert!(report.failed().count() > 0);
    let all = Plan { load: Options { max_share: 100.0, ..Options::default() }, ..plan(Mode::Incremental) };
    let report = load(&beta, &lakehouse, &all).await.unwrap();
    assert_eq!(report.failed().count(), 0, "{report:?}");
    for entity in entities() {
        assert_eq!(stored(&lakehouse, entity).await, truth(&beta, entity).await, "{}", entity.name);
    }
}

/// Somebody puts the table of tenants back to what it was before a move. The bronze tables say whose rows they hold.
#[tokio::test(flavor = "multi_thread")]
async fn a_move_that_was_forgotten_mixes_no_rows() {
    let (acme, beta) = (tenant("acme", 1, 300).await, tenant("beta", 2, 300).await);
    let lakehouse = Lakehouse::empty().unwrap();
    load(&acme, &lakehouse, &plan(Mode::Full)).await.unwrap();
    let all = Options { max_share: 100.0, ..Options::default() };
    let moving = Plan { adopt_tenant: true, load: all, ..plan(Mode::Full) };
    assert_eq!(load(&beta, &lakehouse, &moving).await.unwrap().failed().count(), 0);
    std::fs::remove_file(lakehouse.path().join("etl/etl_tenant/_delta_log/00000000000000000001.json")).unwrap();
    assert_eq!(owner(&lakehouse).await, (1, on_this_machine("acme")));
    for when in ["after the move was forgotten", "in the run after that"] {
        let report = load(&acme, &lakehouse, &Plan { load: all, ..plan(Mode::Incremental) }).await.unwrap();
        assert_eq!(report.failed().count(), 0, "{report:?}");
        assert_truth(&acme, &lakehouse, entities(), when).await;
    }
}

/// Without the table of tenants the bronze tables say whose rows they hold.
#[tokio::test(flavor = "multi_thread")]
async fn a_table_of_tenants_that_was_removed_lets_no_other_tenant_in() {
    let (acme, beta) = (tenant("acme", 1, 100).await, tenant("beta", 2, 100).await);
    let all = Options { max_share: 100.0, ..Options::default() };
    let moving = Plan { adopt_tenant: true, load: all, ..plan(Mode::Incremental) };
    let lakehouse = Lakehouse::empty().unwrap();
    let remove = || std::fs::remove_dir_all(lakehouse.path().join("etl")).unwrap();
    load(&acme, &lakehouse, &plan(Mode::Full)).await.unwrap();
    for (own, other) in [(&acme, &beta), (&beta, &acme)] {
        remove();
        let before = files(lakehouse.path());
        for mode in [Mode::Incremental, Mode::Full] {
            let error = load(other, &lakehouse, &plan(mode)).await.unwrap_err();
            let text = error.report();
            assert!(error.is_usage() && text.contains("hold the rows of another tenant than"), "{text}");
            assert!(text.contains("--lakehouse") && text.contains("--adopt-tenant"), "{text}");
        }
        assert_eq!(files(lakehouse.path()), before, "nothing is written");
        post(own, "advance", json!({ "TimeEntry": { "insert": 5 } })).await;
        let report = load(own, &lakehouse, &plan(Mode::Incremental)).await.unwrap();
        assert_eq!(report.exit_code(), 0, "{report:?}");
        let told = "but its bronze tables are this tenant's: from now on it belongs to";
        assert!(report.warnings.iter().any(|warning| warning.contains(told)), "{:?}", report.warnings);
        assert_truth(own, &lakehouse, entities(), "after the table of tenants was removed").await;
        // Taken over, with nothing left that counts the owners, all of it is read again.
        remove();
        let report = load(other, &lakehouse, &moving).await.unwrap();
        assert_eq!(report.exit_code(), 0, "{report:?}");
        assert_truth(other, &lakehouse, entities(), "after a move").await;
    }
}

/// Removes the tenant's number from all bronze commits, as older versions of this program wrote none.
fn forget_tenants(lakehouse: &Lakehouse) {
    for name in files(&lakehouse.path().join("bronze")).into_keys().filter(|name| name.ends_with(".json")) {
        let text = std::fs::read_to_string(&name).unwrap();
        let kept: Vec<&str> = text.lines().filter(|line| !line.contains("connectwise-etl:tenant")).collect();
        std::fs::write(&name, kept.join("\n")).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lakehouse_of_an_older_version_is_taken_over_with_a_note() {
    let acme = tenant("acme", 1, 100).await;
    let lakehouse = Lakehouse::empty().unwrap();
    load(&acme, &lakehouse, &plan(Mode::Full)).await.unwrap();
    std::fs::remove_dir_all(lakehouse.path().join("etl/etl_tenant")).unwrap();
    forget_tenants(&lakehouse);
    post(&acme, "advance", json!({ "TimeEntry": { "insert": 5 } })).await;
    let report = load(&acme, &lakehouse, &plan(Mode::Incremental)).await.unwrap();
    assert_eq!(report.failed().count(), 0, "{report:?}");
    assert!(
        report.warnings.iter().any(|warning| warning.contains("from now on it belongs to acme on localhost")),
        "{report:?}"
    );
    assert_eq!(owner(&lakehouse).await, (1, on_this_machine("acme")));
    let report = load(&acme, &lakehouse, &plan(Mode::Incremental)).await.unwrap();
    assert!(report.warnings.is_empty(), "it is said once: {report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_another_tenant_had_staged_are_not_gone_on_with() {
    let (acme, beta) = (tenant("acme", 1, 3_000).await, tenant("beta", 2, 3_000).await);
    let lakehouse = Lakehouse::empty().unwrap();
    let time = catalog::entity("TimeEntry").unwrap();
    let load_of = Options { chunk_rows: 400, ranges: 1, ..Options::default() };
    let plan = Plan { load: load_of, page_size: 50, ..Plan::new(vec![Layer::Bronze], Mode::Full, vec![time]) };
    post(&acme, "faults", json!({ "path": "/time/entries", "nth": 41, "times": 1000, "status": 400 })).await;
    assert_eq!(load(&acme, &lakehouse, &plan).await.unwrap().failed().count(), 1);
    let staging = lakehouse.path().join("bronze/bronze_cw_timeentry/_staging");
    assert!(!files(&staging).is_empty());
    refused(&load(&beta, &lakehouse, &plan).await.unwrap_err());
    let moving = Plan { adopt_tenant: true, ..plan };
    let report = load(&beta, &lakehouse, &moving).await.unwrap();
    let warnings = &report.steps[0].warnings;
    assert!(warnings.iter().any(|warning| warning.contains("are given up")), "{warnings:?}");
    assert_truth(&beta, &lakehouse, [time], "after the move").await;
    assert!(lakehouse.lake().table(&TableName::bronze("timeentry")).await.unwrap().version().is_some());
}

/// A command that needs no credentials, with what the environment names.
async fn command(lakehouse: &Lakehouse, named: &[(&str, &str)], args: &[&str]) -> (i32, String) {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_etl-under-test"));
    command.env_clear().current_dir(std::env::temp_dir()).args(args).arg("--lakehouse").arg(lakehouse.path());
    command.envs(named.iter().copied());
    let ended = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    (ended.status.code().unwrap(), String::from_utf8(ended.stderr).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_writes_without_credentials_is_refused_where_another_company_is_configured() {
    let acme = tenant("acme", 1, 100).await;
    let lakehouse = Lakehouse::empty().unwrap();
    load(&acme, &lakehouse, &plan(Mode::Full)).await.unwrap();
    let before = files(lakehouse.path());
    let writers: [&[&str]; 6] = [
        &["run", "--layers", "silver,gold"],
        &["run", "--layers", "silver", "--full"],
        &["maintain", "--orphan-hours", "0"],
        &["maintain", "--dry-run"],
        &["maintain", "--verify", "--repair"],
        &["quarantine", "--all"],
    ];
    let beta = [("CW_COMPANY_ID", "beta"), ("CW_BASE_URL", "http://localhost:1")];
    for writer in writers {
        let (code, said) = command(&lakehouse, &beta, writer).await;
        assert_eq!(code, 2, "{writer:?}: {said}");
        assert!(
            said.contains("belongs to acme on localhost and beta on localhost is configured"),
            "{writer:?}: {said}"
        );
        assert!(said.contains("--lakehouse") && said.lines().count() == 1, "{writer:?}: {said}");
    }
    // The company without a server, and the same company on another one.
    for (named, other) in [
        (&[("CW_AUTH_USERNAME", "beta+public")][..], "beta on localhost"),
        (&[("CW_COMPANY", "acme"), ("CW_SITE", "na.myconnectwise.net")][..], "acme on na.myconnectwise.net"),
    ] {
        let (code, said) = command(&lakehouse, named, writers[0]).await;
        assert!(code == 2 && said.contains(&format!("and {other} is configured")), "{code}: {said}");
    }
    assert_eq!(files(lakehouse.path()), before, "nothing is written");

    // Those that only read say whose it is, or nothing.
    let note = "this is the lakehouse of acme on localhost, and beta on localhost is configured";
    for (reader, says) in
        [(&["status"][..], true), (&["quarantine"][..], false), (&["query", "select 1 as one"][..], false)]
    {
        let (code, said) = command(&lakehouse, &beta, reader).await;
        assert_eq!((code, said.contains(note)), (0, says), "{reader:?}: {said}");
    }

    // The same company, and nobody at all.
    for named in [&[("CW_COMPANY", "ACME"), ("CW_URL", "http://127.0.0.1:9")][..], &[]] {
        for writer in &writers[2..] {
            let (code, said) = command(&lakehouse, named, writer).await;
            assert_eq!(code, 0, "{named:?} {writer:?}: {said}");
        }
        let (code, said) = command(&lakehouse, named, writers[0]).await;
        assert_eq!(code, 0, "{named:?}: {said}");
    }
}
