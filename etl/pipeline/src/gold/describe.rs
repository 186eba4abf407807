//! What the columns of gold tables are, for people: as the files of the models say, or as their names do.

use std::collections::BTreeMap;

use super::model::{self, BATCH_ID, Model, ModelKind, PROCESSED_AT, SOURCE};
use crate::error::Result;

/// What each column of a gold table is, by name of the column; empty when there is no table of that name.
///
/// # Errors
/// [`Kind::Contract`](crate::error::Kind::Contract) when the models' metadata can't be read.
pub fn descriptions(table: &str) -> Result<BTreeMap<String, String>> {
    let models = model::models()?;
    let Some(model) = models.iter().find(|model| model.is_table() && model.name == table) else {
        return Ok(BTreeMap::new());
    };
    let names = model.schema.fields().iter().map(|field| field.name());
    Ok(names.filter_map(|name| Some((name.clone(), description(models, model, name)?))).collect())
}

/// What a column of a model's table is. Its file doesn't say it of the columns that the runner adds, of keys of dimensions and of days.
fn description(models: &[Model], model: &Model, column: &str) -> Option<String> {
    if let Some(text) = model.described.get(column) {
        return Some(text.clone());
    }
    let text = match column {
        PROCESSED_AT => "when the run began that wrote the row",
        SOURCE => "the silver table that the row is made from",
        BATCH_ID => "the run that wrote the row, as in etl_runs",
        key if key == model.key && model.kind == ModelKind::Calendar => "the day as yyyymmdd",
        key if key == model.key && model.kind == ModelKind::Dimension => {
            "surrogate key, which a member keeps for good; -1 is the unknown member"
        }
        day if day.ends_with("DateSK") => "a day as yyyymmdd, the key of dimdate",
        key => {
            let of = models.iter().find(|other| other.kind == ModelKind::Dimension && other.key == key)?;
            return Some(format!("key of {}, -1 where nobody says which", of.name));
        }
    };
    Some(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_of_a_table_is_described() {
        let models = model::models().unwrap();
        for model in models.iter().filter(|model| model.is_table()) {
            for field in model.schema.fields() {
                let text = description(models, model, field.name());
                let text = text.unwrap_or_else(|| panic!("{}: {}", model.name, field.name()));
                assert!(!text.is_empty() && text.len() <= 120 && !text.ends_with('.'), "{}: {text}", model.name);
            }
            let unknown = model.described.keys().find(|name| model.schema.field_with_name(name).is_err());
            assert_eq!(unknown, None, "{}", model.name);
        }
    }
}
