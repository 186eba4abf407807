//! A lakehouse with hand-made bronze tables.

use std::io::Cursor;
use std::path::Path;

use arrow::datatypes::SchemaRef;
use arrow::json::ReaderBuilder;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use chrono::{DateTime, Utc};
use connectwise_etl::lake::{Commit, Lake, Source, TableName};
use connectwise_etl::privacy::{Privacy, PrivacyConfig};
use connectwise_etl::silver::{self, Mode, TableReport};
use connectwise_etl::{catalog, contract};
use serde_json::{Map, Value, json};
use tempfile::TempDir;

/// A lakehouse in a temporary folder, with a privacy policy.
pub(crate) struct House {
    pub(crate) lake: Lake,
    pub(crate) privacy: Privacy,
    folder: TempDir,
}

impl House {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { lake: Lake::open(folder.path().to_str().unwrap()).unwrap(), privacy: Privacy::default(), folder }
    }

    /// Puts records in place of a bronze table; the hash is that of the record's text.
    pub(crate) async fn load(&self, entity: &str, records: Value) {
        self.load_at(entity, records, "2024-07-01T00:00:00Z").await;
    }

    /// As [`House::load`], read at a given time.
    pub(crate) async fn load_at(&self, entity: &str, records: Value, at: &str) {
        let entity = catalog::entity(entity).unwrap();
        let schema = contract::bronze(entity);
        let mut text = String::new();
        for record in records.as_array().unwrap() {
            let hash =
                record.to_string().bytes().fold(7_i64, |hash, byte| hash.wrapping_mul(31).wrapping_add(byte.into()));
            let mut row: Map<String, Value> = record.as_object().unwrap().clone();
            row.insert(contract::TIMESTAMP.into(), json!(at));
            row.insert(contract::ENTITY.into(), json!(entity.name));
            row.insert(contract::RUN_ID.into(), json!("load"));
            row.insert(contract::CONTENT_HASH.into(), json!(hash));
            text.push_str(&Value::Object(row).to_string());
        }
        let reader = ReaderBuilder::new(schema.clone()).build(Cursor::new(text)).unwrap();
        let batches: Vec<_> = reader.map(Result::unwrap).collect();
        let session = self.lake.session().unwrap();
        let source = Source::batches(&session, batches).unwrap();
        self.lake
            .replace(&TableName::bronze(entity.table), &schema, source, &session, &Commit::new("load"))
            .await
            .unwrap();
    }

    /// Sets the policy, as the table `[privacy]` of a configuration says it.
    pub(crate) fn set_privacy(&mut self, config: &str, key: Option<&str>) {
        let config: PrivacyConfig = toml::from_str(config).unwrap();
        self.privacy = Privacy::new(&config).unwrap().with_key(key).unwrap();
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) async fn build(&self, entity: &str, mode: Mode) -> TableReport {
        let started: DateTime<Utc> = "2024-07-02T00:00:00Z".parse().unwrap();
        let entity = catalog::entity(entity).unwrap();
        silver::build(&self.lake, entity, &self.privacy, mode, "build", started).await.unwrap()
    }

    /// The schema of a silver table as it is stored.
    pub(crate) async fn schema(&self, entity: &str) -> SchemaRef {
        let table = TableName::silver(catalog::entity(entity).unwrap().table);
        self.lake.state(&table).await.unwrap().unwrap().schema
    }

    pub(crate) async fn rows(&self, entity: &str, columns: &str) -> Vec<String> {
        let table = TableName::silver(catalog::entity(entity).unwrap().table);
        let session = self.lake.session().unwrap();
        self.lake.register(&session, "t", &table).await.unwrap();
        let batches =
            session.sql(&format!("select {columns} from t order by id")).await.unwrap().collect().await.unwrap();
        let options = FormatOptions::new().with_null("NULL");
        let mut lines = Vec::new();
        for batch in batches {
            let columns: Vec<_> = batch
                .columns()
                .iter()
                .map(|column| ArrayFormatter::try_new(column.as_ref(), &options).unwrap())
                .collect();
            for row in 0..batch.num_rows() {
                lines.push(columns.iter().map(|column| column.value(row).to_string()).collect::<Vec<_>>().join(" | "));
            }
        }
        lines
    }
}
