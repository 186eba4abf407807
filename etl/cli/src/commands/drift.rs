//! `connectwise-etl drift`.

use clap::Args;
use connectwise_extract::catalog;
use connectwise_pipeline::error::Result;
use connectwise_pipeline::ledger::drift::{self, Drift};
use connectwise_pipeline::ledger::short;
use connectwise_pipeline::telemetry::DriftKind;

use crate::output::{Output, table, thousands};
use crate::settings::Settings;

/// Show where the live API and the interface document differ
///
/// Properties, types and values that rows had and the document hasn't, each with the run that saw it first; and properties
/// of the document that no row has had. Runs find this in passing; nothing of it is lost in bronze, and lines of `[silver.extra]` in the
/// configuration, which are printed here, bring unknown properties into silver.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  connectwise-etl drift
  connectwise-etl drift --entities Company --unseen
  connectwise-etl drift --json")]
pub(crate) struct DriftArgs {
    /// Entities, comma-separated [default: all]
    #[arg(long, value_delimiter = ',')]
    entities: Vec<String>,
    /// List the properties that no row has had, too
    #[arg(long)]
    unseen: bool,
}

impl DriftArgs {
    pub(crate) async fn execute(self, settings: &Settings, output: &Output) -> Result<u8> {
        let wanted = self.entities.iter().map(|name| catalog::entity(name)).collect::<Result<Vec<_>, _>>()?;
        let mut drift = drift::read(&settings.lake()?).await?;
        if !wanted.is_empty() {
            drift.deviations.retain(|known| wanted.iter().any(|entity| entity.name == known.entity));
            drift.unseen.retain(|unseen| wanted.iter().any(|entity| entity.name == unseen.entity));
        }
        if output.is_json() {
            output.json(&drift)?;
        } else {
            show(&drift, self.unseen, settings, output)?;
        }
        Ok(0)
    }
}

fn show(drift: &Drift, unseen: bool, settings: &Settings, output: &Output) -> Result<()> {
    if drift.unseen.is_empty() {
        return output.line("no run has looked at any row yet: start with connectwise-etl run");
    }
    output.line(&summary(drift))?;
    if !drift.deviations.is_empty() {
        let rows = drift.deviations.iter().map(|known| {
            vec![
                known.entity.clone(),
                known.kind.name().to_owned(),
                known.path.clone(),
                known.found.clone(),
                thousands(known.count),
                known.first_seen.format("%Y-%m-%d %H:%M").to_string(),
                short(&known.run_id).to_owned(),
            ]
        });
        let header = ["entity", "drift", "property", "found", "rows then", "first seen", "by run"];
        output.line(&table(&header, &[4], rows))?;
    }
    let lines = drift::extra_lines(&drift.deviations, &settings.extra);
    if !lines.is_empty() {
        output.line(
            "unknown properties become columns of silver by these lines below [silver.extra] in connectwise-etl.toml:",
        )?;
    }
    for line in lines {
        output.line(&line)?;
    }
    for entity in drift.unseen.iter().filter(|entity| unseen && !entity.never_seen.is_empty()) {
        output.line(&format!("{} never had: {}", entity.entity, entity.never_seen.join(", ")))?;
    }
    Ok(())
}

/// The drift in one sentence.
pub(crate) fn summary(drift: &Drift) -> String {
    let count = |kind| drift.deviations.iter().filter(|known| known.kind == kind).count();
    let unseen: usize = drift.unseen.iter().map(|entity| entity.never_seen.len()).sum();
    format!(
        "against the interface document {}: {} unknown properties, {} other types, {} unknown values; {} of its properties \
         never had a value",
        drift.api_version,
        count(DriftKind::Property),
        count(DriftKind::Type),
        count(DriftKind::Value),
        thousands(unseen as u64),
    )
}
