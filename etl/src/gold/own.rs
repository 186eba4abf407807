//! Models of a user's own project: SQL files in a folder with their metadata beside them, which join the graph of the built-in
//! ones. A custom table needs no fork.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema};
use chrono::Utc;
use connectwise_sdk::catalog::Entity;
use datafusion::prelude::SessionContext;

use super::config::GoldConfig;
use super::model::{self, Model, ModelKind};
use super::{functions, lookups, plan, write};
use crate::catalog;
use crate::contract;
use crate::error::{Error, Result};
use crate::lake::{Lake, TableName};

/// The file with the metadata, beside the SELECTs.
const METADATA: &str = "models.toml";

/// The models of a folder, as they were read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OwnModels {
    folder: PathBuf,
    metadata: String,
    sql: BTreeMap<String, String>,
}

impl OwnModels {
    /// Reads a folder: `models.toml` and one `<name>.sql` for each model that it declares. A folder without SQL files has
    /// no models, and one that doesn't exist neither.
    ///
    /// # Errors
    /// [`Kind::Usage`](crate::error::Kind::Usage) when a file can't be read.
    pub fn read(folder: &Path) -> Result<Self> {
        let mut own = Self { folder: folder.to_owned(), ..Self::default() };
        let unreadable = |path: &Path, error: std::io::Error| {
            Error::usage(format!("{} can't be read: {error}", path.display())).with_source(error)
        };
        if !folder.try_exists().map_err(|error| unreadable(folder, error))? {
            return Ok(own);
        }
        for entry in std::fs::read_dir(folder).map_err(|error| unreadable(folder, error))? {
            let path = entry.map_err(|error| unreadable(folder, error))?.path();
            let is_sql = path.extension().is_some_and(|end| end == "sql");
            if let (true, Some(name)) = (is_sql, path.file_stem().and_then(|name| name.to_str())) {
                let sql = std::fs::read_to_string(&path).map_err(|error| unreadable(&path, error))?;
                own.sql.insert(name.to_owned(), sql);
            }
        }
        let metadata = own.metadata_file();
        if metadata.is_file() {
            own.metadata = std::fs::read_to_string(&metadata).map_err(|error| unreadable(&metadata, error))?;
        }
        Ok(own)
    }

    fn metadata_file(&self) -> PathBuf {
        self.folder.join(METADATA)
    }

    fn file(&self, model: &str) -> String {
        self.folder.join(format!("{model}.sql")).display().to_string()
    }

    /// The tables that the models may have: one that is no table of its own, or was never built, isn't there.
    pub(crate) fn tables(&self) -> impl Iterator<Item = TableName> {
        self.sql.keys().map(|name| TableName::gold(name))
    }

