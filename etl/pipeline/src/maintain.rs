//! Maintenance of the lakehouse: every table of it, one after the other.

use std::time::Instant;

use chrono::Utc;
use connectwise_extract::catalog;
use connectwise_extract::progress::Progress;
use connectwise_lakehouse::{Lake, Layer, TableName};
use connectwise_upkeep::{self as upkeep, MaintenanceMetrics, MaintenanceOptions};
use serde::Serialize;

use crate::error::Result;
use crate::gold::GoldConfig;
use crate::tables::known_tables;
use crate::telemetry::{Step, StepOutcome};

/// What upkeep did.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MaintenanceReport {
    /// Name of the run, found again in the commits.
    pub run_id: String,
    /// Whether nothing was changed, whatever was found.
    pub dry_run: bool,
    /// One entry a table that is there.
    pub tables: Vec<MaintainedTable>,
}

/// What maintenance did to one table.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MaintainedTable {
    /// Layer and name.
    pub table: String,
    /// The same, in its parts.
    #[serde(skip)]
    pub name: TableName,
    /// What was done, or would be.
    #[serde(flatten)]
    pub metrics: MaintenanceMetrics,
    /// Why the table was left as it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Seconds that it took.
    pub seconds: f64,
}

impl MaintainedTable {
    /// Says what maintenance did in the run's step.
    pub(crate) fn tell(&self, step: &mut Step) {
        step.outcome = match &self.error {
            Some(why) => StepOutcome::Failed(why.clone()),
            None if self.metrics.compacted > 0 => StepOutcome::Written,
            None => StepOutcome::Unchanged,
        };
        step.seconds = self.seconds;
        step.ended = Utc::now();
    }
}

impl MaintenanceReport {
    /// Tables that were left as they were because something failed.
    pub fn failed(&self) -> impl Iterator<Item = &MaintainedTable> {
        self.tables.iter().filter(|table| table.error.is_some())
    }
}

/// Keeps the tables of some layers in order, the user's own models of gold among them. One that fails doesn't stop the others.
///
/// # Errors
/// None of its own; what fails is in the report.
pub async fn run(
    lake: &Lake,
    layers: &[Layer],
    gold: &GoldConfig,
    options: &MaintenanceOptions,
    progress: &dyn Progress,
) -> Result<MaintenanceReport> {
    let mut tables = Vec::new();
    let known = known_tables()?.into_iter().chain(gold.models.tables());
    let known: Vec<TableName> = known.filter(|table| layers.contains(&table.layer)).collect();
    progress.planned(known.len());
    for table in known {
        let clock = Instant::now();
        let maintained = upkeep::maintain(lake, &table, key(&table), options).await;
        progress.done(&table.to_string());
        let (metrics, error) = match maintained {
            Ok(None) => continue,
            Ok(Some(metrics)) => (metrics, None),
            Err(error) => (MaintenanceMetrics::default(), Some(error.report())),
        };
        let seconds = clock.elapsed().as_secs_f64();
        tables.push(MaintainedTable { table: table.to_string(), name: table, metrics, error, seconds });
    }
    Ok(MaintenanceReport { run_id: options.run_id.clone(), dry_run: options.dry_run, tables })
}

/// The key of an entity's table, by which its files are ordered.
pub(crate) fn key(table: &TableName) -> Option<&'static str> {
    let names = |entity: &&connectwise_sdk::catalog::Entity| match table.layer {
        Layer::Bronze => *table == TableName::bronze(entity.table),
        Layer::Silver => *table == TableName::silver(entity.table),
        Layer::Gold | Layer::Ledger => false,
    };
    catalog::entities().iter().find(names).map(|entity| entity.key)
}
