//! The program killed at any moment, and several of it at once: the next run ends at the truth all the same.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod steer;
mod truth;

use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use connectwise_sim::Simulator;
use connectwise_tests::{Draws, Lakehouse, sample};
use serde_json::json;
use steer::post;

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
        let tenant = Self { simulator, lakehouse: Lakehouse::empty().unwrap(), draws: Draws::new(seed) };
        for fault in [
            json!({ "probability": 0.03, "seed": seed, "status": 503, "retryAfter": 0 }),
            json!({ "probability": 0.01, "seed": seed + 1, "cut": true }),
            json!({ "probability": 0.01, "seed": seed + 2, "close": true }),
        ] {
            post(&tenant.simulator, "faults", fault).await;
        }
        tenant
    }

    /// Hard deletes only where the whole list is compared: others need a reconcile.
    async fn advance(&self) {
        let changes = json!({
            "TimeEntry": { "edit": 7, "insert": 3 },
            "Agreement": { "edit": 3, "insert": 1 },
            "ExpenseEntry": { "edit": 4, "insert": 2 },
            "ProductItem": { "edit": 4 },
            "Member": { "edit": 1 },
            "/service/tickets": { "edit": 5, "insert": 2 },
            "Board": { "edit": 1 },
            "UnpostedInvoice": { "delete": 1, "insert": 1 },
        });
        post(&self.simulator, "advance", changes).await;
    }

    fn start(&self, mode: &str) -> Child {
        let names: Vec<_> = sample().map(|entity| entity.name).collect();
        Command::new(env!("CARGO_BIN_EXE_etl-under-test"))
            .env_clear()
            .current_dir(self.lakehouse.path())
            .env("CW_BASE_URL", self.simulator.base_url())
            .env("CW_AUTH_USERNAME", self.simulator.username())
            .env("CW_AUTH_PASSWORD", self.simulator.password())
            .env("CW_CLIENTID", "00000000-0000-0000-0000-000000000000")
            .args(["run", "--layers", "bronze", "--mode", mode, "--page-size", PAGE_SIZE, "--lakehouse", "."])
            .args(["--entities", &names.join(",")])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    fn mode(&mut self) -> &'static str {
        if self.draws.below(3) == 0 { "full" } else { "incremental" }
    }

    async fn assert_truth(&self, when: &str) {
        truth::assert_truth(&self.simulator, &self.lakehouse, sample(), when).await;
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
