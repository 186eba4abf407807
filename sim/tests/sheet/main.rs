//! The facts about the API as a table: each line a request and what is expected of the answer, over plain HTTP.
//!
//! `cases.txt` has the lines that only read; they are asked of one simulator. `changes.txt` has those that write or switch
//! something; they are asked one after the other, of another one. `switches.txt` has both sides of what is uncertain.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a helper of a test fails the test")]

mod case;

use case::{Asked, Case, read};
use connectwise_sim::Simulator;

const READS: &str = include_str!("cases.txt");
const CHANGES: &str = include_str!("changes.txt");
const SWITCHES: &str = include_str!("switches.txt");

async fn failures(cases: &[Case]) -> Vec<String> {
    let simulator = Simulator::builder().seed(11).scale(200).start().await.unwrap();
    let http = reqwest::Client::new();
    let mut failures = Vec::new();
    for case in cases {
        let asked = Asked::of(&http, &simulator, case).await;
        failures
            .extend(case.failures(&asked).into_iter().map(|why| format!("{}: {why}\n  {}", case.line, asked.told())));
    }
    failures
}

#[tokio::test]
async fn every_line_that_reads_is_answered_as_the_facts_say() {
    let failures = failures(&read(READS)).await;
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[tokio::test]
async fn every_line_that_changes_something_is_answered_as_the_facts_say() {
    let failures = failures(&read(CHANGES)).await;
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[tokio::test]
async fn both_sides_of_every_switch_are_answered_as_the_facts_say() {
    let failures = failures(&read(SWITCHES)).await;
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    let simulator = Simulator::builder().scale(10).start().await.unwrap();
    let all = reqwest::get(format!("{}/_sim/switches", simulator.url())).await.unwrap().text().await.unwrap();
    let all: Vec<serde_json::Value> = serde_json::from_str(&all).unwrap();
    for switch in all {
        let name = switch["name"].as_str().unwrap();
        assert!(SWITCHES.contains(&format!("\"{name}\":")), "{name} is never switched");
        assert_eq!(switch["value"], switch["values"][0], "{name}");
    }
}

#[test]
fn the_table_has_its_150_lines() {
    let lines = read(READS).len() + read(CHANGES).len() + read(SWITCHES).len();
    assert!(lines >= 150, "{lines}");
}
