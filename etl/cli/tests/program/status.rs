//! `connectwise-etl status` as people see it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use connectwise_extract::catalog;
use connectwise_sim::Simulator;
use serde_json::Value;

fn run_in(folder: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_connectwise-etl"));
    let output = command.env_clear().current_dir(folder).args(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_lakehouse_without_runs_gets_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let text = run_in(folder.path(), &["status"]);
    assert_eq!(text.lines().count(), 1);
    assert!(text.starts_with("no run has written to file://"), "{text}");
    assert!(text.ends_with("/lakehouse/ yet: start with connectwise-etl run\n"), "{text}");
    assert_eq!(run_in(folder.path(), &["status", "--json"]), "null\n");
    assert!(!folder.path().join("lakehouse").exists(), "asking leaves nothing behind");
}

#[test]
fn after_a_demo_every_table_is_there_within_a_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let report: Value =
        serde_json::from_str(&run_in(folder.path(), &["demo", "--scale", "100", "--json", "--lakehouse", "lakehouse"]))
            .unwrap();
    let steps = report["report"]["steps"].as_array().unwrap();

    let text = run_in(folder.path(), &["status"]);
    for line in text.lines() {
        assert!(line.chars().count() <= 100, "{} characters: {line}", line.chars().count());
    }
    for step in steps {
        let name = step["table"].as_str().unwrap();
        assert!(text.contains(&format!(" {name} ")), "{name} is missing:\n{text}");
    }
    let status: Value = serde_json::from_str(&run_in(folder.path(), &["status", "--json"])).unwrap();
    assert_eq!(status["tables"].as_array().unwrap().len(), steps.len());
    assert_eq!(status["runs"][0]["runId"], report["report"]["runId"]);
    assert_eq!(status["runs"][0]["outcome"], "done");

    let text = run_in(folder.path(), &["status", "--run", "last"]);
    let id = report["report"]["runId"].as_str().unwrap();
    assert!(text.starts_with(&format!("{id}: done, full of bronze,silver,gold, started ")), "{text}");
    for step in steps {
        let name = step["table"].as_str().unwrap();
        let line = text
            .lines()
            .find(|line| line.starts_with(&format!(" {name} ")))
            .unwrap_or_else(|| panic!("{name}:\n{text}"));
        let is_bronze = step["layer"] == "bronze";
        assert_eq!(line.contains(" whole"), is_bronze, "{line}");
    }
    let time = text.lines().find(|line| line.starts_with(" bronze_cw_timeentry ")).unwrap();
    assert!(time.contains("whole, counted 100, keys rise"), "a bundle brings all of a small list at once: {time}");
    // The end of its name is enough, and all of it is JSON.
    let found: Value =
        serde_json::from_str(&run_in(folder.path(), &["status", "--run", &id[id.len() - 8..], "--json"])).unwrap();
    assert_eq!(
        (&found["run"]["runId"], &found["run"]["askedVersion"]),
        (&report["report"]["runId"], &report["report"]["askedVersion"])
    );
    for step in steps {
        let known =
            found["steps"].as_array().unwrap().iter().find(|known| known["tableName"] == step["table"]).unwrap();
        for column in ["outcome", "rowsRead", "rowsRescued", "quarantined", "requests", "retries", "bytes"] {
            assert_eq!(known[column], step[column], "{column} of {known}");
        }
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_connectwise-etl"));
    let refused = command.env_clear().current_dir(folder.path()).args(["status", "--run", "nosuch"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("there is no run \"nosuch\""));

    run_in(folder.path(), &["report", "--output", "page.html"]);
    let page = std::fs::read_to_string(folder.path().join("page.html")).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>\n"));
    assert!(
        !page.contains("There is no table") && !page.contains("<script") && page.matches("<svg").count() >= 9,
        "{page}"
    );
    let drift: Value = serde_json::from_str(&run_in(folder.path(), &["drift", "--json"])).unwrap();
    assert_eq!(drift["apiVersion"], report["report"]["apiVersion"]);
    assert_eq!(drift["unseen"].as_array().unwrap().len(), catalog::entities().len(), "every list had rows");

    let runs = run_in(folder.path(), &["query", "select outcome from etl_runs order by ended nulls first", "--json"]);
    let runs: Value = serde_json::from_str(&runs).unwrap();
    assert_eq!(runs, serde_json::json!([{ "outcome": "started" }, { "outcome": "done" }]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_run_leaves_a_trace_and_the_next_one_closes_it() {
    let folder = tempfile::tempdir().unwrap();
    // The first list is through, the second hangs.
    let script = folder.path().join("faults.json");
    std::fs::write(&script, r#"{ "path": "/time/entries", "stall": true, "times": 1000 }"#).unwrap();
    let simulator = Simulator::builder().seed(5).scale(500).faults(script).start().await.unwrap();
    let program = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_connectwise-etl"));
        command.env_clear().current_dir(folder.path()).args(arguments);
        command
            .env("CW_BASE_URL", simulator.base_url())
            .env("CW_AUTH_USERNAME", simulator.username())
            .env("CW_AUTH_PASSWORD", simulator.password())
            .env("CW_CLIENTID", "00000000-0000-0000-0000-000000000000");
        command
    };
    let run = ["run", "--layers", "bronze", "--full", "--entities", "Member,TimeEntry"];
    tokio::task::block_in_place(|| {
        let mut child = program(&run).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stderr.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.contains("bronze_cw_member"), "{line}");
        child.kill().unwrap();
        child.wait().unwrap();
    });
    let outcomes = || -> Vec<String> {
        let json: Value =
            serde_json::from_str(&tokio::task::block_in_place(|| run_in(folder.path(), &["status", "--json"])))
                .unwrap();
        json["runs"].as_array().unwrap().iter().map(|run| run["outcome"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(outcomes(), ["unfinished"]);
    let next = tokio::task::block_in_place(|| {
        program(&["run", "--layers", "bronze", "--entities", "Member"]).output().unwrap()
    });
    assert_eq!(next.status.code(), Some(0), "{}", String::from_utf8_lossy(&next.stderr));
    assert_eq!(outcomes(), ["done", "interrupted"]);
}
