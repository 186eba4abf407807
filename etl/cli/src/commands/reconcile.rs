//! `connectwise-etl reconcile`.

use clap::Args;
use connectwise_pipeline::deletes::MAX_SHARE;
use connectwise_pipeline::error::Result;
use connectwise_pipeline::quarantine;
use connectwise_pipeline::reconcile::ReconcileReport;

use crate::entities::EntityArgs;
use crate::output::{Output, table, thousands};
use crate::parts::Parts;
use crate::settings::Settings;
use crate::tasks::{self, ReconcileRequest};

/// Find rows that are gone at the source and take them out of bronze
///
/// The ids of every incremental entity are swept, and what is missing is asked for one by one: only "not found" deletes.
/// Nothing is deleted when the sweep isn't whole, the server's count disagrees, too much is missing or a right seems to be
/// lost; the exit code is then 1. The next run marks the rows as deleted in silver.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  connectwise-etl reconcile --dry-run
  connectwise-etl reconcile --entities TimeEntry,Company --max-share 10")]
pub(crate) struct Reconcile {
    #[command(flatten)]
    entities: EntityArgs,
    /// Find out everything and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Largest share of a table's rows that may be missing, 0 to 100
    #[arg(long, value_name = "PERCENT", default_value_t = MAX_SHARE, value_parser = percent)]
    max_share: f64,
}

pub(crate) fn percent(text: &str) -> std::result::Result<f64, String> {
    let share = text.parse().map_err(|_| format!("{text:?} is no number"))?;
    if (0.0..=100.0).contains(&share) { Ok(share) } else { Err("a share is between 0 and 100".to_owned()) }
}

impl Reconcile {
    pub(crate) async fn execute(self, settings: &Settings, output: &Output) -> Result<u8> {
        let Self { entities, dry_run, max_share } = self;
        let request = ReconcileRequest { entities, dry_run, max_share };
        let (report, told) = tasks::reconcile(settings, request, &Parts::new(*output)).await?;
        let shown = show(&report, output);
        if let Err(error) = told {
            output.note(&error.report());
        }
        let code = match report.refused().count() {
            0 => 0,
            all if all == report.entities.len() && !report.not_tried.is_empty() => 3,
            _ => 1,
        };
        Ok(output.done(shown, code))
    }
}

fn show(report: &ReconcileReport, output: &Output) -> Result<()> {
    if output.is_json() {
        return output.json(report);
    }
    let number = |count: usize| thousands(count as u64);
    let rows = report.entities.iter().map(|entity| {
        vec![
            entity.entity.clone(),
            thousands(entity.stored),
            thousands(entity.listed),
            thousands(entity.missing),
            number(entity.deleted.len()),
            number(entity.still_there.len()),
            thousands(entity.reread),
        ]
    });
    let deleted = if report.dry_run { "to delete" } else { "deleted" };
    let header = ["entity", "rows", "listed", "missing", deleted, "kept: still there", "read again"];
    output.line(&table(&header, &[1, 2, 3, 4, 5, 6], rows))?;
    if report.dry_run {
        for entity in report.entities.iter().filter(|entity| !entity.deleted.is_empty()) {
            let ids: Vec<String> = entity.deleted.iter().map(i64::to_string).collect();
            output.line(&format!("would delete {} {}", entity.entity, ids.join(", ")))?;
        }
        output.line("a dry run: nothing was written")?;
    }
    for entity in &report.entities {
        if let Some(note) = &entity.note {
            output.note(&format!("{}: {note}", entity.entity));
        }
        if entity.quarantined > 0 {
            output.note(&format!("{}: {} records are in {}", entity.entity, entity.quarantined, quarantine::table()));
        }
        if let Some(reason) = &entity.refused {
            output.note(&format!("{}: nothing was deleted: {reason}", entity.entity));
        }
    }
    Ok(())
}
