//! A lakehouse with hand-made bronze tables.

use std::path::Path;

use arrow::datatypes::SchemaRef;
use chrono::{DateTime, Utc};
use connectwise_extract::extra::ExtraColumns;
use connectwise_extract::privacy::{Privacy, PrivacyConfig};
use connectwise_extract::{catalog, contract};
use connectwise_lakehouse::{Changes, Commit, Lake, TableName};
use connectwise_pipeline::silver::{self, Mode, TableReport};
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::rows;

/// When records are read, unless a test says otherwise.
const READ: &str = "2024-07-01T00:00:00Z";

/// A lakehouse in a temporary folder, with a privacy policy.
pub(crate) struct House {
    pub(crate) lake: Lake,
    pub(crate) privacy: Privacy,
    pub(crate) extra: ExtraColumns,
    folder: TempDir,
}

impl House {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::open(folder.path().to_str().unwrap()).unwrap();
        Self { lake, privacy: Privacy::default(), extra: ExtraColumns::default(), folder }
    }

    /// Puts records in place of a bronze table.
    pub(crate) async fn load(&self, entity: &str, records: Value) {
        self.load_at(entity, records, READ).await;
    }

    /// As [`House::load`], read at a given time.
    pub(crate) async fn load_at(&self, entity: &str, records: Value, at: &str) {
        let (table, schema) = bronze(entity);
        rows::put(&self.lake, &table, &schema, &unless_said(entity, at), &hashed(&records)).await;
    }

    /// Adds records to a bronze table, in a file of their own.
    pub(crate) async fn append(&self, entity: &str, records: Value) {
        let (table, schema) = bronze(entity);
        for batch in rows::batches(&table, &schema, &unless_said(entity, READ), &hashed(&records)) {
            self.lake.append(&table, &batch, &Commit::new("append")).await.unwrap();
        }
    }

    /// Merges records into a bronze table, and takes some out.
    pub(crate) async fn change(&self, entity: &str, records: Value, gone: Vec<i64>) {
        let (table, schema) = bronze(entity);
        let rows = rows::batches(&table, &schema, &unless_said(entity, READ), &hashed(&records));
        let changes = Changes::upserts("id", rows).deleting(gone);
        self.lake.table(&table).await.unwrap().merge(&schema, changes, &Commit::new("change")).await.unwrap();
    }

    /// Sets the policy, as the table `[privacy]` of a configuration says it.
    pub(crate) fn set_privacy(&mut self, config: &str, key: Option<&str>) {
        let config: PrivacyConfig = toml::from_str(config).unwrap();
        self.privacy = Privacy::with_columns(&config, self.extra.all()).unwrap().with_key(key).unwrap();
    }

    /// Sets the columns that a project adds, as the table `[silver.extra]` of a configuration says it.
    pub(crate) fn set_extra(&mut self, config: &str) {
        self.extra = ExtraColumns::new(&toml::from_str(config).unwrap()).unwrap();
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) async fn build(&self, entity: &str, mode: Mode) -> TableReport {
        let request = self.request(entity);
        let bronze = self.lake.table(&TableName::bronze(request.entity.table)).await.unwrap();
        let silver = self.lake.table(&TableName::silver(request.entity.table)).await.unwrap();
        silver::build(&bronze, &silver, &request, mode).await.unwrap()
    }

    pub(crate) async fn build_history(&self, entity: &str, mode: Mode) -> TableReport {
        let request = self.request(entity);
        let silver = self.lake.table(&TableName::silver(request.entity.table)).await.unwrap();
        let history = self.lake.table(&silver::history::table(request.entity)).await.unwrap();
        silver::history::build(&silver, &history, &request, mode).await.unwrap()
    }

    fn request(&self, entity: &str) -> silver::SilverRequest<'_> {
        let started: DateTime<Utc> = "2024-07-02T00:00:00Z".parse().unwrap();
        let (privacy, extra) = (&self.privacy, &self.extra);
        silver::SilverRequest { entity: catalog::entity(entity).unwrap(), privacy, extra, run_id: "build", started }
    }

    /// The schema of a silver table as it is stored.
    pub(crate) async fn schema(&self, entity: &str) -> SchemaRef {
        let table = TableName::silver(catalog::entity(entity).unwrap().table);
        self.lake.table(&table).await.unwrap().schema().unwrap()
    }

    pub(crate) async fn rows(&self, entity: &str, columns: &str) -> Vec<String> {
        let table = TableName::silver(catalog::entity(entity).unwrap().table);
        let session = self.lake.session().unwrap();
        self.lake.register(&session, "t", &table).await.unwrap();
        rows::lines(&session, &format!("select {columns} from t order by id")).await
    }
}

fn bronze(entity: &str) -> (TableName, SchemaRef) {
    let entity = catalog::entity(entity).unwrap();
    (TableName::bronze(entity.table), contract::bronze(entity))
}

fn unless_said(entity: &str, at: &str) -> Map<String, Value> {
    let technical = json!({ contract::TIMESTAMP: at, contract::ENTITY: entity, contract::RUN_ID: "load" });
    technical.as_object().unwrap().clone()
}

/// Records with the hash of their texts.
fn hashed(records: &Value) -> Vec<Map<String, Value>> {
    let hashed = |record: &Value| {
        let hash = record.to_string().bytes().fold(7_i64, |hash, byte| hash.wrapping_mul(31).wrapping_add(byte.into()));
        let mut row = record.as_object().unwrap().clone();
        row.insert(contract::CONTENT_HASH.into(), json!(hash));
        row
    };
    records.as_array().unwrap().iter().map(hashed).collect()
}
