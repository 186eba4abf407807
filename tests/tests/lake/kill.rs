//! The program killed at any moment, and several of it at once: the next run ends at the truth all the same.

use std::fs;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use connectwise_extract::catalog;
use connectwise_lakehouse::TableName;
use connectwise_sdk::catalog::Entity;
use connectwise_sim::Simulator;
use connectwise_tests::{Draws, Lakehouse};
use serde_json::json;
use tokio::task::JoinSet;

use crate::steer::{ask, post};

/// Kills of a run of all tests; `CW_KILLS` says another number.
const KILLS: u32 = 40;

/// Kills among which every kind of moment has to occur, the rare ones too.
const MANY: u32 = 200;

/// Tenants that are killed side by side: more than cores, as a run waits for its server most of the time.
const TENANTS: u32 = 4;

/// Rounds after which a tenant starts with an empty lakehouse, so that first loads are killed too.
const AGE: u32 = 4;

/// Rounds of two programs at once.
const ROUNDS: u32 = 6;

/// Each way of loading: by change and staged, by change with a list that hangs on its rows, whole and compared.
const ENTITIES: [&str; 5] = ["TimeEntry", "Agreement", "AgreementAddition", "Member", "UnpostedInvoice"];

/// Of those, the ones whose deletions only a reconcile finds.
const RECONCILED: &str = "TimeEntry,Agreement,Member";

struct Tenant {
    simulator: Simulator,
    lakehouse: Lakehouse,
    draws: Draws,
    /// How long whole runs took last: full, incremental, reconcile.
    lengths: [Duration; 3],
    /// An agreement whose additions change.
    agreement: i64,
}

/// What the kills met, so that a test in which all of them came too early or too late can't pass.
#[derive(Debug, Default)]
struct Tally {
    /// By the quarter of the run's length.
    quarters: [u32; 4],
    /// There was no table before the run.
    first: u32,
    /// No table had a commit of the run.
    untouched: u32,
    /// Some table had.
    partway: u32,
    /// A load that was cut off had left files to the next one.
    staged: u32,
    reconciles: u32,
    /// Whole runs that went on with such files.
    resumed: u32,
}

impl Tally {
    fn add(&mut self, other: &Self) {
        for (sum, count) in self.quarters.iter_mut().zip(other.quarters) {
            *sum += count;
        }
        self.first += other.first;
        self.untouched += other.untouched;
        self.partway += other.partway;
        self.staged += other.staged;
        self.reconciles += other.reconciles;
        self.resumed += other.resumed;
    }

    fn killed(&self) -> u32 {
        self.quarters.iter().sum()
    }
}

fn entities() -> impl Iterator<Item = &'static Entity> {
    ENTITIES.into_iter().map(|name| catalog::entity(name).unwrap())
}

impl Tenant {
    async fn new(seed: u64) -> Self {
        let simulator = Simulator::builder().seed(seed).scale(300).start().await.unwrap();
        // Without it a change below a row isn't there before the round comes to it.
        post(&simulator, "switches", json!({ "children-touch-parents": "yes" })).await;
        let agreements = ask(&simulator, "truth/finance/agreements").await;
        for (number, (share, fault)) in [
            (0.02, json!({ "status": 503, "retryAfter": 0 })),
            (0.01, json!({ "status": 429, "retryAfter": 0 })),
            (0.005, json!({ "status": 502, "html": true })),
            (0.005, json!({ "status": 500 })),
            (0.01, json!({ "cut": true })),
            (0.01, json!({ "close": true })),
            (0.01, json!({ "refuse": true })),
            (0.002, json!({ "stall": true })),
            (0.01, json!({ "slow": 100_000 })),
            (0.005, json!({ "contentType": "text/html" })),
        ]
        .into_iter()
        .enumerate()
        {
            let mut rule = fault;
            rule["probability"] = share.into();
            rule["seed"] = (seed + number as u64).into();
            post(&simulator, "faults", rule).await;
        }
        Self {
            lakehouse: Lakehouse::empty().unwrap(),
            draws: Draws::new(seed),
            lengths: [Duration::from_secs(2); 3],
            agreement: agreements[0]["id"].as_i64().unwrap(),
            simulator,
        }
    }

    /// Hard deletes of what is loaded by change are for a reconcile to find.
    async fn advance(&mut self, deletes: bool) {
        let additions = format!("/finance/agreements/{}/additions", self.agreement);
        let changes = json!({
            "TimeEntry": { "edit": 7, "insert": 4, "delete": u64::from(deletes) },
            "Agreement": { "edit": 3, "insert": 1 },
            "Member": { "edit": 1 },
            "UnpostedInvoice": { "delete": 1, "insert": 1 },
            additions: { "edit": 1, "insert": 1 },
        });
        post(&self.simulator, "advance", changes).await;
    }

    /// A configuration under which full loads stage what they read.
    fn configure(&mut self) {
        let ranges = 1 + self.draws.below(2);
        let text = format!(
            "[source]\nrate = 0.0\npage_size = 25\nread_timeout = 2\n[load]\nchunk_rows = 60\nranges = {ranges}\n"
        );
        fs::write(self.lakehouse.path().join("connectwise-etl.toml"), text).unwrap();
    }

    fn start(&self, what: usize) -> Child {
        let mut command = Command::new(env!("CARGO_BIN_EXE_etl-under-test"));
        command
            .env_clear()
            .current_dir(self.lakehouse.path())
            .env("CW_BASE_URL", self.simulator.base_url())
            .env("CW_AUTH_USERNAME", self.simulator.username())
            .env("CW_AUTH_PASSWORD", self.simulator.password())
            .env("CW_CLIENTID", "00000000-0000-0000-0000-000000000000")
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let entities = ENTITIES.join(",");
        match what {
            RECONCILE => command.args(["reconcile", "--lakehouse", ".", "--entities", RECONCILED]),
            what => {
                let mode = if what == FULL { "full" } else { "incremental" };
                command.args(["run", "--layers", "bronze", "--lakehouse", ".", "--mode", mode, "--entities", &entities])
            }
        };
        command.spawn().unwrap()
    }

