//! Every version of a record, with the time in which it was valid.

use connectwise_extract::catalog;
use connectwise_pipeline::silver::{BuildOutcome, Mode, TableReport, history};
use serde_json::{Value, json};

use super::house::House;
use crate::rows;

async fn build(house: &House) -> TableReport {
    house.build("Agreement", Mode::Incremental).await;
    house.build_history("Agreement", Mode::Incremental).await
}

async fn lines(house: &House, columns: &str) -> Vec<String> {
    let session = house.lake.session().unwrap();
    let table = history::table(catalog::entity("Agreement").unwrap());
    house.lake.register(&session, "t", &table).await.unwrap();
    rows::lines(&session, &format!("select {columns} from t order by id, validFrom, validTo")).await
}

const SPANS: &str = "id, name, validFrom, validTo, isCurrent, isDeleted";

fn agreement(id: i32, name: &str, changed: &str) -> Value {
    json!({
        "id": id, "name": name, "_info": {"lastUpdated": changed},
        "customFields": [{"id": 4, "caption": "Number", "type": "Text", "value": format!("\"S-{name}\"")}]
    })
}

#[tokio::test]
async fn versions_follow_each_other_and_a_late_one_is_put_between() {
    let house = House::new();
    let other = || agreement(2, "other", "2024-01-02T00:00:00Z");
    let first = || agreement(1, "first", "2024-01-01T00:00:00Z");
    let second = || agreement(1, "second", "2024-02-01T00:00:00Z");
    let third = || agreement(1, "third", "2024-03-01T00:00:00Z");
    house.load_at("Agreement", json!([first(), other()]), "2024-01-10T00:00:00Z").await;
    assert_eq!(build(&house).await.rows, 2);
    assert_eq!(build(&house).await.outcome, BuildOutcome::Unchanged);

    house.load_at("Agreement", json!([third(), other()]), "2024-03-10T00:00:00Z").await;
    let report = build(&house).await;
    assert_eq!((report.written.inserted, report.written.updated), (1, 1));
    // A read that began earlier and ended later brings an older version.
    house.load_at("Agreement", json!([second(), other()]), "2024-02-10T00:00:00Z").await;
    let report = build(&house).await;
    assert_eq!((report.written.inserted, report.written.updated), (1, 1));
    let expected = [
        "1 | first | 2024-01-01T00:00:00Z | 2024-02-01T00:00:00Z | false | false",
        "1 | second | 2024-02-01T00:00:00Z | 2024-03-01T00:00:00Z | false | false",
        "1 | third | 2024-03-01T00:00:00Z | NULL | true | false",
        "2 | other | 2024-01-02T00:00:00Z | NULL | true | false",
    ];
    assert_eq!(lines(&house, SPANS).await, expected);

    // The same batches once more.
    for (row, at) in
        [(first(), "2024-01-10T00:00:00Z"), (second(), "2024-02-10T00:00:00Z"), (third(), "2024-03-10T00:00:00Z")]
    {
        house.load_at("Agreement", json!([row, other()]), at).await;
        assert_eq!(build(&house).await.outcome, BuildOutcome::Unchanged);
    }
    assert_eq!(lines(&house, SPANS).await, expected);
    assert_eq!(lines(&house, "cf4_number").await, ["S-first", "S-second", "S-third", "S-other"]);
}

#[tokio::test]
async fn a_deletion_closes_a_row_and_a_return_opens_another() {
    let house = House::new();
    let first = || agreement(1, "first", "2024-01-01T00:00:00Z");
    let other = || agreement(2, "other", "2024-01-02T00:00:00Z");
    house.load_at("Agreement", json!([first(), other()]), "2024-01-10T00:00:00Z").await;
    build(&house).await;
    house.load_at("Agreement", json!([other()]), "2024-06-10T00:00:00Z").await;
    // Silver stamps what is gone with the start of its run, 2024-07-02.
    assert_eq!(build(&house).await.written.updated, 1);
    let closed = "1 | first | 2024-01-01T00:00:00Z | 2024-07-02T00:00:00Z | false | true";
    let stays = "2 | other | 2024-01-02T00:00:00Z | NULL | true | false";
    assert_eq!(lines(&house, SPANS).await, [closed, stays]);
    assert_eq!(build(&house).await.outcome, BuildOutcome::Unchanged);

    house.load_at("Agreement", json!([first(), other()]), "2024-08-10T00:00:00Z").await;
    build(&house).await;
    let open = "1 | first | 2024-08-10T00:00:00Z | NULL | true | false";
    assert_eq!(lines(&house, SPANS).await, [closed, open, stays]);
}

#[tokio::test]
async fn a_change_in_the_future_is_followed_by_what_is_read_later() {
    let house = House::new();
    let spoiled = || agreement(1, "spoiled", "2099-01-01T00:00:00Z");
    house.load_at("Agreement", json!([spoiled()]), "2024-01-10T00:00:00Z").await;
    build(&house).await;
    assert_eq!(
        lines(&house, SPANS).await,
        ["1 | spoiled | 2024-01-10T00:00:00Z | NULL | true | false"],
        "nobody knows better than when it was read"
    );
    // Put right at the source, to a time before that.
    house.load_at("Agreement", json!([agreement(1, "mended", "2024-01-05T00:00:00Z")]), "2024-02-10T00:00:00Z").await;
    build(&house).await;
    assert_eq!(build(&house).await.outcome, BuildOutcome::Unchanged);
    house.load_at("Agreement", json!([agreement(1, "later", "2024-03-01T00:00:00Z")]), "2024-03-10T00:00:00Z").await;
    build(&house).await;
    let expected = [
        "1 | spoiled | 2024-01-10T00:00:00Z | 2024-02-10T00:00:00Z | false | false",
        "1 | mended | 2024-02-10T00:00:00Z | 2024-03-01T00:00:00Z | false | false",
        "1 | later | 2024-03-01T00:00:00Z | NULL | true | false",
    ];
    assert_eq!(lines(&house, SPANS).await, expected);
    assert_eq!(build(&house).await.outcome, BuildOutcome::Unchanged);
}

#[tokio::test]
async fn new_custom_fields_and_a_changed_policy_reach_old_versions() {
    let mut house = House::new();
    house.load_at("Agreement", json!([agreement(1, "first", "2024-01-01T00:00:00Z")]), "2024-01-10T00:00:00Z").await;
    build(&house).await;
    let mut second = agreement(1, "second", "2024-02-01T00:00:00Z");
    second["customFields"]
        .as_array_mut()
        .unwrap()
        .push(json!({"id": 5, "caption": "More", "type": "Number", "value": "7"}));
    house.load_at("Agreement", json!([second]), "2024-02-10T00:00:00Z").await;
    build(&house).await;
    assert_eq!(
        lines(&house, "name, cf4_number, cf5_more").await,
        ["first | S-first | NULL", "second | S-second | 7.0000"]
    );

    house.set_privacy(
        "[columns]\n\"Agreement.name\" = \"drop\"\n\"Agreement.cf4\" = \"hash\"",
        Some("a key for the tests"),
    );
    assert_eq!(build(&house).await.outcome, BuildOutcome::Written);
    let found = lines(&house, "cf4_number, cf5_more, customFields").await;
    assert!(found.len() == 2 && found.iter().all(|line| !line.contains("S-")), "{found:?}");
    assert!(lines(&house, "*").await.iter().all(|line| !line.contains("first")), "dropped from old versions too");
    assert_eq!(build(&house).await.outcome, BuildOutcome::Unchanged);
}
