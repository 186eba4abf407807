//! The program killed at any moment, and several of it at once: the next run ends at the truth all the same.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use connectwise_etl::decode::rebuild;
use connectwise_etl::lake::TableName;
use connectwise_etl::{catalog, query};
use connectwise_sim::Simulator;
use connectwise_tests::Lakehouse;
use serde_json::{Value, json};

/// Kills unless `CW_KILLS` says another number.
const KILLS: u32 = 8;

/// Rounds of two programs at once.
const ROUNDS: u32 = 6;

/// Pages are small, so that a run has many moments to be killed at.
const PAGE_SIZE: &str = "100";

struct Tenant {
    simulator: Simulator,
    lakehouse: Lakehouse,
    draws: Draws,
}

impl Tenant {
    async fn new(seed: u64) -> Self {
        let simulator = Simulator::builder().seed(seed).scale(500).start().await.unwrap();
        let tenant = Self { simulator, lakehouse: Lakehouse::empty().unwrap(), draws: Draws(seed) };
        for fault in [
            json!({ "probability": 0.03, "seed": seed, "status": 503, "retryAfter": 0 }),
            json!({ "probability": 0.01, "seed": seed + 1, "cut": true }),
            json!({ "probability": 0.01, "seed": seed + 2, "close": true }),
        ] {
            tenant.post("faults", &fault).await;
        }
        tenant
    }

    async fn post(&self, what: &str, body: &Value) {
        let url = format!("{}/_sim/{what}", self.simulator.url());
        let answer = reqwest::Client::new().post(url).json(body).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    }

    /// Hard deletes only where the whole list is compared: others need a reconcile.
    async fn advance(&self) {
        let changes = json!({
            "TimeEntry": { "edit": 7, "insert": 3 },
            "Agreement": { "edit": 3, "insert": 1 },
            "ExpenseEntry": { "edit": 4, "insert": 2 },
            "ProductItem": { "edit": 4 },
            "Member": { "edit": 1 },
            "UnpostedInvoice": { "delete": 1 },
        });
        self.post("advance", &changes).await;
    }

    fn start(&self, mode: &str) -> Child {
        Command::new(env!("CARGO_BIN_EXE_etl-under-test"))
            .env_clear()
            .current_dir(self.lakehouse.path())
            .env("CW_BASE_URL", self.simulator.base_url())
            .env("CW_AUTH_USERNAME", self.simulator.username())
            .env("CW_AUTH_PASSWORD", self.simulator.password())
            .env("CW_CLIENTID", "00000000-0000-0000-0000-000000000000")
            .args(["run", "--layers", "bronze", "--mode", mode, "--page-size", PAGE_SIZE, "--lakehouse", "."])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    fn mode(&mut self) -> &'static str {
        if self.draws.below(3) == 0 { "full" } else { "incremental" }
    }

    /// Every bronze table, rebuilt as JSON, against what the simulator has.
    async fn assert_truth(&self, after: &str) {
        for entity in catalog::entities() {
            let url = format!("{}/_sim/truth/{}", self.simulator.url(), entity.name);
            let truth: Vec<Value> = reqwest::get(url).await.unwrap().json().await.unwrap();
            let table = TableName::bronze(entity.table);
            let batches = query::select(self.lakehouse.lake(), &format!("select * from {}", table.name)).await.unwrap();
            let stored: Vec<Value> = batches
                .iter()
                .flat_map(|batch| (0..batch.num_rows()).map(|row| rebuild(entity, batch, row).unwrap()))
                .map(|record| serde_json::from_str(&record).unwrap())
                .collect();
            assert_eq!(stored.len(), truth.len(), "{after}: {table} has another number of rows");
            let (stored, truth) = (by_key(&stored, entity.key), by_key(&truth, entity.key));
            assert_eq!(stored.keys().collect::<Vec<_>>(), truth.keys().collect::<Vec<_>>(), "{after}: {table}");
            for (key, record) in &truth {
                assert_eq!(&stored[key], record, "{after}: {table} {key}");
            }
        }
    }
}

/// JSON doesn't tell 1 from 1.0.
fn as_numbers(value: &Value) -> Value {
    match value {
        Value::Object(entries) => entries.iter().map(|(name, value)| (name.clone(), as_numbers(value))).collect(),
        Value::Array(items) => items.iter().map(as_numbers).collect(),
        Value::Number(number) => number.as_f64().map_or(Value::Null, Value::from),
        other => other.clone(),
    }
}

fn by_key(records: &[Value], key: &str) -> BTreeMap<i64, Value> {
    let rows: BTreeMap<i64, Value> =
        records.iter().map(|record| (record[key].as_i64().unwrap(), as_numbers(record))).collect();
    assert_eq!(rows.len(), records.len(), "a key is there twice");
    rows
}

/// SplitMix64: the same draws for the same seed.
struct Draws(u64);

impl Draws {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % bound
    }
}

async fn end(child: Child) -> (ExitStatus, String) {
    let output = tokio::task::spawn_blocking(move || child.wait_with_output()).await.unwrap().unwrap();
    (output.status, String::from_utf8_lossy(&output.stderr).into_owned())
}

async fn end_well(child: Child) {
    let (status, said) = end(child).await;
    assert!(status.success(), "{status}: {said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_killed_at_any_moment_costs_nothing_but_its_time() {
    let wanted = std::env::var("CW_KILLS").ok().map_or(KILLS, |kills| kills.parse().unwrap());
    let mut tenant = Tenant::new(17).await;
    let (mut killed, mut longest) = (0, Duration::from_millis(500));
    while killed < wanted {
        // Up to three in a row, the first ones before there is any table.
        for _ in 0..=tenant.draws.below(3) {
            let mode = tenant.mode();
            let mut child = tenant.start(mode);
            // A run's length isn't known, so a moment is a share of the longest whole one.
            let moment = longest.mul_f64(tenant.draws.below(1000) as f64 / 1000.0);
            tokio::time::sleep(moment / 2).await;
            tenant.advance().await;
            tokio::time::sleep(moment / 2).await;
            child.kill().unwrap();
            killed += u32::from(end(child).await.0.code().is_none());
        }
        let mode = tenant.mode();
        let clock = Instant::now();
        end_well(tenant.start(mode)).await;
        longest = longest.max(clock.elapsed());
        tenant.assert_truth(&format!("{mode} after {killed} kills")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_runs_at_once_end_where_one_ends() {
    let mut tenant = Tenant::new(23).await;
    for round in 0..ROUNDS {
        let modes = [tenant.mode(), tenant.mode()];
        let [one, other] = modes.map(|mode| tenant.start(mode));
        if round % 2 == 1 {
            // While both read: what only one of them sees must not be lost to the other's watermark.
            tenant.advance().await;
        }
        end_well(one).await;
        end_well(other).await;
        if round % 2 == 1 {
            end_well(tenant.start("incremental")).await;
        }
        tenant.assert_truth(&format!("round {round}, {modes:?}")).await;
        tenant.advance().await;
    }
}
