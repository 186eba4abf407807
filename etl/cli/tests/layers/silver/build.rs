//! What becomes of rows, and when there is a new version.

use connectwise_lakehouse::TableName;
use connectwise_pipeline::silver::{BuildOutcome, Mode};
use serde_json::{Value, json};

use super::house::House;
use crate::rows;

fn entry(id: i32) -> Value {
    json!({"id": id, "actualHours": 0.5, "notes": format!("entry {id}")})
}

#[tokio::test]
async fn a_record_becomes_a_flat_typed_row() {
    let house = House::new();
    house
        .load(
            "TimeEntry",
            json!([{
                "id": 1, "company": {"id": 250, "identifier": "LOF ", "name": " Norðurn", "_info": {"company_href": "https://psa.example.com/1"}},
                "workType": {"id": 3, "name": "Regular", "utilizationFlag": true}, "locationId": 11, "location": {"id": 12, "name": "Place"},
                "agreementType": "own", "agreement": {"id": 9, "type": "nested"}, "hourlyCost": "10800.00", "actualHours": 0.73, "hoursBilled": 1.00005,
                "timeStart": "2018-05-05T14:00:00Z", "dateEntered": "2018-05-05T14:44:45Z", "enteredBy": "loft",
                "_info": {"lastUpdated": "2018-06-01T00:00:00Z", "updatedBy": " admin "},
                "customFields": [{"id": 4, "caption": "S Number", "type": "Text", "value": "\"S-1\""},
                                 {"id": 5, "caption": "Door", "type": "Password", "value": "\"open sesame\""}]
            }, {"id": 2, "hourlyCost": "much"}]),
        )
        .await;
    let report = house.build("TimeEntry", Mode::Full).await;
    assert_eq!(report.outcome, BuildOutcome::Written);
    assert_eq!(report.rows, 2);
    assert_eq!(report.unreadable, [("hourlyCost".to_owned(), 1)].into());
    assert_eq!(
        house
            .rows(
                "TimeEntry",
                "companyId, companyIdentifier, companyName, workTypeUtilizationFlag, locationId, locationLocationId, agreementType, \
                 agreementAgreementType, hourlyCost, actualHours, hoursBilled, timeStart, dateEntered, enteredBy, lastUpdated, updatedBy, isDeleted"
            )
            .await,
        [
            "250 | LOF | Norðurn | true | 11 | 12 | own | nested | 10800.0000 | 0.7300 | 1.0001 | 2018-05-05T14:00:00Z | \
             2018-05-05T14:44:45Z | loft | 2018-06-01T00:00:00Z | admin | false",
            "NULL | NULL | NULL | NULL | NULL | NULL | NULL | NULL | NULL | NULL | NULL | NULL | NULL | NULL | NULL | NULL | false",
        ]
    );
    assert_eq!(
        house.rows("TimeEntry", "customFields").await,
        [
            r#"[{"caption":"S Number","id":4,"type":"Text","value":"S-1"},{"caption":"Door","id":5,"type":"Password"}]"#,
            "NULL"
        ]
    );
}

#[tokio::test]
async fn audit_keys_differ_by_entity_and_days_stay_days() {
    let house = House::new();
    house
        .load(
            "Agreement",
            json!([{"id": 3, "startDate": "2018-05-17T00:00:00Z", "nextInvoiceDate": "2018-06-01",
                    "_info": {"createdDate": "2018-05-01T10:00:00Z", "createdBy": "admin1"}}]),
        )
        .await;
    house.build("Agreement", Mode::Full).await;
    assert_eq!(
        house.rows("Agreement", "startDate, nextInvoiceDate, dateEntered, enteredBy, lastUpdated").await,
        ["2018-05-17 | 2018-06-01 | 2018-05-01T10:00:00Z | admin1 | NULL"]
    );
}

