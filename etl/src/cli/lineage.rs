//! `connectwise-etl lineage`.

use std::process::ExitCode;

use clap::Args;
use connectwise_sdk::catalog::Entity;
use serde::Serialize;

use super::output::{Output, table};
use super::settings::Settings;
use crate::catalog;
use crate::contract::{Origin, SilverColumn, silver_columns};
use crate::error::{Error, Result};
use crate::gold;
use crate::lake::TableName;

/// Show where each column of a silver or gold table comes from
///
/// A column of gold comes from the columns that its values are computed from, a column of silver from a property of the
/// API. What rows are joined or filtered by is not shown. Nothing is read: the answer is that of the models.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  connectwise-etl lineage fact_timeentry
  connectwise-etl lineage silver_cw_agreement --json")]
pub(super) struct Lineage {
    /// Name of a silver or gold table
    table: String,
}

#[derive(Serialize)]
struct Column {
    column: String,
    from: Vec<String>,
    /// What the API calls the origins.
    api: Vec<String>,
}

impl Lineage {
    pub(super) async fn execute(self, settings: &Settings, output: &Output) -> Result<ExitCode> {
        let wanted = self.table.trim().to_ascii_lowercase();
        let columns = match silver(&wanted) {
            Some(entity) => silver_columns(entity).iter().map(|column| of_silver(entity, column)).collect(),
            None => of_gold(settings, &wanted).await?,
        };
        if output.is_json() {
            output.json(&columns)?;
        } else {
            let rows =
                columns.into_iter().map(|column| vec![column.column, column.from.join("\n"), column.api.join("\n")]);
            output.line(&table(&["column", "from", "property of the API"], &[], rows))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The entity of a silver table.
fn silver(table: &str) -> Option<&'static Entity> {
    catalog::entities().iter().find(|entity| TableName::silver(entity.table).name == table)
}

async fn of_gold(settings: &Settings, wanted: &str) -> Result<Vec<Column>> {
    let found = gold::lineage(&settings.lake()?, &settings.gold, catalog::entities(), wanted).await?;
    let columns = found.ok_or_else(|| {
        Error::usage(format!(
            "there is no silver or gold table {wanted:?}: silver tables are called silver_cw_<entity>, the gold tables are {}",
            gold::tables().join(", ")
        ))
    })?;
    Ok(columns
        .into_iter()
        .map(|(column, origins)| Column {
            column,
            api: origins.iter().filter_map(|(table, column)| property(table, column)).collect(),
            from: origins.into_iter().map(|(table, column)| format!("{table}.{column}")).collect(),
        })
        .collect())
}

fn property(table: &str, column: &str) -> Option<String> {
    let entity = silver(table)?;
    let columns = silver_columns(entity);
    of_silver(entity, columns.iter().find(|one| one.field.name() == column)?).api.pop()
}

fn of_silver(entity: &Entity, column: &SilverColumn) -> Column {
    let name = column.field.name().clone();
    let bronze = TableName::bronze(entity.table).name;
    let (from, api) = match &column.origin {
        Origin::Path(path, ..) => (path.join("."), Some(path.join("/"))),
        Origin::Audit(keys) => {
            let keys = keys.iter().map(|key| format!("_info/{key}"));
            ("_info".to_owned(), Some(keys.collect::<Vec<_>>().join(" or ")))
        }
        Origin::Technical => (name.clone(), None),
        Origin::Deleted => return Column { column: name, from: Vec::new(), api: Vec::new() },
    };
    Column {
        column: name,
        from: vec![format!("{bronze}.{from}")],
        api: api.map(|path| format!("{} {path}", entity.path)).into_iter().collect(),
    }
}
