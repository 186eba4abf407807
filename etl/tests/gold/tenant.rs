//! A small tenant, written straight into silver tables, and what to read back from gold.

use std::io::Cursor;

use arrow::array::RecordBatch;
use arrow::json::ReaderBuilder;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use chrono::{DateTime, Utc};
use connectwise_etl::catalog;
use connectwise_etl::gold::{self, GoldConfig, GoldReport};
use connectwise_etl::lake::{Commit, Lake, Source, TableName};
use connectwise_etl::silver::{self, Mode};
use serde_json::{Map, Value, json};
use tempfile::TempDir;

/// A lakehouse in a folder that goes away with it.
pub(crate) struct Tenant {
    pub(crate) lake: Lake,
    _folder: TempDir,
}

pub(crate) fn instant(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

impl Tenant {
    pub(crate) fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { lake: Lake::open(folder.path().to_str().unwrap()).unwrap(), _folder: folder }
    }

    /// Every branch of the contract once.
    pub(crate) async fn small() -> Self {
        let tenant = Self::empty();
        tenant.put("Company", companies()).await;
        tenant.put("Member", members()).await;
        tenant.put("Agreement", agreements()).await;
        tenant.put("TimeEntry", time_entries()).await;
        tenant.put("ExpenseEntry", expenses()).await;
        tenant.put("ProductItem", products()).await;
        tenant.put("Invoice", invoices()).await;
        tenant
    }

    /// Puts rows in place of a silver table. Columns that a row doesn't name are NULL.
    pub(crate) async fn put(&self, entity: &str, rows: Value) {
        let entity = catalog::entity(entity).unwrap();
        let schema = silver::schema(entity);
        let mut text = String::new();
        for row in rows.as_array().unwrap() {
            let mut whole = Map::new();
            whole.insert("isDeleted".into(), json!(false));
            whole.insert("etlTimestamp".into(), json!("2024-07-01T00:00:00Z"));
            whole.insert("_etl_run_id".into(), json!("put"));
            whole.insert("_etl_content_hash".into(), json!(0));
            for (name, value) in row.as_object().unwrap() {
                assert!(schema.field_with_name(name).is_ok(), "{} has no column {name}", entity.name);
                whole.insert(name.clone(), value.clone());
            }
            text.push_str(&Value::Object(whole).to_string());
        }
        let reader = ReaderBuilder::new(schema.clone()).build(Cursor::new(text)).unwrap();
        let batches: Vec<RecordBatch> = reader.map(Result::unwrap).collect();
        let session = self.lake.session().unwrap();
        let source = Source::batches(&session, batches).unwrap();
        self.lake
            .replace(&TableName::silver(entity.table), &schema, source, &session, &Commit::new("put"))
            .await
            .unwrap();
    }

    pub(crate) async fn build(&self, mode: Mode, at: &str, config: &GoldConfig) -> GoldReport {
        gold::build(&self.lake, mode, &format!("run-{at}"), instant(at), config).await.unwrap()
    }

    /// Version of every gold table.
    pub(crate) async fn versions(&self) -> Vec<(String, u64)> {
        let mut versions = Vec::new();
        for (name, _) in gold::schemas().unwrap() {
            if let Some(state) = self.lake.state(&TableName::gold(&name)).await.unwrap() {
                versions.push((name, state.version));
            }
        }
        versions
    }

    /// Rows of a query over gold tables, their values joined by ` | `.
    pub(crate) async fn rows(&self, sql: &str) -> Vec<String> {
        let session = self.lake.session().unwrap();
        for (name, _) in gold::schemas().unwrap() {
            self.lake.register(&session, &name, &TableName::gold(&name)).await.unwrap();
        }
        let batches = session.sql(sql).await.unwrap().collect().await.unwrap();
        let options = FormatOptions::new().with_null("NULL");
        let mut lines = Vec::new();
        for batch in batches {
            let columns: Vec<_> = batch
                .columns()
                .iter()
                .map(|column| ArrayFormatter::try_new(column.as_ref(), &options).unwrap())
                .collect();
            for row in 0..batch.num_rows() {
                let values: Vec<String> = columns.iter().map(|column| column.value(row).to_string()).collect();
                lines.push(values.join(" | "));
            }
        }
        lines
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

pub(crate) fn companies() -> Value {
    json!([
        {"id": 1, "name": "Acme", "identifier": "ACME", "types": "[{\"id\":1,\"name\":\"Client\"},{\"id\":2,\"name\":\"Vendor\"}]",
         "statusName": "Active", "territoryName": "South", "dateAcquired": "2020-03-01"},
        {"id": 2, "name": "Beta", "identifier": "BETA", "deletedFlag": true, "dateDeleted": "2024-02-03T10:00:00Z"}
    ])
}

pub(crate) fn members() -> Value {
    json!([
        {"id": 10, "firstName": "Anna", "lastName": "Ásdísardóttir", "identifier": "anna", "officeEmail": "anna@example.com",
         "hourlyCost": "50", "hireDate": "2019-01-01"},
        {"id": 11, "firstName": "Björn", "lastName": "Karlsson", "identifier": "bjorn", "inactiveFlag": true,
         "inactiveDate": "2024-05-31T00:00:00Z"}
    ])
}

pub(crate) fn agreements() -> Value {
    json!([
        {"id": 100, "name": "Parent", "typeId": 1, "typeName": "yÞjónusta", "companyId": 1, "companyName": "Acme",
         "customFields": "[{\"id\":4,\"caption\":\"S Number\"},{\"id\":20,\"caption\":\"365 Tenant\",\"value\":\"S-100\"}]",
         "startDate": "2024-01-15", "endDate": "2025-01-14", "agreementStatus": "Active", "billAmount": "1000.5",
         "applicationUnits": "Amount", "applicationLimit": "20", "applicationCycle": "CalendarMonth", "coverAgreementTime": true},
        {"id": 101, "name": "Hours", "typeId": 2, "typeName": "Tímapottur :", "parentAgreementId": 100, "parentAgreementName": "Parent",
         "startDate": "2024-03-01", "endDate": "2024-05-31", "agreementStatus": "Expired", "customFields": "[]"},
        {"id": 102, "name": "Internal", "typeId": 3, "typeName": "Innri verkefni", "noEndingDateFlag": true, "startDate": "2023-12-31"},
        {"id": 103, "name": "Mystery", "typeId": 4, "typeName": "Managed Services", "cancelledFlag": true, "dateCancelled": "2024-04-01"}
    ])
}

pub(crate) fn time_entries() -> Value {
    let day = "2024-06-17T09:00:00Z";
    json!([
        {"id": 1, "agreementId": 100, "agreementName": "Parent", "billableOption": "Billable", "status": "Open", "memberId": 10,
         "memberName": "Anna", "companyId": 1, "companyName": "Acme", "actualHours": "2", "hourlyRate": "100", "hourlyCost": "70",
         "timeStart": day, "chargeToId": 7, "chargeToType": "ServiceTicket", "ticketId": 7, "workTypeId": 3, "workTypeName": "Regular",
         "workTypeUtilizationFlag": true, "workRoleId": 5, "workRoleName": "Engineer", "departmentId": 1, "departmentName": "Service",
         "businessUnitId": 8, "businessGroupDesc": "Service", "memberDailyCapacity": "7.5", "lastUpdated": "2024-06-18T00:00:00Z"},
        {"id": 2, "agreementId": 101, "billableOption": "DoNotBill", "status": "BilledAgreement", "memberId": 11, "companyId": 1,
         "actualHours": "1.5", "hourlyRate": "0", "hourlyCost": "30", "timeStart": day, "chargeToType": "ProjectTicket",
         "workTypeId": 3, "workTypeName": "Renamed", "lastUpdated": "2024-06-19T00:00:00Z"},
        {"id": 3, "agreementId": 102, "billableOption": "Billable", "status": "WrittenOff", "memberId": 99, "memberName": "Gone",
         "companyId": 77, "companyName": "Only here", "actualHours": "1", "timeStart": day},
        {"id": 4, "agreementId": 102, "billableOption": "Billable", "status": "Billed", "memberId": 10, "invoiceId": 500,
         "invoiceIdentifier": "INV-1", "actualHours": "0.3333", "hourlyRate": "23800", "timeStart": "2024-06-30T23:59:59Z"},
        {"id": 5, "billableOption": "NoCharge", "status": "ReadyToBill", "hourlyRate": "10"},
        {"id": 6, "agreementId": 103, "billableOption": "DoNotBill", "actualHours": "1", "hourlyRate": "1", "timeStart": day},
        {"id": 7, "agreementId": 103, "billableOption": "Billable", "status": "Open", "actualHours": "3", "hourlyRate": "7",
         "hourlyCost": "2", "timeStart": day},
        {"id": 8, "agreementId": 999, "agreementName": "Not loaded", "agreementType": "Tímapottur", "billableOption": "Billable",
         "status": "Open", "actualHours": "1", "hourlyRate": "1", "timeStart": day, "isDeleted": true}
    ])
}

pub(crate) fn expenses() -> Value {
    json!([
        {"id": 1, "memberId": 10, "agreementId": 100, "companyId": 1, "typeId": 29, "typeName": "Travel", "billableOption": "Billable",
         "amount": "35060.5", "date": "2024-06-18", "chargeToId": 3, "chargeToType": "Activity", "notes": "taxi"},
        {"id": 2, "billableOption": "NoCharge"}
    ])
}

pub(crate) fn products() -> Value {
    json!([
        {"id": 4, "catalogItemId": 5, "companyId": 1, "agreementId": 101, "billableOption": "Billable", "productClass": "Service",
         "quantity": "2", "price": "10", "cost": "6", "extPrice": "20", "extCost": "12", "purchaseDate": "2024-07-01"},
        {"id": 5, "billableOption": "DoNotBill", "extCost": "5"}
    ])
}

pub(crate) fn invoices() -> Value {
    json!([
        {"id": 500, "date": "2024-07-05", "dueDate": "2024-07-20", "statusName": "Sent", "companyId": 1, "companyName": "Acme",
         "applyToType": "Agreement", "applyToId": 102, "agreementId": 102, "agreementType": "Innri verkefni", "serviceTotal": "7932.54"}
    ])
}
