//! The small tenant of `tests/golden/silver`, written straight into silver tables, and what to read back from gold.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use connectwise_extract::catalog;
use connectwise_extract::extra::ExtraColumns;
use connectwise_extract::privacy::{Privacy, PrivacyConfig};
use connectwise_lakehouse::{Changes, Commit, Lake, TableName};
use connectwise_pipeline::gold::{self, AgreementRule, GoldConfig, GoldReport, HolidayCalendar};
use connectwise_pipeline::silver::{self, Mode, history};
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::rows;

/// Entities of the tenant.
pub(crate) const ENTITIES: [&str; 43] = [
    "Company",
    "Member",
    "Agreement",
    "AgreementAddition",
    "AgreementType",
    "BillingCycle",
    "WorkType",
    "WorkRole",
    "Department",
    "TimeEntry",
    "ExpenseEntry",
    "ProductItem",
    "Invoice",
    "UnpostedInvoice",
    "Project",
    "ProjectPhase",
    "Board",
    "BoardStatus",
    "Priority",
    "ServiceTicket",
    "ProjectTicket",
    "CatalogItem",
    "PurchaseOrder",
    "PurchaseOrderLineItem",
    "PurchaseOrderStatus",
    "Opportunity",
    "OpportunityStatus",
    "Activity",
    "ActivityStatus",
    "Location",
    "Contact",
    "Configuration",
    "ConfigurationStatus",
    "TimeSheet",
    "ServiceSurvey",
    "SurveyResult",
    "SLA",
    "SLAPriority",
    "ServiceTeam",
    "OpportunityForecast",
    "AgreementAdjustment",
    "Calendar",
    "Holiday",
];

/// Entities of the tenant whose history gold reads.
pub(crate) const HISTORIES: [&str; 4] = ["ServiceTicket", "ProjectTicket", "Agreement", "AgreementAddition"];

/// A lakehouse in a folder that goes away with it.
pub(crate) struct Tenant {
    pub(crate) lake: Lake,
    folder: TempDir,
}

/// The configuration under which the small tenant's gold was worked out: agreement types and holidays as an Icelandic MSP has them.
pub(crate) fn configured() -> GoldConfig {
    GoldConfig {
        agreement_rules: Some(AgreementRule::icelandic_msp()),
        holiday_calendars: vec![HolidayCalendar::Iceland],
        ..GoldConfig::default()
    }
}

pub(crate) fn instant(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// The folder of hand-written rows, for the tests of any package beside this one.
pub(crate) fn golden() -> PathBuf {
    // The test of Spark, which is of another package, has them too.
    let places = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|folder| folder.join("etl/cli/tests/golden"));
    places.into_iter().find(|place| place.is_dir()).unwrap()
}

/// Silver rows of an entity of the tenant.
pub(crate) fn silver_of(entity: &str) -> Value {
    rows_in("silver", catalog::entity(entity).unwrap().table)
}

/// Rows of the history of an entity of the tenant.
pub(crate) fn history_of(entity: &str) -> Value {
    rows_in("silver", &format!("{}_history", catalog::entity(entity).unwrap().table))
}

fn rows_in(folder: &str, table: &str) -> Value {
    let file = golden().join(folder).join(format!("{table}.json"));
    serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}

fn unless_said() -> Map<String, Value> {
    let technical = json!({
        "isDeleted": false, "etlTimestamp": "2024-07-01T00:00:00Z", "_etl_run_id": "put", "_etl_content_hash": 0
    });
    technical.as_object().unwrap().clone()
}