#[tokio::test]
async fn only_changed_rows_are_merged_and_nothing_is_committed_for_nothing() {
    let house = House::new();
    house.load("TimeEntry", json!([entry(1), entry(2), entry(3)])).await;
    assert_eq!(house.build("TimeEntry", Mode::Incremental).await.rows, 3, "a first incremental run is a full one");
    for mode in [Mode::Incremental, Mode::Full] {
        let report = house.build("TimeEntry", mode).await;
        assert_eq!((report.outcome, report.written.version), (BuildOutcome::Unchanged, 0), "{mode:?}");
    }
    house.load("TimeEntry", json!([entry(1), {"id": 2, "actualHours": 9.0}, entry(3), entry(4)])).await;
    let report = house.build("TimeEntry", Mode::Incremental).await;
    assert_eq!((report.rows, report.written.inserted, report.written.updated), (2, 1, 1));
    assert_eq!(
        house.rows("TimeEntry", "id, actualHours, notes").await,
        ["1 | 0.5000 | entry 1", "2 | 9.0000 | NULL", "3 | 0.5000 | entry 3", "4 | 0.5000 | entry 4"]
    );
    // The same content under a new bronze version.
    house.load("TimeEntry", json!([entry(1), {"id": 2, "actualHours": 9.0}, entry(3), entry(4)])).await;
    for mode in [Mode::Incremental, Mode::Full] {
        assert_eq!(house.build("TimeEntry", mode).await.outcome, BuildOutcome::Unchanged, "{mode:?}");
    }
}

#[tokio::test]
async fn a_build_keeps_what_is_gone_as_deleted() {
    for mode in [Mode::Full, Mode::Incremental] {
        keeps_what_is_gone_as_deleted(mode).await;
    }
}

async fn keeps_what_is_gone_as_deleted(mode: Mode) {
    let house = House::new();
    house.load("TimeEntry", json!([entry(1), entry(2)])).await;
    house.build("TimeEntry", Mode::Full).await;
    house.load("TimeEntry", json!([entry(1)])).await;
    assert_eq!(house.build("TimeEntry", mode).await.outcome, BuildOutcome::Written);
    let expected = ["1 | entry 1 | false | load", "2 | entry 2 | true | build"];
    assert_eq!(house.rows("TimeEntry", "id, notes, isDeleted, _etl_run_id").await, expected);
    assert_eq!(house.build("TimeEntry", Mode::Full).await.outcome, BuildOutcome::Unchanged);
    assert_eq!(house.rows("TimeEntry", "id, notes, isDeleted, _etl_run_id").await, expected);
    house.load("TimeEntry", json!([entry(1), entry(2)])).await;
    house.build("TimeEntry", Mode::Incremental).await;
    assert_eq!(house.rows("TimeEntry", "id, isDeleted").await, ["1 | false", "2 | false"], "it came back");
}

/// Files that a change can't have reached are taken away, so that whoever reads them fails.
#[tokio::test]
async fn an_incremental_build_reads_only_what_a_change_can_have_reached() {
    let house = House::new();
    let agreement = |id: i32, name: &str| {
        let hour = if name == name.to_uppercase() { 2 } else { 1 };
        json!({ "id": id, "name": name, "_info": { "lastUpdated": format!("2024-06-30T0{hour}:00:00Z") } })
    };
    house.load("Agreement", json!([agreement(1, "a"), agreement(2, "b")])).await;
    let build = async || {
        let silver = house.build("Agreement", Mode::Incremental).await;
        let history = house.build_history("Agreement", Mode::Incremental).await;
        (silver.rows, history.rows)
    };
    assert_eq!(build().await, (2, 2));
    // Merges note the range of the key beside each file, as loads do.
    house.change("Agreement", json!([agreement(1, "A"), agreement(2, "B")]), Vec::new()).await;
    assert_eq!(build().await, (2, 4), "a changed row is two versions: the one that ends and the one that begins");
    let mut old = Vec::new();
    for table in [TableName::bronze("agreement"), TableName::silver("agreement")] {
        let files = house.lake.table(&table).await.unwrap().files().unwrap();
        old.extend(files.into_iter().map(|uri| uri.trim_start_matches("file://").to_owned()));
    }
    house.append("Agreement", json!([agreement(1001, "c"), agreement(1002, "d"), agreement(1003, "e")])).await;
    assert_eq!(build().await, (3, 3));
    assert!(old.len() >= 2);
    house.change("Agreement", json!([agreement(1002, "D"), agreement(1004, "f")]), vec![1003]).await;
    old.iter().for_each(|file| std::fs::remove_file(file).unwrap());
    assert_eq!(build().await, (3, 4));
    assert_eq!(build().await, (0, 0));
    let expected = ["1001 | c | false", "1002 | D | false", "1003 | e | true", "1004 | f | false"];
    let stored = async |table: &TableName, columns: &str| {
        let session = house.lake.session().unwrap();
        let table = house.lake.table(table).await.unwrap();
        table.register_rows(&session, "t", "id", &[1001, 1002, 1003, 1004]).await.unwrap();
        rows::lines(&session, &format!("select {columns} from t order by id, name desc")).await
    };
    assert_eq!(stored(&TableName::silver("agreement"), "id, name, `isDeleted`").await, expected);
    // Keys of a history are in no order, so that all its files are searched for one.
    let expected = ["1001 | c | true", "1002 | d | false", "1002 | D | true", "1003 | e | false", "1004 | f | true"];
    assert_eq!(stored(&TableName::silver("agreement_history"), "id, name, `isCurrent`").await, expected);
}