    /// What the models are made of, for telling that they changed.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.metadata.as_str()).chain(self.sql.values().map(String::as_str))
    }

    /// The models behind those that are built in, each after what it reads.
    pub(super) fn join(&self, built_in: Vec<Model>) -> Result<Vec<Model>> {
        let metadata = self.metadata_file().display().to_string();
        let own = model::declared(&self.metadata, |name| self.sql.get(name).cloned())
            .map_err(|error| Error::usage(format!("{metadata} is wrong: {}", error.report())))?;
        let mut taken: BTreeSet<String> = built_in.iter().map(|model| model.name.to_lowercase()).collect();
        taken.extend(lookups::NAMES.iter().map(|name| (*name).to_owned()));
        taken.insert(super::keys::TABLE.to_owned());
        for model in &own {
            let name = model.name.as_str();
            let wrong = |what: String| Err(Error::usage(format!("{metadata} declares {name}, {what}")));
            if model.sql.is_empty() {
                return wrong(format!("and there is no {}", self.file(name)));
            }
            if name.to_lowercase().starts_with("silver_cw_") || !taken.insert(name.to_lowercase()) {
                return wrong("a name that is taken: call the model and its file something else".to_owned());
            }
            if model.kind == ModelKind::Calendar {
                return wrong("a calendar, and there is only the one that is built in".to_owned());
            }
            if model.kind == ModelKind::Kept {
                return wrong("as kept, and only models that are built in are: make it a lookup".to_owned());
            }
            if model.is_table() && model.schema.field_with_name(&model.key).is_err() {
                return wrong(format!("with the key {:?}, which is none of its columns", model.key));
            }
            if model.kind == ModelKind::Dimension && model.schema.field_with_name(&model.natural).is_err() {
                return wrong(format!("with the natural key {:?}, which is none of its columns", model.natural));
            }
            let tables = catalog::entities().iter().map(|entity| entity.table).collect::<BTreeSet<_>>();
            if let Some(input) = model.inputs.iter().find(|input| !tables.contains(input.as_str())) {
                return wrong(format!("with the input {input:?}, which is no entity of the lake"));
            }
        }
        if let Some(name) = self.sql.keys().find(|name| own.iter().all(|model| model.name != **name)) {
            return Err(Error::usage(format!(
                "{} is declared nowhere: add a [[model]] {name} to {metadata}",
                self.file(name)
            )));
        }
        let mut models = built_in;
        let circle = |error: Error| {
            let files: Vec<String> = error.to_string().split(" and ").map(|name| self.file(name)).collect();
            Error::usage(format!("{} read each other in a circle", files.join(" and ")))
        };
        for mut model in plan::ordered(own).map_err(circle)? {
            model.own = true;
            model.inputs = inputs(&model, &models);
            if model.source.is_empty() {
                model.source = model.inputs.first().map_or_else(String::new, |input| TableName::silver(input).name);
            }
            models.push(model);
        }
        Ok(models)
    }

    /// Plans each model over empty tables, so that what can't work is known before anything is touched.
    pub(super) async fn check(&self, lake: &Lake, config: &GoldConfig) -> Result<()> {
        if self.sql.is_empty() && self.metadata.is_empty() {
            return Ok(());
        }
        let session = empty_tables(lake, catalog::entities(), config).await?;
        for model in model::all(config)? {
            let schema = if model.kind == ModelKind::Calendar {
                model.schema.clone()
            } else {
                let wrong = |why: String| Error::usage(format!("{} can't work: {why}", self.file(&model.name)));
                let frame = session.sql(&model.sql).await;
                let frame = frame.map_err(|error| wrong(crate::lake::sql_error(error).to_string()))?;
                let planned = frame.schema().inner().clone();
                if model.is_table() {
                    write::conform(&model, frame).map_err(|error| wrong(error.report()))?;
                    model.schema.clone()
                } else {
                    planned
                }
            };
            lookups::register(&session, &model.name, RecordBatch::new_empty(schema))?;
        }
        Ok(())
    }
}

/// A session with every silver table and lookup, all of them empty.
pub(super) async fn empty_tables(lake: &Lake, entities: &[Entity], config: &GoldConfig) -> Result<SessionContext> {
    let session = lake.session()?;
    functions::register(&session);
    for entity in entities {
        let silver = TableName::silver(entity.table).name;
        lookups::register(&session, &silver, RecordBatch::new_empty(contract::silver(entity)))?;
    }
    // What the lookups read of the models, until these are planned.
    let names = Arc::new(Schema::new(vec![Field::new("typeName", DataType::Utf8, true)]));
    lookups::register(&session, "agreementtype_names", RecordBatch::new_empty(names))?;
    lookups::register_all(&session, &config.classifier()?, config, Utc::now()).await?;
    Ok(session)
}

/// Entities that a model depends on: those that it names, those of the silver tables that it reads, and those of the models.
pub(super) fn inputs(model: &Model, before: &[Model]) -> Vec<String> {
    let mut inputs: BTreeSet<String> = model.inputs.iter().cloned().collect();
    let silver = catalog::entities().iter().filter(|entity| model.reads(&TableName::silver(entity.table).name));
    inputs.extend(silver.map(|entity| entity.table.to_owned()));
    for other in before.iter().filter(|other| model.reads(&other.name)) {
        inputs.extend(if other.is_table() {
            other.inputs.clone()
        } else {
            self::inputs(other, before_of(other, before))
        });
    }
    for lookup in lookups::NAMES.iter().filter(|lookup| model.reads(lookup)) {
        inputs.extend(lookups::inputs_of(lookup).iter().map(|input| (*input).to_owned()));
    }
    inputs.into_iter().collect()
}

fn before_of<'a>(model: &Model, models: &'a [Model]) -> &'a [Model] {
    let at = models.iter().position(|one| one.name == model.name).unwrap_or_default();
    models.get(..at).unwrap_or_default()
}
