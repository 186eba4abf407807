//! Runs that load and build.

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use connectwise_extract::read::Window;
use connectwise_extract::selection::Selected;
use connectwise_lakehouse::Layer;
use connectwise_pipeline::error::Result;
use connectwise_pipeline::gold;
use connectwise_pipeline::run::{Mode, Observer, Plan, RunReport, execute};

use crate::entities::EntityArgs;
use crate::error;
use crate::settings::Settings;

/// Parameters of a run.
#[derive(Debug, Clone)]
pub struct RunRequest {
    /// Layers to build.
    pub layers: Vec<Layer>,
    /// Full or incremental load.
    pub mode: Mode,
    /// Read again what changed since this time; incremental loads only.
    pub since: Option<DateTime<Utc>>,
    /// Days that every business-date window goes back, instead of those of the catalogue; incremental loads only.
    pub lookback_days: Option<u32>,
    /// Selection of entities.
    pub entities: EntityArgs,
    /// Take over a lakehouse that belongs to another tenant; reads every table in full.
    pub adopt_tenant: bool,
    /// Replace tables that another program made in a lakehouse which was never loaded.
    pub adopt: bool,
    /// Largest share of a table's rows that may be missing from a full read, 0 to 100 percent; `None` for the configured one.
    pub max_share: Option<f64>,
    /// A cluster for the facts of gold that are computed as a whole, in place of this process.
    pub cluster: Option<Arc<dyn gold::Cluster>>,
}

impl Default for RunRequest {
    /// An incremental load of all entities, through all layers.
    fn default() -> Self {
        Self {
            layers: Layer::ALL.to_vec(),
            mode: Mode::Incremental,
            since: None,
            lookback_days: None,
            entities: EntityArgs::default(),
            adopt_tenant: false,
            adopt: false,
            max_share: None,
            cluster: None,
        }
    }
}

impl RunRequest {
    fn check(&self) -> Result<()> {
        if self.layers.is_empty() {
            return Err(error::no_layer());
        }
        if self.mode == Mode::Full && (self.since.is_some() || self.lookback_days.is_some()) {
            return Err(error::full_with_window());
        }
        if self.max_share.is_some_and(|share| !(0.0..=100.0).contains(&share)) {
            return Err(error::max_share());
        }
        if !self.adopt_tenant {
            return Ok(());
        }
        if !self.layers.contains(&Layer::Bronze) {
            return Err(error::adopt_without_bronze());
        }
        if self.entities.narrows() || self.since.is_some() || self.lookback_days.is_some() {
            return Err(error::adopt_in_part());
        }
        Ok(())
    }
}

/// Loads the API's records into the lakehouse and builds the layers above.
///
/// # Errors
/// [`Kind::Usage`](connectwise_pipeline::error::Kind::Usage) and [`Kind::Config`](connectwise_pipeline::error::Kind::Config) before
/// anything is touched. What fails later is in the report.
pub async fn run(settings: &Settings, request: RunRequest, observer: &dyn Observer) -> Result<RunReport> {
    request.check()?;
    let RunRequest { layers, mode, since, lookback_days, entities, adopt_tenant, adopt, max_share, cluster } = request;
    let Selected { entities, optional } = entities.selected(settings)?;
    // Silver and gold need no credentials. A load of bronze compares the tenant with the lakehouse's as it begins.
    let asks = layers.contains(&Layer::Bronze);
    let lake = if asks { settings.lake()? } else { settings.own_lake().await? };
    gold::check(&lake, &settings.gold).await?;
    let client = asks.then(|| settings.client()).transpose()?;
    let mut window = Window { since, lookback_days, ..Window::default() };
    if let Some(minutes) = settings.source.overlap_minutes() {
        window.overlap = TimeDelta::minutes(i64::from(minutes));
    }
    let plan = Plan {
        layers,
        mode,
        entities,
        optional,
        window,
        page_size: settings.source.page_size(),
        privacy: settings.keyed_privacy()?,
        extra: settings.extra.clone(),
        load: settings.options(max_share),
        gold: settings.gold.clone(),
        cluster,
        adopt_tenant,
        adopt,
    };
    execute(&lake, client.as_ref(), &plan, observer).await
}

/// Parses a day (midnight UTC) or an instant: `2026-01-31`, or `2026-01-31T08:00:00Z`.
///
/// # Errors
/// A text that names the two forms.
pub fn moment(text: &str) -> std::result::Result<DateTime<Utc>, String> {
    let day =
        text.parse::<NaiveDate>().ok().and_then(|day| day.and_hms_opt(0, 0, 0)).map(|midnight| midnight.and_utc());
    let time = || DateTime::parse_from_rfc3339(text).ok().map(|time| time.with_timezone(&Utc));
    day.or_else(time).ok_or_else(|| "write it as 2026-01-31 or 2026-01-31T08:00:00Z".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_day_or_an_instant() {
        let told = |text: &str| moment(text).map(|time| time.to_rfc3339());
        assert_eq!(told("2026-01-31").unwrap(), "2026-01-31T00:00:00+00:00");
        assert_eq!(told("2026-01-31T08:00:00Z").unwrap(), "2026-01-31T08:00:00+00:00");
        assert_eq!(told("2026-01-31T08:00:00+02:00").unwrap(), "2026-01-31T06:00:00+00:00");
        for text in ["", "yesterday", "2026-02-30", "31.01.2026"] {
            assert!(moment(text).is_err(), "{text}");
        }
    }
}
