//! Numbers that tell a build that something other than its inputs changed since a table was built.

use twox_hash::XxHash3_64;

use super::config::GoldConfig;
use super::model::{self, Model};
use crate::error::{Error, Result};

/// Numbers that change with the configuration and with the models.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fingerprints {
    config: i64,
    models: i64,
    /// That of models whose rows depend on the time zone.
    zoned_models: i64,
}

impl Fingerprints {
    pub(super) fn new(config: &GoldConfig) -> Result<Self> {
        // The time zone counts as part of the SELECTs that it is written into: tables without it aren't looked at when it changes.
        // What tables are called says nothing of their rows.
        let counts = GoldConfig { time_zone: String::new(), fact_prefix: String::new(), ..config.clone() };
        let text =
            serde_json::to_string(&counts).map_err(|error| Error::unwritten_configuration().with_source(error))?;
        let number = |text: &str| i64::from_ne_bytes(XxHash3_64::oneshot(text.as_bytes()).to_ne_bytes());
        let mut models: String = model::texts().collect();
        models.extend(config.models.texts());
        let zoned = format!("{models}{}", config.time_zone);
        Ok(Self { config: number(&text), models: number(&models), zoned_models: number(&zoned) })
    }

    /// That of the configuration.
    pub(super) fn config(&self) -> i64 {
        self.config
    }

    /// That of the models, as one of them sees it.
    pub(super) fn models(&self, model: &Model) -> i64 {
        if model.zoned { self.zoned_models } else { self.models }
    }
}
