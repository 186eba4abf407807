//! What an outsider can do to a table: after the next run bronze, silver and gold are what they were and the run says what it
//! found, or the run fails and says what to do.

use std::collections::BTreeSet;

use connectwise_extract::catalog;
use connectwise_lakehouse::{Changes, Commit, Layer, TableName};
use connectwise_pipeline::query;
use connectwise_pipeline::run::{Mode, Plan, Quiet, StepOutcome, execute};
use connectwise_pipeline::silver::history;
use connectwise_tests::client;
use serde_json::json;

use crate::alike::{copy, rows};
use crate::loaded::{BELOW_GOLD, Tenant, assert_same, content, entities, said, silver_tables};
use crate::others::{Deed, does};
use crate::steer::post;
use crate::truth::{assert_truth, truth};

/// Something happens at the source.
async fn change(tenant: &Tenant) {
    let additions = catalog::entity("AgreementAddition").unwrap();
    let rows = truth(&tenant.simulator, additions).await;
    let parent = rows.values().next().unwrap()["_parentId"].as_f64().unwrap();
    let below = additions.path.replace("{parentId}", &parent.to_string());
    let some = json!({ "edit": 10, "insert": 2 });
    post(&tenant.simulator, "switches", json!({ "children-touch-parents": "yes" })).await;
    let changes = json!({ "Company": some, "TimeEntry": some, "Agreement": { "edit": 2 }, "Board": { "edit": 1 },
        "Member": { "edit": 1 }, below: { "edit": 1 } });
    post(&tenant.simulator, "advance", changes).await;
}

/// Rounds in which four tables have every deed between them.
const ROUNDS: usize = 5;