impl Tenant {
    pub(crate) fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { lake: Lake::open(folder.path().to_str().unwrap()).unwrap(), folder }
    }

    pub(crate) fn path(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// Every branch of the contract once.
    pub(crate) async fn small() -> Self {
        let tenant = Self::empty();
        for entity in ENTITIES {
            tenant.put(entity, silver_of(entity)).await;
        }
        tenant.put_histories().await;
        tenant
    }

    /// Instants about the nights on which clocks change in New York and Sydney, and calendar days of every kind. What has none of
    /// them is as in the small tenant.
    pub(crate) async fn of_zones() -> Self {
        let tenant = Self::empty();
        for entity in ENTITIES {
            let table = catalog::entity(entity).unwrap().table;
            let is_own = golden().join("zones").join(format!("{table}.json")).is_file();
            tenant.put(entity, rows_in(if is_own { "zones" } else { "silver" }, table)).await;
        }
        tenant.put_histories().await;
        tenant
    }

    /// Puts the histories of the small tenant in their place.
    pub(crate) async fn put_histories(&self) {
        for entity in HISTORIES {
            self.put_history(entity, history_of(entity)).await;
        }
    }

    /// Puts rows in place of the history of an entity.
    pub(crate) async fn put_history(&self, entity: &str, rows: Value) {
        let entity = catalog::entity(entity).unwrap();
        let rows: Vec<Map<String, Value>> = serde_json::from_value(rows).unwrap();
        let privacy = Privacy::new(&PrivacyConfig::default()).unwrap();
        let schema = history::schema(entity, &privacy, &ExtraColumns::default()).unwrap();
        let mut unless_said = unless_said();
        unless_said.insert("isCurrent".to_owned(), json!(false));
        rows::put(&self.lake, &history::table(entity), &schema, &unless_said, &rows).await;
    }

    /// Puts rows in place of a silver table. Columns that a row doesn't name are NULL.
    pub(crate) async fn put(&self, entity: &str, rows: Value) {
        let entity = catalog::entity(entity).unwrap();
        let rows: Vec<Map<String, Value>> = serde_json::from_value(rows).unwrap();
        let table = TableName::silver(entity.table);
        rows::put(&self.lake, &table, &silver::schema(entity), &unless_said(), &rows).await;
    }

    /// Merges rows into a silver table, as an incremental load does.
    pub(crate) async fn merge(&self, entity: &str, rows: &[Map<String, Value>]) {
        let entity = catalog::entity(entity).unwrap();
        let (table, schema) = (TableName::silver(entity.table), silver::schema(entity));
        let batches = rows::batches(&table, &schema, &unless_said(), rows);
        let changes = Changes::upserts("id", batches);
        self.lake.table(&table).await.unwrap().merge(&schema, changes, &Commit::new("merge")).await.unwrap();
    }

    pub(crate) async fn build(&self, mode: Mode, at: &str, config: &GoldConfig) -> GoldReport {
        gold::build(&self.lake, mode, &format!("run-{at}"), instant(at), config).await.unwrap()
    }

    /// Version of every gold table.
    pub(crate) async fn versions(&self) -> Vec<(String, u64)> {
        let mut versions = Vec::new();
        for (name, _) in gold::schemas().unwrap() {
            if let Some(state) = self.lake.table(&TableName::gold(&name)).await.unwrap().state() {
                versions.push((name, state.version));
            }
        }
        versions
    }

    /// Rows of a query over gold tables, their values joined by ` | `.
    pub(crate) async fn rows(&self, sql: &str) -> Vec<String> {
        rows::lines(&self.session().await, sql).await
    }

    /// Rows of a table that is none of the built-in ones, in the order of its first column.
    pub(crate) async fn own_rows(&self, table: &str, columns: &str) -> Vec<String> {
        let session = self.lake.session().unwrap();
        self.lake.register(&session, table, &TableName::gold(table)).await.unwrap();
        rows::lines(&session, &format!("select {columns} from {table} order by 1")).await
    }

    /// Columns and rows of a query over gold tables.
    pub(crate) async fn texts(&self, sql: &str) -> (Vec<String>, Vec<Vec<Option<String>>>) {
        rows::texts(&self.session().await, sql).await
    }

    async fn session(&self) -> datafusion::prelude::SessionContext {
        let session = self.lake.session().unwrap();
        for (name, _) in gold::schemas().unwrap() {
            self.lake.register(&session, &name, &TableName::gold(&name)).await.unwrap();
        }
        session
    }

    /// All rows of a gold table without keys and technical columns, sorted.
    pub(crate) async fn content(&self, table: &str) -> Vec<String> {
        let schemas = gold::schemas().unwrap();
        let (_, schema) = schemas.iter().find(|(name, _)| name == table).unwrap();
        let columns: Vec<String> = schema
            .fields()
            .iter()
            .map(|field| field.name())
            .filter(|name| !name.starts_with("_etl_") && !name.ends_with("Key") && *name != "AgreementSK")
            .map(|name| format!("`{name}`"))
            .collect();
        let mut rows = self.rows(&format!("select {} from {table}", columns.join(", "))).await;
        rows.sort();
        rows
    }
}