    fn mode(&mut self) -> usize {
        if self.draws.below(2) == 0 { FULL } else { INCREMENTAL }
    }

    /// Commits and staged files of each bronze table.
    fn state(&self) -> (Vec<usize>, usize) {
        let (mut commits, mut staged) = (Vec::new(), 0);
        for entity in entities() {
            let table = TableName::bronze(entity.table);
            let folder = self.lakehouse.path().join(table.layer.name()).join(table.name);
            commits.push(files(&folder.join("_delta_log")));
            let loads = fs::read_dir(folder.join("_staging")).into_iter().flatten();
            staged += loads.map(|load| files(&load.unwrap().path())).sum::<usize>();
        }
        (commits, staged)
    }

    /// Starts something and kills it; whether it was still there.
    async fn kill(&mut self, what: usize, deletes: bool, tally: &mut Tally) {
        let (before, _) = self.state();
        let share = self.draws.below(1000) as f64 / 1000.0;
        let moment = self.lengths[what].mul_f64(share);
        let mut child = self.start(what);
        tokio::time::sleep(moment / 2).await;
        self.advance(deletes).await;
        tokio::time::sleep(moment / 2).await;
        child.kill().unwrap();
        if end(child).await.0.code().is_some() {
            return;
        }
        let (after, staged) = self.state();
        tally.quarters[(share * 4.0) as usize] += 1;
        tally.first += u32::from(before.iter().all(|commits| *commits == 0));
        *(if before == after { &mut tally.untouched } else { &mut tally.partway }) += 1;
        tally.staged += u32::from(staged > 0);
        tally.reconciles += u32::from(what == RECONCILE);
    }

    /// Something that is left alone, and ends well.
    async fn whole(&mut self, what: usize) -> String {
        let clock = Instant::now();
        let said = end_well(self.start(what)).await;
        self.lengths[what] = clock.elapsed();
        said
    }

    async fn round(&mut self, number: u32, tally: &mut Tally) {
        self.configure();
        let reconciles = number % AGE == AGE - 1;
        for _ in 0..=self.draws.below(3) {
            let mode = if reconciles { RECONCILE } else { self.mode() };
            self.kill(mode, reconciles, tally).await;
        }
        let mode = self.mode();
        tally.resumed += u32::from(self.whole(mode).await.contains("were taken over"));
        if reconciles {
            self.whole(RECONCILE).await;
        }
        self.assert_truth(&format!("round {number}, after {tally:?}")).await;
    }

    async fn assert_truth(&self, when: &str) {
        crate::truth::assert_truth(&self.simulator, &self.lakehouse, entities(), when).await;
    }
}

/// What is started: indexes into a tenant's lengths.
const FULL: usize = 0;
const INCREMENTAL: usize = 1;
const RECONCILE: usize = 2;

fn files(folder: &std::path::Path) -> usize {
    fs::read_dir(folder).into_iter().flatten().count()
}

async fn end(child: Child) -> (ExitStatus, String) {
    let output = tokio::task::spawn_blocking(move || child.wait_with_output()).await.unwrap().unwrap();
    (output.status, String::from_utf8_lossy(&output.stderr).into_owned())
}

async fn end_well(child: Child) -> String {
    let (status, said) = end(child).await;
    assert!(status.success(), "{status}: {said}");
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_killed_at_any_moment_costs_nothing_but_its_time() {
    let wanted: u32 = std::env::var("CW_KILLS").map_or(KILLS, |kills| kills.parse().unwrap());
    let mut tenants = JoinSet::new();
    for number in 0..TENANTS {
        tenants.spawn(async move {
            let (mut tenant, mut tally, mut round) =
                (Tenant::new(17 + 100 * u64::from(number)).await, Tally::default(), 0);
            // For its length only.
            tenant.configure();
            tenant.whole(FULL).await;
            while tally.killed() < wanted.div_ceil(TENANTS) {
                if round % AGE == 0 {
                    tenant.lakehouse = Lakehouse::empty().unwrap();
                }
                tenant.round(round, &mut tally).await;
                round += 1;
            }
            tally
        });
    }
    let mut all = Tally::default();
    while let Some(tally) = tenants.join_next().await {
        all.add(&tally.unwrap());
    }
    println!("{} kills: {all:?}", all.killed());
    let met = [all.first, all.untouched, all.partway];
    assert!(met.into_iter().chain(all.quarters).all(|count| count > 0), "{all:?}");
    let rare = [all.staged, all.reconciles, all.resumed];
    assert!(wanted < MANY || rare.into_iter().all(|count| count > 0), "{all:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_runs_at_once_end_where_one_ends() {
    let mut tenant = Tenant::new(23).await;
    for round in 0..ROUNDS {
        tenant.configure();
        let modes = [tenant.mode(), tenant.mode()];
        let [one, other] = modes.map(|mode| tenant.start(mode));
        if round % 2 == 1 {
            // While both read: what only one of them sees must not be lost to the other's watermark.
            tenant.advance(false).await;
        }
        end_well(one).await;
        end_well(other).await;
        if round % 2 == 1 {
            tenant.whole(INCREMENTAL).await;
        }
        tenant.assert_truth(&format!("round {round}, {modes:?}")).await;
        tenant.advance(false).await;
    }
}
