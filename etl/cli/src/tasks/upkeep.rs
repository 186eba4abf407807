//! Upkeep of a lakehouse: `doctor`, `reconcile`, `maintain` and `verify`.

use std::collections::BTreeMap;

use chrono::{TimeDelta, Utc};
use connectwise_extract::doctor::{Examination, examine, watermarks};
use connectwise_extract::progress::Progress;
use connectwise_extract::selection::Selected;
use connectwise_lakehouse::{Layer, TableName};
use connectwise_pipeline::bronze::watermark;
use connectwise_pipeline::deletes::MAX_SHARE;
use connectwise_pipeline::error::Result;
use connectwise_pipeline::{maintain as upkeep, reconcile as sweep, run, verify as verification};
use connectwise_upkeep::MaintenanceOptions;

use crate::entities::EntityArgs;
use crate::error;
use crate::settings::Settings;

/// Checks whether a tenant can be loaded. Nothing is written.
///
/// # Errors
/// [`Kind::Config`](connectwise_pipeline::error::Kind::Config) for credentials that are missing, and when the lakehouse can't be read.
/// What the server refuses is in the examination.
pub async fn diagnose(settings: &Settings, selected: &Selected, progress: &dyn Progress) -> Result<Examination> {
    let mut examination = examine(&settings.client()?, &selected.entities, &Utc::now, progress).await;
    let lake = settings.lake()?;
    let mut stored = BTreeMap::new();
    for entity in &selected.entities {
        let watermark = watermark(&lake.table(&TableName::bronze(entity.table)).await?).await?;
        stored.extend(watermark.map(|watermark| (entity.name, watermark)));
    }
    watermarks(&mut examination, &stored);
    examination.tolerate(&selected.optional);
    Ok(examination)
}

/// Parameters of `reconcile`.
#[derive(Debug, Clone)]
pub struct ReconcileRequest {
    /// Selection of entities.
    pub entities: EntityArgs,
    /// Report what would be deleted, and write nothing.
    pub dry_run: bool,
    /// Largest share of a table's rows that may be missing, 0 to 100 percent.
    pub max_share: f64,
}

impl Default for ReconcileRequest {
    fn default() -> Self {
        Self { entities: EntityArgs::default(), dry_run: false, max_share: MAX_SHARE }
    }
}

/// Deletes rows from bronze that the source no longer has. Returns the report, and whether the ledger could be written.
///
/// # Errors
/// [`Kind::Usage`](connectwise_pipeline::error::Kind::Usage) and [`Kind::Config`](connectwise_pipeline::error::Kind::Config) before
/// anything is touched. What fails later is in the report.
pub async fn reconcile(
    settings: &Settings,
    request: ReconcileRequest,
    progress: &dyn Progress,
) -> Result<(sweep::ReconcileReport, Result<()>)> {
    if !(0.0..=100.0).contains(&request.max_share) {
        return Err(error::max_share());
    }
    let named = request.entities.names();
    let selected = request.entities.selected(settings)?;
    let entities = sweep::wanted(selected.entities.iter().copied());
    if entities.is_empty() || (named && entities.len() < selected.entities.len()) {
        return Err(error::only_snapshots());
    }
    let swept = sweep::ReconcileOptions {
        max_share: request.max_share,
        page_size: settings.source.page_size(),
        secrets: settings.privacy.secrets(),
        optional: selected.optional,
        ..sweep::ReconcileOptions::new(request.dry_run)
    };
    run::reconcile(&settings.lake()?, &settings.client()?, &entities, &swept, progress).await
}

/// Parameters of `maintain`.
#[derive(Debug, Clone)]
pub struct MaintainRequest {
    /// Layers whose tables are maintained.
    pub layers: Vec<Layer>,
    /// Report what would be done, and change nothing.
    pub dry_run: bool,
    /// Hours that data files of old versions are kept.
    pub retention_hours: u32,
    /// Hours that files without a commit are kept.
    pub orphan_hours: u32,
}

/// Layers by their names; that of the ledger is `etl`.
///
/// # Errors
/// [`Kind::Usage`](connectwise_pipeline::error::Kind::Usage) for a name that no layer has.
pub fn layers_of_upkeep(names: &[String]) -> Result<Vec<Layer>> {
    let layer = |name: &String| match name.trim().to_ascii_lowercase().as_str() {
        "etl" => Ok(Layer::Ledger),
        other => other.parse().map_err(|_| error::unknown_layer(name)),
    };
    names.iter().map(layer).collect()
}

/// Compacts small files and removes those that no version in the retention needs. Returns the report, and whether the ledger
/// could be written.
///
/// # Errors
/// [`Kind::Config`](connectwise_pipeline::error::Kind::Config) when the lakehouse belongs to another tenant than the configured one.
pub async fn maintain(
    settings: &Settings,
    request: &MaintainRequest,
    progress: &dyn Progress,
) -> Result<(upkeep::MaintenanceReport, Result<()>)> {
    // A dry run is refused under the same conditions.
    let lake = settings.own_lake().await?;
    let options = MaintenanceOptions {
        run_id: uuid::Uuid::now_v7().to_string(),
        dry_run: request.dry_run,
        retention: TimeDelta::hours(i64::from(request.retention_hours)),
        orphan_age: TimeDelta::hours(i64::from(request.orphan_hours)),
    };
    run::maintain(&lake, &request.layers, &settings.gold, &options, progress).await
}

/// Reads every table and compares each layer with the one below. With `repair`, the next run loads or builds the faulty tables
/// again.
///
/// # Errors
/// As [`maintain`] with `repair`, and when the store can't be read.
pub async fn verify(
    settings: &Settings,
    layers: Vec<Layer>,
    repair: bool,
    progress: &dyn Progress,
) -> Result<verification::VerificationReport> {
    let lake = if repair { settings.own_lake().await? } else { settings.lake()? };
    let run_id = uuid::Uuid::now_v7().to_string();
    let privacy = settings.keyed_privacy()?;
    let gold = &settings.gold;
    let request =
        verification::VerificationRequest { run_id, layers, privacy: &privacy, extra: &settings.extra, gold, repair };
    verification::run(&lake, &request, progress).await
}
