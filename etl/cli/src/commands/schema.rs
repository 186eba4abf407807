//! `connectwise-etl schema`.

use clap::Args;
use connectwise_lakehouse::Layer;
use connectwise_pipeline::error::Result;

use crate::output::{Output, table};
use crate::settings::Settings;
use crate::tasks::{self, Column, named_layer};

/// Show the columns of a table, or without a name all tables
///
/// Columns of custom fields are those that the tables of the lakehouse have.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  connectwise-etl schema
  connectwise-etl schema Contact --layer silver     with what the privacy policy makes of each column
  connectwise-etl schema silver_cw_agreement_history
  connectwise-etl schema TimeEntry --layer bronze
  connectwise-etl schema fact_timeentry             with what each column is
  connectwise-etl schema fact_timeentry --layer gold --json")]
pub(crate) struct Schema {
    /// Entity, or the name of a gold table or one of the ledger; all tables if left out
    entity: Option<String>,
    /// Layer: bronze, silver, gold, or etl for the ledger [default: that of the table, silver for entities, all for the list]
    #[arg(long)]
    layer: Option<String>,
}

impl Schema {
    pub(crate) async fn execute(self, settings: &Settings, output: &Output) -> Result<u8> {
        let layer = self.layer.as_deref().map(named_layer).transpose()?;
        match self.entity {
            Some(name) => show(&tasks::columns(settings, &name, layer).await?, output)?,
            None => list(layer, settings, output)?,
        }
        Ok(0)
    }
}

fn show(columns: &[Column], output: &Output) -> Result<()> {
    if output.is_json() {
        return output.json(columns);
    }
    let has_policy = columns.iter().any(|column| column.policy.is_some());
    let is_described = columns.iter().any(|column| column.description.is_some());
    let rows = columns.iter().map(|column| {
        let nullable = if column.nullable == Some(false) { "not null" } else { "" };
        let data_type = column.data_type.as_deref().unwrap_or("-");
        let mut row = vec![column.name.clone(), data_type.to_owned(), nullable.to_owned()];
        if has_policy {
            let policy = column.policy.unwrap_or_default();
            row.push(match &column.custom_field {
                Some(custom) => format!("{policy}, custom field {} {:?}", custom.id, custom.caption),
                None if column.personal == Some(true) => format!("personal: {policy}"),
                None => policy.to_owned(),
            });
        }
        if is_described {
            row.push(column.description.clone().unwrap_or_default());
        }
        row
    });
    let headers: &[&str] = match (has_policy, is_described) {
        (true, _) => &["column", "type", "", "policy"],
        (false, true) => &["column", "type", "", "description"],
        (false, false) => &["column", "type", ""],
    };
    output.line(&table(headers, &[], rows))
}

/// Every table that the layers can have, and the entity it is made from.
fn list(layer: Option<Layer>, settings: &Settings, output: &Output) -> Result<()> {
    let tables = tasks::tables(settings, layer)?;
    if output.is_json() {
        return output.json(&tables);
    }
    let rows = tables.into_iter().map(|one| {
        let mut row = vec![one.table, one.layer, one.entity.unwrap_or_default().to_owned()];
        if layer == Some(Layer::Silver) {
            row.push(one.privacy);
        }
        row
    });
    let headers: &[&str] = match layer {
        Some(Layer::Silver) => &["table", "layer", "entity", "privacy policy"],
        _ => &["table", "layer", "entity"],
    };
    output.line(&table(headers, &[], rows))
}
