//! Lists that hang on rows, against the truth: after full loads and incremental ones, with bundles and without, and with lists
//! that the server can't give.

mod bundles;
mod changes;
mod unreadable;

use connectwise_extract::catalog;
use connectwise_lakehouse::{Layer, TableName};
use connectwise_pipeline::run::{Mode, Plan, Quiet, RunReport, Step, StepOutcome, execute};
use connectwise_sdk::Client;
use connectwise_sdk::catalog::Entity;
use connectwise_sim::Simulator;
use connectwise_tests::{Lakehouse, config, impatient};
use serde_json::Value;

use crate::steer::{ask, forget};
use crate::truth::Rows;

/// What a row hangs on.
fn parent(row: &Value) -> i64 {
    row["_parentId"].as_f64().unwrap() as i64
}

struct Tenant {
    simulator: Simulator,
    lakehouse: Lakehouse,
    client: Client,
}

impl Tenant {
    async fn start(scale: u64) -> Self {
        let simulator = Simulator::builder().seed(5).scale(scale).start().await.unwrap();
        // As stubborn as usual, and without waiting for a server on the same machine.
        let client = Client::new(config(&simulator).unwrap().with_retry(impatient(4))).unwrap();
        Self { simulator, lakehouse: Lakehouse::empty().unwrap(), client }
    }

    async fn run(&self, mode: Mode, entities: &[&str]) -> RunReport {
        let plan =
            Plan::new(vec![Layer::Bronze], mode, entities.iter().map(|name| catalog::entity(name).unwrap()).collect());
        execute(self.lakehouse.lake(), Some(&self.client), &plan, &Quiet).await.unwrap()
    }

    /// One step of a run that went well.
    async fn load(&self, mode: Mode, entity: &str) -> Step {
        let step = self.step(mode, entity).await;
        assert!(matches!(step.outcome, StepOutcome::Written | StepOutcome::Unchanged), "{step:?}");
        assert!(step.read.as_ref().unwrap().complete);
        step
    }

    async fn step(&self, mode: Mode, entity: &str) -> Step {
        self.run(mode, &[entity]).await.steps.into_iter().next().unwrap()
    }

    async fn own(&self, route: &str) -> Value {
        ask(&self.simulator, route).await
    }

    async fn forget(&self, what: &str) {
        forget(&self.simulator, what).await;
    }

    /// Requests of the API since they were forgotten: to bundles, and to lists below rows.
    async fn requests(&self) -> (u64, u64) {
        let log = self.own("requests").await;
        let count = |wanted: fn(&str) -> bool| -> u64 {
            let counts = log["counts"].as_array().unwrap().iter();
            counts
                .filter(|count| wanted(count["path"].as_str().unwrap()))
                .map(|count| count["count"].as_u64().unwrap())
                .sum()
        };
        let below = |path: &str| path.split('/').any(|step| step.parse::<i64>().is_ok() || step.starts_with('{'));
        (count(|path| path.contains("/system/bundles")), count(below))
    }

    /// Requests to a path that were answered with this status.
    async fn asked(&self, path: &str, status: u64) -> u64 {
        let log = self.own("requests").await;
        let counts = log["counts"].as_array().unwrap().iter();
        let counts = counts.filter(|count| count["path"] == path && count["status"] == status);
        counts.map(|count| count["count"].as_u64().unwrap()).sum()
    }

    async fn truth(&self, entity: &Entity) -> Rows {
        crate::truth::truth(&self.simulator, entity).await
    }

    async fn bronze(&self, entity: &Entity) -> Rows {
        crate::truth::stored(&self.lakehouse, entity).await
    }

    /// How many rows differ.
    async fn differences(&self, entity: &Entity) -> usize {
        let (truth, bronze) = (self.truth(entity).await, self.bronze(entity).await);
        assert!(!truth.is_empty(), "{}", entity.name);
        let changed = truth.iter().filter(|(key, row)| bronze.get(*key) != Some(*row)).count();
        changed + bronze.keys().filter(|key| !truth.contains_key(*key)).count()
    }

    async fn version(&self, entity: &Entity) -> u64 {
        self.lakehouse.lake().table(&TableName::bronze(entity.table)).await.unwrap().version().unwrap()
    }
}

fn hanging() -> Vec<&'static Entity> {
    catalog::entities().iter().filter(|entity| entity.parent().is_some()).collect()
}

fn additions() -> &'static Entity {
    catalog::entity("AgreementAddition").unwrap()
}
