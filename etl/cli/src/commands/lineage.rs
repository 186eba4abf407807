//! `connectwise-etl lineage`.

use clap::Args;
use connectwise_extract::catalog;
use connectwise_extract::contract::{Origin, RESCUED, SilverColumn, silver_columns};
use connectwise_lakehouse::TableName;
use connectwise_pipeline::error::Result;
use connectwise_pipeline::gold;
use connectwise_pipeline::silver::{self, CustomField};
use connectwise_sdk::catalog::Entity;
use serde::Serialize;

use crate::error;
use crate::output::{Output, table};
use crate::settings::Settings;
use crate::tasks::{custom_fields, history_of};

/// Show where each column of a silver or gold table comes from
///
/// A column of gold comes from the columns that its values are computed from, a column of silver from a property of the
/// API. What rows are joined or filtered by is not shown. The answer is that of the models, and for the columns of custom fields
/// that of the tables in the lakehouse; no row is read.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  connectwise-etl lineage fact_timeentry
  connectwise-etl lineage silver_cw_agreement --json
  connectwise-etl lineage silver_cw_agreement_history")]
pub(crate) struct Lineage {
    /// Name of a silver or gold table
    table: String,
}

#[derive(Serialize)]
struct LineageColumn {
    column: String,
    from: Vec<String>,
    /// What the API calls the origins.
    api: Vec<String>,
}

impl Lineage {
    pub(crate) async fn execute(self, settings: &Settings, output: &Output) -> Result<u8> {
        let wanted = self.table.trim().to_ascii_lowercase();
        let columns = if let Some(entity) = entity_of(&wanted) {
            let custom = custom_fields(settings, &TableName::silver(entity.table)).await;
            let declared = silver_columns(entity);
            let declared = declared.iter().chain(settings.extra.of(entity)).map(|column| of_silver(entity, column));
            declared.chain(custom.iter().map(|custom| of_custom(entity, custom))).collect()
        } else if let Some(entity) = history_of(&wanted) {
            of_history(settings, entity).await?
        } else {
            of_gold(settings, &wanted).await?
        };
        if output.is_json() {
            output.json(&columns)?;
        } else {
            let rows =
                columns.into_iter().map(|column| vec![column.column, column.from.join("\n"), column.api.join("\n")]);
            output.line(&table(&["column", "from", "property of the API"], &[], rows))?;
        }
        Ok(0)
    }
}

/// The entity of a silver table.
fn entity_of(table: &str) -> Option<&'static Entity> {
    catalog::entities().iter().find(|entity| TableName::silver(entity.table).name == table)
}

/// A history has the columns of its entity's silver table, and those that say when a version was valid.
async fn of_history(settings: &Settings, entity: &Entity) -> Result<Vec<LineageColumn>> {
    let source = TableName::silver(entity.table).name;
    let declared = silver::history::schema(entity, &settings.keyed_privacy()?, &settings.extra)?;
    let custom = custom_fields(settings, &silver::history::table(entity)).await;
    let names = declared.fields().iter().map(|field| field.name().clone());
    let columns = names.chain(custom.iter().map(|custom| custom.field.name().clone())).map(|column| {
        let of = |name: &str| match custom.iter().find(|custom| custom.field.name() == name) {
            Some(custom) => of_custom(entity, custom).api,
            None => property(settings, &source, name).into_iter().collect(),
        };
        let origins = silver::history::origins(entity, &column).unwrap_or_else(|| vec![column.as_str()]);
        let from = origins.iter().map(|name| format!("{source}.{name}")).collect();
        let api = origins.iter().flat_map(|name| of(name)).collect();
        LineageColumn { column: column.clone(), from, api }
    });
    Ok(columns.collect())
}

fn of_custom(entity: &Entity, custom: &CustomField) -> LineageColumn {
    let bronze = TableName::bronze(entity.table).name;
    LineageColumn {
        column: custom.field.name().clone(),
        from: vec![format!("{bronze}.customFields")],
        api: vec![format!("{} customFields (field {} {:?})", entity.path, custom.id, custom.caption)],
    }
}

async fn of_gold(settings: &Settings, wanted: &str) -> Result<Vec<LineageColumn>> {
    let found = gold::lineage(&settings.lake()?, &settings.gold, catalog::entities(), wanted).await?;
    let tables = gold::tables()?;
    let columns = found.ok_or_else(|| error::no_lineage(wanted, &tables))?;
    Ok(columns
        .into_iter()
        .map(|(column, origins)| LineageColumn {
            column,
            api: origins.iter().filter_map(|(table, column)| property(settings, table, column)).collect(),
            from: origins.into_iter().map(|(table, column)| format!("{table}.{column}")).collect(),
        })
        .collect())
}

fn property(settings: &Settings, table: &str, column: &str) -> Option<String> {
    let entity = entity_of(table)?;
    let columns = silver_columns(entity);
    let mut columns = columns.iter().chain(settings.extra.of(entity));
    of_silver(entity, columns.find(|one| one.field.name() == column)?).api.pop()
}

fn of_silver(entity: &Entity, column: &SilverColumn) -> LineageColumn {
    let name = column.field.name().clone();
    let bronze = TableName::bronze(entity.table).name;
    let (from, api) = match &column.origin {
        Origin::Path(path, ..) => (path.join("."), Some(path.join("/"))),
        Origin::Audit(keys) => {
            let keys = keys.iter().map(|key| format!("_info/{key}"));
            ("_info".to_owned(), Some(keys.collect::<Vec<_>>().join(" or ")))
        }
        Origin::Rescued(path, _) => (RESCUED.to_owned(), Some(path.join("/"))),
        Origin::Technical => (name.clone(), None),
        Origin::Deleted => return LineageColumn { column: name, from: Vec::new(), api: Vec::new() },
    };
    LineageColumn {
        column: name,
        from: vec![format!("{bronze}.{from}")],
        api: api.map(|path| format!("{} {path}", entity.path)).into_iter().collect(),
    }
}
