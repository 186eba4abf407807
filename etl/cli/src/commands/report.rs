//! `connectwise-etl report`.

use std::io::Write;
use std::path::PathBuf;

use chrono::Utc;
use clap::Args;
use connectwise_pipeline::error::Result;

use crate::error;
use crate::output::Output;
use crate::report;
use crate::settings::Settings;
use crate::target::{Target, disk};
use crate::tasks;

/// Write one HTML page about the lakehouse: freshness, runs, data tests, drift, and what gold says
///
/// The page is one file without script that needs no network. It holds names of members and companies: share it as you would
/// share the tables.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  connectwise-etl report
  connectwise-etl report --output /var/www/lakehouse.html")]
pub(crate) struct Report {
    /// File to write
    #[arg(long, short, value_name = "FILE", default_value = "report.html")]
    output: PathBuf,
}

impl Report {
    pub(crate) async fn execute(self, settings: &Settings, output: &Output) -> Result<u8> {
        let lake = settings.lake()?;
        settings.note_foreign(&lake, output).await;
        let catalog = tasks::measures(settings).await?;
        let mut target = Target::open(Some(&self.output), output).await?;
        let Some(page) = report::html(&lake, &catalog, Utc::now()).await? else {
            return Err(error::no_run_yet(lake.root()));
        };
        target.write_all(page.as_bytes()).map_err(|error| disk(target.name(), error))?;
        target.finish()?;
        if output.is_json() {
            let shown = output.json(&serde_json::json!({ "output": self.output, "bytes": page.len() }));
            return Ok(output.done(shown, 0));
        }
        output.note(&format!("the page is in {}", self.output.display()));
        Ok(0)
    }
}
