//! Records into batches, one batch a page.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use connectwise_sdk::RecordText;
use connectwise_sdk::catalog::Entity;
use twox_hash::XxHash3_64;

use super::column::Object;
use super::technical::Technical;
use super::walk::walk;
use crate::contract;
use crate::error::{Error, Result};
use crate::privacy::{Redactor, SecretStorage};

/// Turns the records of one entity into batches of its bronze schema.
pub struct Decoder {
    entity: &'static Entity,
    schema: SchemaRef,
    columns: Object,
    technical: Technical,
    /// Position of the key among the columns.
    key: usize,
    rescued: u64,
    redactor: Option<Redactor>,
    /// The row that the records hang on, where the entity's lists hang on rows.
    parent: Option<i64>,
}

/// A record that can't be a row: it has no usable key, isn't an object, isn't text, or isn't JSON to its end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rejected {
    /// The record as it came, but for bytes that are no text.
    pub text: String,
    /// Why it can't be a row.
    pub reason: String,
    /// Its key, where that can be read all the same.
    pub key: Option<i64>,
    /// The row that it hangs on, where the entity's lists hang on rows.
    pub parent: Option<i64>,
    /// The key before it in the list, which is in the order of keys; `None` at its start or where nobody knows.
    pub after: Option<i64>,
    /// The key behind it.
    pub before: Option<i64>,
}

impl Decoder {
    /// A decoder for `entity`, whose rows carry the run and its start.
    ///
    /// # Errors
    /// [`Kind::Contract`](crate::error::Kind::Contract) when the entity's columns can't be built, which is a fault of the catalogue.
    pub fn new(entity: &'static Entity, run_id: &str, started: chrono::DateTime<chrono::Utc>) -> Result<Self> {
        let mut columns = Object::new(entity.columns);
        let key = columns.position(entity.key, None).ok_or_else(|| Error::no_key_column(entity))?;
        Ok(Self {
            entity,
            schema: contract::bronze(entity),
            columns,
            technical: Technical::new(entity.name, run_id, started.timestamp_micros()),
            key,
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
    /// None now; a record that fits its columns can't be refused by them before [`batch`](Self::batch).
    pub fn push<'a>(&mut self, record: impl Into<RecordText<'a>>) -> Result<std::result::Result<i64, Rejected>> {
        let record = record.into();
        Ok(if record.is_broken() {
            let why = serde_json::from_str::<serde::de::IgnoredAny>(record.get()).err();
            let reason = why.map_or_else(String::new, |why| format!(": {why}"));
            let key = self.key_of(record.get());
            Err(self.rejected(record.get(), format!("the record isn't JSON{reason}"), key))
        } else if record.is_mended() {
            let reason = "the record isn't UTF-8: U+FFFD stands for bytes that are no text";
            let key = self.key_of(record.get());
            Err(self.rejected(record.get(), reason.to_owned(), key))
        } else {
            self.push_text(record.get())
        })
    }

    /// The key of a record that can't be a row, if it comes before what can't be read.
    fn key_of(&mut self, text: &str) -> Option<i64> {
        let row = self.technical.rows();
        // What is wrong with it was said already.
        drop(walk(&mut self.columns, row, text));
        let key = self.columns.integer(self.key, row);
        self.columns.truncate(row);
        key
    }

    fn push_text(&mut self, text: &str) -> std::result::Result<i64, Rejected> {
        let row = self.technical.rows();
        let reason = match walk(&mut self.columns, row, text) {
            Ok(Some(rescue)) => match self.columns.integer(self.key, row) {
                Some(key) => {
                    let rescued = rescue.into_text();
                    self.rescued += u64::from(rescued.is_some());
                    let hash = XxHash3_64::oneshot_with_seed(self.seed(), text.as_bytes()).cast_signed();
                    self.technical.push(self.parent, rescued.as_deref(), hash);
                    return Ok(key);
                }
                None => format!("the record has no usable key in /{}", self.entity.key),
            },
            Ok(None) => "the record isn't an object".to_owned(),
            Err(error) => format!("the record isn't readable JSON: {error}"),
        };
        // What can't be read to its end may have begun with its key.
        let key = self.columns.integer(self.key, row);
        self.columns.truncate(row);
        Err(self.rejected(text, reason, key))
    }

    fn rejected(&self, text: &str, reason: String, key: Option<i64>) -> Rejected {
        let text = self.redactor.as_ref().map_or_else(|| text.to_owned(), |redactor| redactor.record(text));
        Rejected { text, reason, key, parent: self.parent, ..Rejected::default() }
    }

    /// What a row is beside its record's text: whoever moves to another parent has changed, and a row with secrets and one
    /// without differ, so that a changed policy reaches rows whose record is what it was.
    fn seed(&self) -> u64 {
        let redacted = u64::from(self.redactor.is_some()) << 63;
        // No parent has the id 0.
        self.parent.unwrap_or(0).cast_unsigned() ^ redacted
    }

    /// The rows pushed since the last batch.
    ///
    /// # Errors
    /// [`Kind::Contract`](crate::error::Kind::Contract): the texts of a column are more than the 2 GB that Arrow can address, or a fault of this crate.
    pub fn batch(&mut self) -> Result<RecordBatch> {
        let entity = self.entity;
        let batch = self.build().map_err(|error| Error::unbuilt_batch(entity).with_source(error))?;
        self.redactor.as_ref().map_or(Ok(batch.clone()), |redactor| redactor.batch(&batch))
    }

    fn build(&mut self) -> std::result::Result<RecordBatch, ArrowError> {
        let rows = self.technical.rows();
        let mut arrays = self.columns.finish_columns(rows, self.schema.fields())?;
        arrays.extend(self.technical.finish(self.parent.is_some())?);
        RecordBatch::try_new(self.schema.clone(), arrays)
    }
}
