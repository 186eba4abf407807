//! `connectwise-etl quarantine`.

use chrono::Utc;
use clap::Args;
use connectwise_pipeline::error::Result;
use connectwise_pipeline::quarantine::{self, Record};

use super::status::minute;
use crate::error;
use crate::output::{Output, table};
use crate::settings::Settings;

/// List records that can't be rows, or say that they may stay as they are
///
/// A record is open until it is mended at the source, where the next run finds it by itself, or acknowledged. While one is open,
/// every run ends with exit code 1. An acknowledged record that changes at the source and still can't be a row is open again.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  connectwise-etl quarantine                        the open records, and the ids to acknowledge them by
  connectwise-etl quarantine --acknowledge -7351926204512339761,48120
  connectwise-etl quarantine --all                  acknowledge all that are open
  connectwise-etl query \"select * from bronze_cw_quarantine where closed is null\"")]
pub(crate) struct Quarantine {
    /// Say of these open records that they may stay as they are: their ids, comma-separated
    #[arg(long, value_name = "ID", value_delimiter = ',', allow_hyphen_values = true)]
    acknowledge: Vec<String>,
    /// Say so of all that are open
    #[arg(long, conflicts_with = "acknowledge")]
    all: bool,
}

impl Quarantine {
    pub(crate) async fn execute(self, settings: &Settings, output: &Output) -> Result<u8> {
        let number = |text: &String| text.trim().parse::<i64>().map_err(|_| error::no_quarantine_id(text));
        let ids = self.acknowledge.iter().map(number).collect::<Result<Vec<_>>>()?;
        if ids.is_empty() && !self.all {
            return show(&quarantine::open(&settings.lake()?).await?, output);
        }
        let lake = settings.own_lake().await?;
        let wanted = (!self.all).then_some(ids.as_slice());
        let run_id = uuid::Uuid::now_v7().to_string();
        let acknowledged = quarantine::acknowledge(&lake, wanted, &run_id, Utc::now()).await?;
        if output.is_json() {
            output.json(&serde_json::json!({ "acknowledged": acknowledged }))?;
        } else {
            output.line(&match acknowledged.len() {
                0 => "no record of the quarantine is open".to_owned(),
                1 => "1 record is acknowledged".to_owned(),
                count => format!("{count} records are acknowledged"),
            })?;
        }
        Ok(0)
    }
}

fn show(open: &[Record], output: &Output) -> Result<u8> {
    if output.is_json() {
        output.json(&serde_json::json!({ "open": open }))?;
        return Ok(0);
    }
    if open.is_empty() {
        output.line("no record of the quarantine is open")?;
        return Ok(0);
    }
    let rows = open.iter().map(|record| {
        vec![
            record.quarantine_id.to_string(),
            record.entity.clone(),
            record.record_id.map(|key| key.to_string()).unwrap_or_default(),
            minute(record.since),
            record.reason.clone(),
        ]
    });
    output.line(&table(&["id", "entity", "record", "since", "why it can't be a row"], &[0, 2], rows))?;
    Ok(0)
}
