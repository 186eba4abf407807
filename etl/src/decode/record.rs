//! Records into batches, one batch a page.

use arrow::array::RecordBatch;
use arrow::datatypes::{FieldRef, SchemaRef};
use connectwise_sdk::catalog::Entity;
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};
use serde_arrow::ArrayBuilder;
use serde_json::value::RawValue;
use twox_hash::XxHash3_64;

use super::cell::Cell;
use super::shape::{Object, Shape};
use super::walk::walk;
use crate::contract;
use crate::error::{Error, Kind, Result};
use crate::privacy::{Redactor, SecretStorage};

/// Turns the records of one entity into batches of its bronze schema.
pub struct Decoder {
    entity: &'static Entity,
    schema: SchemaRef,
    shape: Shape,
    builder: ArrayBuilder,
    key: usize,
    run_id: String,
    started_micros: i64,
    rescued: u64,
    redactor: Option<Redactor>,
    /// The row that the records hang on, where the entity's lists hang on rows.
    parent: Option<i64>,
}

/// A record that can't be a row: it has no usable key, isn't an object, or isn't JSON to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// The record as it came.
    pub text: String,
    /// Why it can't be a row.
    pub reason: String,
}

impl Decoder {
    /// A decoder for `entity`, whose rows carry the run and its start.
    ///
    /// # Errors
    /// [`Kind::Contract`] when the entity's columns can't be built, which is a fault of the catalogue.
    pub fn new(entity: &'static Entity, run_id: &str, started: chrono::DateTime<chrono::Utc>) -> Result<Self> {
        let schema = contract::bronze(entity);
        let fault =
            |why: String| Error::new(Kind::Contract, format!("the columns of {} can't be built: {why}", entity.name));
        let fields: Vec<FieldRef> = schema.fields().iter().cloned().collect();
        let builder = ArrayBuilder::from_arrow(&fields).map_err(|error| fault(error.to_string()))?;
        let object = Object::new(entity.columns);
        let key = object.position(entity.key, 0).ok_or_else(|| fault(format!("there is no column {}", entity.key)))?;
        let started_micros = started.timestamp_micros();
        Ok(Self {
            entity,
            schema,
            shape: Shape::Object(object),
            builder,
            key,
            run_id: run_id.to_owned(),
            started_micros,
            rescued: 0,
            redactor: None,
            parent: entity.parent().map(|_| 0),
        })
    }

    /// Where secrets may be stored: they are taken out of rows and rejected records alike where that is nowhere.
    #[must_use]
    pub fn storing(mut self, secrets: SecretStorage) -> Self {
        self.redactor = (secrets == SecretStorage::Nowhere).then(|| Redactor::new(self.entity));
        self
    }

    /// The schema of the batches.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Says on which row the records hang that are pushed from here on. Only for entities whose lists hang on rows.
    pub fn below(&mut self, parent: i64) {
        self.parent = self.parent.map(|_| parent);
    }

    /// Rows so far with something in `_rescued`.
    pub fn rescued(&self) -> u64 {
        self.rescued
    }

    /// Adds a record and gives its key, or says why it can't be a row.
    ///
    /// # Errors
    /// The outer error is [`Kind::Contract`], and a fault of this crate: a cell that fits its column was refused.
    pub fn push(&mut self, record: &RawValue) -> Result<std::result::Result<i64, Rejected>> {
        let text = record.get();
        let kept = || self.redactor.as_ref().map_or_else(|| text.to_owned(), |redactor| redactor.record(text));
        let reject = |reason: String| Ok(Err(Rejected { text: kept(), reason }));
        let (cell, rescue) = match walk(&self.shape, text) {
            Ok(walked) => walked,
            Err(error) => return reject(format!("the record isn't readable JSON: {error}")),
        };
        let Cell::Object(object, cells) = cell else {
            return reject("the record isn't an object".to_owned());
        };
        let key = match cells.get(self.key) {
            Some(Cell::Int32(key)) => i64::from(*key),
            Some(Cell::Int64(key)) => *key,
            _ => return reject(format!("the record has no usable key in /{}", self.entity.key)),
        };
        let rescued = rescue.into_text();
        self.rescued += u64::from(rescued.is_some());
        let row = Row {
            object,
            cells: &cells,
            rescued: rescued.as_deref(),
            started_micros: self.started_micros,
            entity: self.entity.name,
            run_id: &self.run_id,
            parent: self.parent,
            content_hash: XxHash3_64::oneshot_with_seed(self.seed(), text.as_bytes()).cast_signed(),
        };
        self.builder.push(&row).map_err(|error| {
            Error::new(Kind::Contract, format!("{} {key} doesn't fit its own columns", self.entity.name))
                .with_source(error)
        })?;
        Ok(Ok(key))
    }

    /// What a row is beside its record's text: whoever moves to another parent has changed, and a row with secrets and one
    /// without differ, so that a changed policy reaches rows whose record is what it was.
    fn seed(&self) -> u64 {
        let redacted = u64::from(self.redactor.is_some()) << 63;
        self.parent.unwrap_or_default().cast_unsigned() ^ redacted
    }

    /// The rows pushed since the last batch.
    ///
    /// # Errors
    /// [`Kind::Contract`], a fault of this crate.
    pub fn batch(&mut self) -> Result<RecordBatch> {
        let fault = |error: Box<dyn std::error::Error + Send + Sync>| {
            Error::new(Kind::Contract, format!("a batch of {} can't be built", self.entity.name)).with_source(error)
        };
        let built = self.builder.to_record_batch().map_err(|error| fault(Box::new(error)))?;
        let batch = RecordBatch::try_new(self.schema.clone(), built.columns().to_vec())
            .map_err(|error| fault(Box::new(error)))?;
        self.redactor.as_ref().map_or(Ok(batch.clone()), |redactor| redactor.batch(&batch))
    }
}

struct Row<'a, 'de, 's> {
    object: &'s Object,
    cells: &'a [Cell<'de, 's>],
    rescued: Option<&'a str>,
    started_micros: i64,
    entity: &'static str,
    run_id: &'a str,
    parent: Option<i64>,
    content_hash: i64,
}

impl Serialize for Row<'_, '_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut row = serializer.serialize_struct("row", self.cells.len() + 6)?;
        for ((name, _), cell) in self.object.properties.iter().zip(self.cells) {
            row.serialize_field(name, cell)?;
        }
        if let Some(parent) = self.parent {
            row.serialize_field(contract::PARENT_ID, &parent)?;
        }
        row.serialize_field(contract::RESCUED, &self.rescued)?;
        row.serialize_field(contract::TIMESTAMP, &self.started_micros)?;
        row.serialize_field(contract::ENTITY, self.entity)?;
        row.serialize_field(contract::RUN_ID, self.run_id)?;
        row.serialize_field(contract::CONTENT_HASH, &self.content_hash)?;
        row.end()
    }
}
