//! A simulated server that fails as it is told to and counts what reaches it, and a client of it.

use std::sync::Arc;

use connectwise_sdk::{Client, Clock, Config, ConfigParts};
use connectwise_sim::{Builder, Simulator};

use crate::server::{TestClock, parts};

pub(crate) struct Simulated {
    simulator: Simulator,
    pub(crate) client: Client,
    pub(crate) clock: Arc<TestClock>,
}

impl Simulated {
    /// 25 time entries, ten on a page.
    pub(crate) async fn start() -> Self {
        Self::with(|config| config).await
    }

    pub(crate) async fn with(change: impl FnOnce(Config) -> Config) -> Self {
        Self::of(Simulator::builder(), change).await
    }

    pub(crate) async fn of(tenant: Builder, change: impl FnOnce(Config) -> Config) -> Self {
        let simulator = tenant.scale(25).start().await.unwrap();
        let clock = Arc::new(TestClock::default());
        let config = change(config(&simulator));
        let client = Client::with_clock(config, clock.clone()).unwrap();
        Self { simulator, client, clock }
    }

    /// A client of the same server with other settings.
    pub(crate) fn client(&self, change: impl FnOnce(ConfigParts) -> ConfigParts) -> Client {
        let config = Config::from_parts(change(access(&self.simulator))).unwrap();
        Client::with_clock(config, self.clock.clone() as Arc<dyn Clock>).unwrap()
    }

    /// Adds a fault rule, in JSON.
    pub(crate) async fn fault(&self, rule: &str) {
        self.simulator.fault_script(rule).unwrap();
    }

    /// How often each sort of fault has bitten.
    pub(crate) async fn bitten(&self, fault: &str) -> u64 {
        self.simulator.bitten().get(fault).copied().unwrap_or(0)
    }

    /// What the server has counted: requests as `GET /time/entries`, in the order in which they came.
    pub(crate) async fn requests(&self) -> Vec<String> {
        let recent = self.simulator.requests();
        assert_eq!(self.simulator.request_count(), recent.len() as u64);
        recent.iter().map(|asked| format!("{} {}", asked.method, asked.path)).collect()
    }

    /// All rows of a list path as the server has them.
    pub(crate) async fn rows(&self, path: &str) -> usize {
        self.simulator.truth(path).unwrap().len()
    }

    /// The ids of all rows of a list path.
    pub(crate) fn ids(&self, path: &str) -> Vec<i64> {
        let rows = self.simulator.truth(path).unwrap();
        rows.iter().map(|row| row["id"].as_i64().unwrap()).collect()
    }

    /// The id of the first row of a list path.
    pub(crate) async fn first_id(&self, path: &str) -> i64 {
        self.simulator.truth(path).unwrap()[0]["id"].as_i64().unwrap()
    }
}

/// Where the simulator is, and who may ask.
pub(crate) fn access(simulator: &Simulator) -> ConfigParts {
    ConfigParts {
        base_url: Some(simulator.base_url()),
        username: Some(simulator.username().to_owned()),
        password: Some(simulator.password().into()),
        ..parts()
    }
}

pub(crate) fn config(simulator: &Simulator) -> Config {
    Config::from_parts(access(simulator)).unwrap().with_page_size(10)
}
