//! Models of a user's own project: SQL files in a folder with their metadata beside them, which join the graph of the built-in
//! ones. A custom table needs no fork.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema};
use chrono::Utc;
use connectwise_extract::catalog;
use connectwise_lakehouse::{Lake, TableName};
use connectwise_sdk::catalog::Entity;
use datafusion::prelude::SessionContext;

use super::config::GoldConfig;
use super::inputs::{contract_of, readable};
use super::model::Model;
use super::plan::{self, Ring};
use super::{declared, functions, lookups, metadata};
use crate::error::{Error, Result};

/// The file with the metadata, beside the SELECTs.
const METADATA: &str = "models.toml";
/// The file with measures and saved questions.
const MEASURES: &str = "measures.toml";
/// Bytes that a file may have.
const LARGEST: u64 = 1024 * 1024;

/// The models of a folder, as they were read, and the measures beside them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OwnModels {
    folder: PathBuf,
    metadata: String,
    measures: String,
    sql: BTreeMap<String, String>,
}

impl OwnModels {
    /// Reads a folder: `models.toml` and one `<name>.sql` for each model that it declares. A folder without SQL files has
    /// no models, and one that doesn't exist neither. `measures.toml` is read with them.
    ///
    /// # Errors
    /// [`Kind::Usage`](crate::error::Kind::Usage) when a file can't be read.
    pub fn read(folder: &Path) -> Result<Self> {
        let mut own = Self { folder: folder.to_owned(), ..Self::default() };
        let unreadable = |error: std::io::Error| Error::unread_project(folder, error);
        if !folder.try_exists().map_err(unreadable)? {
            return Ok(own);
        }
        for entry in std::fs::read_dir(folder).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            let is_sql = path.extension().is_some_and(|end| end == "sql");
            if let (true, Some(name)) = (is_sql, path.file_stem().and_then(|name| name.to_str())) {
                own.sql.insert(name.to_owned(), text(&path)?);
            }
        }
        let metadata = own.metadata_file();
        if metadata.is_file() {
            own.metadata = text(&metadata)?;
        }
        let (measures, _) = own.measures();
        if measures.is_file() {
            own.measures = text(&measures)?;
        }
        Ok(own)
    }

    /// The file with the measures, and its text: empty where there is none.
    pub(crate) fn measures(&self) -> (PathBuf, &str) {
        (self.folder.join(MEASURES), &self.measures)
    }

    pub(super) fn metadata_file(&self) -> PathBuf {
        self.folder.join(METADATA)
    }

    pub(super) fn file(&self, model: &str) -> String {
        self.folder.join(format!("{model}.sql")).display().to_string()
    }

    /// The SELECT of a model, `None` where there is no file of its name.
    pub(super) fn sql(&self, model: &str) -> Option<&str> {
        self.sql.get(model).map(String::as_str)
    }

    /// Names of the SQL files.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.sql.keys().map(String::as_str)
    }

    /// Whether there is nothing to be looked at.
    pub(super) fn is_empty(&self) -> bool {
        self.sql.is_empty() && self.metadata.is_empty()
    }

    /// The tables that the models may have: one that is no table of its own, or was never built, isn't there.
    pub(crate) fn tables(&self) -> impl Iterator<Item = TableName> {
        self.names().filter(|name| TableName::is_name(name)).map(TableName::gold)
    }

    /// What the models are made of, for telling that they changed.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.metadata.as_str()).chain(self.sql.values().map(String::as_str))
    }

    /// The models behind those that are built in, each after what it reads.
    pub(super) fn join(&self, built_in: Vec<Model>) -> Result<Vec<Model>> {
        let own = metadata::declared(&self.metadata, |name| self.sql.get(name).cloned())
            .map_err(|error| Error::wrong_file(&self.metadata_file(), error.report()))?;
        let problems = declared::problems(self, &own, &built_in);
        if !problems.is_empty() {
            return Err(Error::own_models(&problems));
        }
        let mut models = built_in;
        let ring = |ring: Ring| {
            let files: Vec<String> = ring.0.iter().map(|name| self.file(name)).collect();
            Error::own_ring(&files)
        };
        for mut model in plan::ordered(own).map_err(ring)? {
            model.own = true;
            model.inputs = inputs(&model, &models);
            if model.source.is_empty() {
                model.source = model.inputs.first().map_or_else(String::new, |input| TableName::silver(input).name);
            }
            models.push(model);
        }
        Ok(models)
    }
}

/// A file's text in lines of today: without the mark that some editors put in front, and with the line ends of all others.
fn text(path: &Path) -> Result<String> {
    let unreadable = |error: std::io::Error| Error::unread_project(path, error);
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > LARGEST {
        return Err(Error::large_file(path));
    }
    let text = String::from_utf8(bytes).map_err(|_| Error::no_utf8(path))?;
    Ok(text.trim_start_matches('\u{feff}').replace("\r\n", "\n"))
}

/// A session with every silver table and lookup, all of them empty.
pub(super) async fn empty_tables(lake: &Lake, entities: &[Entity], config: &GoldConfig) -> Result<SessionContext> {
    let session = lake.session()?;
    functions::register(&session);
    for input in readable(entities) {
        if let Some(contract) = contract_of(entities, &input) {
            lookups::register(&session, &TableName::silver(&input).name, RecordBatch::new_empty(contract))?;
        }
    }
    // What the lookups read of the models, until these are planned.
    let names = Arc::new(Schema::new(vec![Field::new("typeName", DataType::Utf8, true)]));
    lookups::register(&session, "agreementtype_names", RecordBatch::new_empty(names))?;
    lookups::register_all(&session, config.classifier()?.as_ref(), config, config.day_of(Utc::now())?).await?;
    Ok(session)
}

/// Silver tables that a model depends on, as inputs: those that it names, those that it reads, and those of the models.
pub(super) fn inputs(model: &Model, before: &[Model]) -> Vec<String> {
    let mut inputs: BTreeSet<String> = model.inputs.iter().cloned().collect();
    let silver = readable(catalog::entities());
    inputs.extend(silver.filter(|input| model.reads(&TableName::silver(input).name)));
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
    let at = models.iter().position(|one| one.name == model.name);
    // Nothing is before a model that isn't among them.
    at.map_or(&[], |at| &models[..at])
}