#[tokio::test]
async fn a_snapshot_tells_what_is_gone() {
    let house = House::new();
    let invoice = |id: i32| json!({"id": id, "total": 10.5, "invoiceDate": "2024-01-31T00:00:00Z", "dateClosed": "2024-02-01T00:00:00Z"});
    house.load("UnpostedInvoice", json!([invoice(1), invoice(2)])).await;
    house.build("UnpostedInvoice", Mode::Incremental).await;
    house.load("UnpostedInvoice", json!([invoice(2)])).await;
    let report = house.build("UnpostedInvoice", Mode::Incremental).await;
    assert_eq!((report.rows, report.written.updated), (1, 1));
    let columns = "id, total, invoiceDate, dateClosed, isDeleted";
    assert_eq!(
        house.rows("UnpostedInvoice", columns).await,
        [
            "1 | 10.5000 | 2024-01-31 | 2024-02-01T00:00:00Z | true",
            "2 | 10.5000 | 2024-01-31 | 2024-02-01T00:00:00Z | false"
        ]
    );
    house.load("UnpostedInvoice", json!([invoice(1), invoice(2)])).await;
    house.build("UnpostedInvoice", Mode::Incremental).await;
    assert_eq!(house.rows("UnpostedInvoice", "id, isDeleted").await, ["1 | false", "2 | false"]);
}

#[tokio::test]
async fn without_bronze_there_is_no_silver() {
    let house = House::new();
    assert_eq!(house.build("Company", Mode::Full).await.outcome, BuildOutcome::NoInput);
    assert!(house.lake.table(&TableName::silver("company")).await.unwrap().version().is_none());
}

#[tokio::test]
async fn of_several_rows_with_one_key_the_newest_counts() {
    let version = |name: &str, changed: &str| json!({"id": 1, "notes": name, "_info": {"lastUpdated": changed}});
    let old = || version("old", "2024-01-01T00:00:00Z");
    let new = || version("new", "2024-03-01T00:00:00Z");
    let between = || version("between", "2024-02-01T00:00:00Z");
    for mode in [Mode::Full, Mode::Incremental] {
        let house = House::new();
        house.load("TimeEntry", json!([old(), entry(2)])).await;
        house.build("TimeEntry", Mode::Full).await;
        house.load("TimeEntry", json!([old(), new(), entry(2), between(), entry(3), entry(3)])).await;
        assert_eq!(house.build("TimeEntry", mode).await.outcome, BuildOutcome::Written);
        assert_eq!(house.rows("TimeEntry", "id, notes").await, ["1 | new", "2 | entry 2", "3 | entry 3"], "{mode:?}");
        for again in [Mode::Incremental, Mode::Full] {
            assert_eq!(house.build("TimeEntry", again).await.outcome, BuildOutcome::Unchanged, "{mode:?} {again:?}");
        }
    }
}

#[tokio::test]
async fn arrays_are_json_texts_that_any_engine_reads() {
    let house = House::new();
    house
        .load(
            "Company",
            json!([
                {"id": 1, "types": [{"id": 3, "name": " Client", "_info": {"type_href": "x"}}, null], "territory": {"id": 2, "name": "N"}},
                {"id": 2, "types": []},
                {"id": 3}
            ]),
        )
        .await;
    house.build("Company", Mode::Full).await;
    assert_eq!(
        house.rows("Company", "types, territoryName").await,
        [r#"[{"id":3,"name":"Client"},null] | N"#, "[] | NULL", "NULL | NULL"]
    );
}
