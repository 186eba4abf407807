//! A lakehouse in a temporary folder, loaded from a simulator.

use std::path::Path;
use std::time::Duration;

use connectwise_extract::catalog;
use connectwise_extract::contract::PARENT_ID;
use connectwise_extract::decode::rebuild;
use connectwise_lakehouse::{Lake, Layer, TableName, integers};
use connectwise_pipeline::query;
use connectwise_pipeline::run::{Mode, Plan, Quiet, RunReport, execute};
use connectwise_sdk::catalog::Entity;
use connectwise_sdk::{Client, Config, ConfigParts, RetryPolicy};
use connectwise_sim::Simulator;
use serde_json::Value;
use tempfile::TempDir;

/// The simulator asks for a client id, as the real server does, and takes any.
const CLIENT_ID: &str = "00000000-0000-0000-0000-000000000000";

/// A lakehouse that is gone when it is dropped.
#[derive(Debug)]
pub struct Lakehouse {
    folder: TempDir,
    lake: Lake,
}

impl Lakehouse {
    /// An empty lakehouse.
    ///
    /// # Errors
    /// When the temporary folder can't be made.
    pub fn empty() -> Result<Self, Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let lake = Lake::open(&folder.path().to_string_lossy())?;
        Ok(Self { folder, lake })
    }

    /// Its folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Its tables.
    pub fn lake(&self) -> &Lake {
        &self.lake
    }

    /// Loads all layers from a simulator.
    ///
    /// # Errors
    /// When the run can't start. Steps that failed are in the report.
    pub async fn load(&self, simulator: &Simulator, mode: Mode) -> Result<RunReport, Box<dyn std::error::Error>> {
        let plan = Plan::new(Layer::ALL.to_vec(), mode, catalog::entities().iter().collect());
        Ok(execute(&self.lake, Some(&client(simulator)?), &plan, &Quiet).await?)
    }

    /// The rows of a bronze table as the records that they came from, in no order; those of lists that hang on rows with
    /// their `_parentId`, as the simulator's truth has it.
    ///
    /// # Errors
    /// When the table can't be read, or a row gives no record.
    pub async fn records(&self, entity: &Entity) -> Result<Vec<Value>, Box<dyn std::error::Error>> {
        let sql = format!("select * from {}", TableName::bronze(entity.table).name);
        let mut records = Vec::new();
        for batch in query::select(&self.lake, &sql).await? {
            let parents = entity.parent().map(|_| integers(&batch, PARENT_ID)).transpose()?;
            for row in 0..batch.num_rows() {
                let mut record: Value = serde_json::from_str(&rebuild(entity, &batch, row)?)?;
                if let Some(parents) = &parents {
                    record["_parentId"] = parents.value(row).into();
                }
                records.push(record);
            }
        }
        Ok(records)
    }
}

/// A client of a simulator.
///
/// # Errors
/// When the simulator's own settings can't be used.
pub fn client(simulator: &Simulator) -> connectwise_sdk::Result<Client> {
    config(simulator).and_then(Client::new)
}

/// How to repeat requests of a server on this machine: nobody has to be waited for.
pub fn impatient(max_attempts: u32) -> RetryPolicy {
    let (base, cap) = (Duration::from_millis(1), Duration::from_millis(2));
    RetryPolicy { max_attempts, base, cap, ..RetryPolicy::default() }
}

/// What a client of a simulator is made from. It asks as fast as it can: nobody else works there.
///
/// # Errors
/// When the simulator's own settings can't be used.
pub fn config(simulator: &Simulator) -> connectwise_sdk::Result<Config> {
    Config::from_parts(ConfigParts {
        base_url: Some(simulator.base_url()),
        username: Some(simulator.username().to_owned()),
        password: Some(simulator.password().to_owned().into()),
        client_id: Some(CLIENT_ID.to_owned()),
        ..ConfigParts::default()
    })
    .map(|config| config.with_rate(None))
}
