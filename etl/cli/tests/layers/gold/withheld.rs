//! What a privacy policy keeps from silver is NULL in gold, in a full build and in those after it.

use connectwise_extract::catalog;
use connectwise_extract::privacy::{Privacy, PrivacyConfig};
use connectwise_lakehouse::{Changes, Commit, TableName};
use connectwise_pipeline::silver::{self, BuildOutcome, Mode};
use serde_json::{Map, Value, json};

use super::tenant::{Tenant, configured, silver_of};
use crate::rows;

#[tokio::test]
async fn a_withheld_column_is_null_in_every_build() {
    let tenant = Tenant::small().await;
    let config = "[columns]\n\"TimeEntry.notes\" = \"drop\"\n\"TimeEntry.hourlyRate\" = \"hash\"";
    let config: PrivacyConfig = toml::from_str(config).unwrap();
    let privacy = Privacy::new(&config).unwrap().with_key(Some("a key for the tests")).unwrap();
    let entity = catalog::entity("TimeEntry").unwrap();
    let (table, schema) = (TableName::silver(entity.table), silver::stored_schema(entity, &privacy).unwrap());
    let entries = |status: &str, only: Option<i64>| -> Vec<Map<String, Value>> {
        let mut entries: Vec<Map<String, Value>> = serde_json::from_value(silver_of("TimeEntry")).unwrap();
        entries.retain(|entry| only.is_none_or(|only| entry["id"] == only));
        for entry in &mut entries {
            entry.remove("notes");
            entry.insert("hourlyRate".to_owned(), json!("0f"));
            entry.insert("status".to_owned(), json!(status));
            entry.insert("_etl_content_hash".to_owned(), json!(status.len()));
        }
        entries
    };
    let unless_said = json!({ "isDeleted": false, "etlTimestamp": "2024-07-01T00:00:00Z", "_etl_run_id": "put" });
    let unless_said = unless_said.as_object().unwrap();
    rows::put(&tenant.lake, &table, &schema, unless_said, &entries("Open", None)).await;
    let built = tenant.build(Mode::Incremental, "2024-07-01T06:00:00Z", &configured()).await;
    assert!(built.tables.iter().all(|table| table.outcome == BuildOutcome::Written), "{built:?}");

    let changed = rows::batches(&table, &schema, unless_said, &entries("Billed", Some(1)));
    let stored = tenant.lake.table(&table).await.unwrap();
    stored.merge(&schema, Changes::upserts("id", changed), &Commit::new("merge")).await.unwrap();
    let built = tenant.build(Mode::Incremental, "2024-07-01T07:00:00Z", &configured()).await;
    let fact = built.tables.iter().find(|table| table.table.name == "fact_timeentry").unwrap();
    assert_eq!((fact.outcome, fact.rows), (BuildOutcome::Written, 1), "{:?}", fact.error);
    let columns = "`timeEntryId`, status, notes, `hourlyRate`, `potentialRevenue`, `companyName`";
    assert_eq!(
        tenant.rows(&format!("select {columns} from fact_timeentry where `timeEntryId` < 3 order by 1")).await,
        ["1 | Billed | NULL | NULL | NULL | Acme", "2 | Open | NULL | NULL | NULL | NULL"]
    );
    let full = tenant.build(Mode::Full, "2024-07-01T08:00:00Z", &configured()).await;
    assert!(full.tables.iter().all(|table| table.outcome == BuildOutcome::Unchanged), "{full:?}");
}