/// Deeds at tables, one at each in a round. The next run of these layers mends all of them and names those whose rows or columns
/// were other ones. Tables of one kind are together, and each goes on where the one before it ends.
async fn every_deed(tenant: &Tenant, kinds: &[&[TableName]], layers: &[Layer], compared: &[(TableName, &str)]) {
    let above = if layers.contains(&Layer::Bronze) { &BELOW_GOLD[..] } else { &Layer::ALL };
    let mut tried = vec![BTreeSet::new(); kinds.len()];
    let mut last: Vec<&TableName> = Vec::new();
    for round in 0..ROUNDS {
        change(tenant).await;
        let report = tenant.run(Mode::Incremental, above).await;
        assert_eq!(report.failed().count(), 0, "before round {round}: {:?}", report.steps);
        // They are as they have to be, and so the next run has nothing to say of them.
        for table in last.drain(..) {
            let said = said(&report, table);
            assert!(!said.contains(&table.to_string()), "in the run after round {}: {said}", round - 1);
        }
        let before = content(tenant.lake(), compared).await;
        let mut done = Vec::new();
        for (tables, tried) in kinds.iter().zip(&mut tried) {
            for (at, table) in tables.iter().enumerate() {
                let deed = Deed::ALL[(round + ROUNDS * at) % Deed::ALL.len()];
                if does(deed, &tenant.lakehouse, table).await {
                    tried.insert(deed);
                    done.push((table, deed));
                }
            }
        }
        let named: Vec<String> = done.iter().map(|(table, deed)| format!("{deed:?} at {table}")).collect();
        let when = format!("round {round}, after {}", named.join(", "));
        println!("{when}");
        let report = tenant.run(Mode::Incremental, layers).await;
        assert_eq!(report.failed().count(), 0, "{when}: {:?}", report.steps);
        for (table, deed) in &done {
            let said = said(&report, table);
            assert_eq!(said.contains(&table.to_string()), deed.changes(), "{when}: of {table}: {said:?}");
            last.push(table);
        }
        if layers.contains(&Layer::Bronze) {
            assert_truth(&tenant.simulator, &tenant.lakehouse, entities(), &when).await;
        }
        assert_same(&content(tenant.lake(), compared).await, &before, &when);
    }
    for (tables, tried) in kinds.iter().zip(&tried) {
        // Two more may be impossible where a table has no chance to have them again.
        let wanted = if ROUNDS * tables.len() >= Deed::ALL.len() { Deed::ALL.len() } else { ROUNDS * tables.len() - 2 };
        assert!(tried.len() >= wanted, "{} of {wanted} deeds at {tables:?}: {tried:?}", tried.len());
    }
    tenant.run(Mode::Incremental, &Layer::ALL).await;
    tenant.assert_equal("after all of them").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bronze_and_silver_that_others_changed_are_read_and_built_anew() {
    let tenant = Tenant::loaded().await;
    let bronze = |name: &str| TableName::bronze(catalog::entity(name).unwrap().table);
    let silver = |name: &str| TableName::silver(catalog::entity(name).unwrap().table);
    let incremental = ["Company", "Member", "TimeEntry", "Agreement"].map(bronze);
    let above = ["Agreement", "Board", "AgreementAddition", "Member"].map(silver);
    let history = [history::table(catalog::entity("Agreement").unwrap())];
    let kinds = [&incremental[..], &[bronze("Board")], &[bronze("AgreementAddition")], &above, &history];
    every_deed(&tenant, &kinds, &BELOW_GOLD, &silver_tables()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn gold_that_others_changed_is_built_anew() {
    let tenant = Tenant::loaded().await;
    let facts = ["fact_timeentry", "fact_invoiceline"].map(TableName::gold);
    let dimensions = ["dimcompany", "dimmember", "dimagreement", "dimworktype"].map(TableName::gold);
    let compared: Vec<_> = facts.iter().chain(&dimensions).map(|table| (table.clone(), "true")).collect();
    every_deed(&tenant, &[&facts, &dimensions], &[Layer::Gold], &compared).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_table_is_read_again_and_the_run_says_what_was_restored() {
    let tenant = Tenant::loaded().await;
    let table = TableName::bronze("company");
    post(&tenant.simulator, "advance", json!({ "Company": { "edit": 10 } })).await;
    tenant.run(Mode::Incremental, &BELOW_GOLD).await;
    assert!(does(Deed::Restore, &tenant.lakehouse, &table).await);
    let report = tenant.run(Mode::Incremental, &BELOW_GOLD).await;
    tenant.run(Mode::Incremental, &[Layer::Gold]).await;
    tenant.assert_equal("after a RESTORE").await;
    let said = said(&report, &table);
    assert!(said.contains("was changed by another writer (RESTORE, version 2"), "{said}");
    assert!(said.contains("so that all of it was read again"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_begins_again_is_new_to_those_that_are_made_from_it() {
    let tenant = Tenant::loaded().await;
    let tables = [TableName::bronze("company"), TableName::silver("timeentry")];
    let at = async |table| tenant.lake().table(table).await.unwrap().version();
    change(&tenant).await;
    for table in &tables {
        assert_eq!(at(table).await, Some(0));
        assert!(does(Deed::Remove, &tenant.lakehouse, table).await);
    }
    tenant.run(Mode::Incremental, &Layer::ALL).await;
    for table in &tables {
        assert_eq!(at(table).await, Some(0), "{table} has the version again that was seen");
    }
    tenant.assert_equal("after folders were taken away").await;
}

/// A folder that is put back from a backup counts its versions again, and its log says nothing of that.
#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_is_put_back_from_a_backup_is_new_to_those_that_are_made_from_it() {
    for (table, behind) in
        [(TableName::bronze("company"), 1), (TableName::silver("timeentry"), 1), (TableName::bronze("agreement"), 2)]
    {
        let tenant = Tenant::loaded().await;
        let backup = tempfile::tempdir().unwrap();
        let place = tenant.lakehouse.path().join(table.to_string());
        copy(&place, backup.path());
        let at = async || tenant.lake().table(&table).await.unwrap().version();
        for _ in 0..behind {
            change(&tenant).await;
            tenant.run(Mode::Incremental, &Layer::ALL).await;
        }
        let before = at().await;
        assert_eq!(before, Some(behind), "{table} has a version a run");
        std::fs::remove_dir_all(&place).unwrap();
        copy(backup.path(), &place);
        for run in 0..=behind {
            change(&tenant).await;
            tenant.run(Mode::Incremental, &Layer::ALL).await;
            if run + 1 == behind {
                assert_eq!(at().await, before, "{table} has the version again that was seen");
            }
            tenant.assert_equal(&format!("{run} runs after {table} was put back")).await;
        }
    }
}

/// A key is given once, and a fact that isn't computed again keeps it.
#[tokio::test(flavor = "multi_thread")]
async fn surrogate_keys_that_are_put_back_from_a_backup_go_to_no_other_member() {
    let tenant = Tenant::loaded().await;
    let (keys, backup) = (TableName::gold("dimension_keys"), tempfile::tempdir().unwrap());
    let place = tenant.lakehouse.path().join(keys.to_string());
    copy(&place, backup.path());
    let given = async || rows(tenant.lake(), "select CompanyKey, companyId from dimcompany where CompanyKey > 0").await;
    let insert = async || {
        post(&tenant.simulator, "advance", json!({ "Company": { "insert": 2 } })).await;
        tenant.run(Mode::Incremental, &Layer::ALL).await;
    };
    insert().await;
    // As if the second of the two new companies had come before the first: in their own order they would get the same keys again.
    let newest = "select max(surrogateKey) as top from dimension_keys where dimension = 'dimcompany'";
    let swapped = format!(
        "select arrow_cast(k.key, 'Utf8') as key, arrow_cast(k.dimension, 'Utf8') as dimension, \
         arrow_cast(k.naturalKey, 'Utf8') as naturalKey, cast(2 * top - 1 - k.surrogateKey as bigint) as surrogateKey, \
         k._etl_gold_processed_at, arrow_cast(k._etl_batch_id, 'Utf8') as _etl_batch_id \
         from dimension_keys k cross join ({newest}) n \
         where k.dimension = 'dimcompany' and k.surrogateKey >= top - 1"
    );
    let swapped = query::select(tenant.lake(), &swapped).await.unwrap();
    let table = tenant.lake().table(&keys).await.unwrap();
    let schema = table.schema().unwrap();
    table.merge(&schema, Changes::upserts("key", swapped), &Commit::new("swap")).await.unwrap();
    tenant.run(Mode::Full, &[Layer::Gold]).await;
    let before = given().await;
    std::fs::remove_dir_all(&place).unwrap();
    copy(backup.path(), &place);
    insert().await;
    let after = given().await;
    assert_eq!(after.len(), before.len() + 2);
    for key in &before {
        assert!(after.contains(key), "{key} was given, and now there is {after:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_isnt_made_from_one_that_others_changed() {
    let tenant = Tenant::loaded().await;
    let (bronze, silver) = (TableName::bronze("company"), TableName::silver("company"));
    let before = tenant.lake().table(&silver).await.unwrap().version();
    assert!(does(Deed::Update, &tenant.lakehouse, &bronze).await);
    let company = vec![catalog::entity("Company").unwrap()];
    let plan = Plan { entities: company, ..Tenant::plan(Mode::Full, &[Layer::Silver]) };
    let report = execute(tenant.lake(), Some(&client(&tenant.simulator).unwrap()), &plan, &Quiet).await.unwrap();
    let step = report.steps.iter().find(|step| step.table == silver.name).unwrap();
    let StepOutcome::Failed(why) = &step.outcome else { panic!("{step:?}") };
    assert!(why.contains("was changed by another writer (UPDATE") && why.contains("run --layers bronze"), "{why}");
    assert_eq!(tenant.lake().table(&silver).await.unwrap().version(), before);
    assert_eq!(report.exit_code(), 3, "nothing but that was asked for: {:?}", report.steps);
}
