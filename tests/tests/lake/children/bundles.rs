//! Lists by bundle and one by one, and bundles that aren't what they claim to be.

use connectwise_extract::catalog;
use connectwise_pipeline::reconcile;
use connectwise_pipeline::run::{Mode, StepOutcome};
use serde_json::{Value, json};

use super::{Tenant, additions, hanging};
use crate::steer::post;

#[tokio::test(flavor = "multi_thread")]
async fn every_list_is_loaded_in_full_and_by_bundle() {
    let tenant = Tenant::start(900).await;
    assert_eq!(hanging().len(), 19);
    for entity in hanging() {
        let above = catalog::entity(entity.parent().unwrap().entity).unwrap();
        tenant.forget("requests").await;
        let step = tenant.load(Mode::Full, entity.name).await;
        let (bundled, alone) = tenant.requests().await;
        let rows = tenant.own(&format!("truth{}", above.path)).await;
        // The list of service tickets holds project tickets too, which aren't asked for.
        let has_list =
            |row: &&Value| entity.parent().unwrap().conditions.is_none() || row["recordType"] == "ServiceTicket";
        let parents = rows.as_array().unwrap().iter().filter(has_list).count() as u64;
        let stored = tenant.bronze(entity).await;
        assert_eq!(tenant.differences(entity).await, 0, "{}", entity.name);
        assert_eq!((step.rows_read, step.rows_inserted), (stored.len() as u64, stored.len() as u64));
        // A hundred lists a bundle; a larger one is tried once and refused. The first bundle is counted, and few others are.
        let refused = tenant.asked("/system/bundles", 400).await;
        let counts = tenant.asked("/system/bundles/count", 207).await;
        let bundles = parents.div_ceil(100);
        // The interface has no count of an invoice's payments.
        let least = u64::from(entity.count_path.is_some());
        assert!(
            refused <= 1 && (least..=bundles).contains(&counts),
            "{}: {refused} refused, {counts} counted",
            entity.name
        );
        assert_eq!((bundled, alone), (bundles + refused + counts, 0), "{}: {parents} parents", entity.name);
        // Again, and nothing is to be done.
        let version = tenant.version(entity).await;
        let step = tenant.load(Mode::Incremental, entity.name).await;
        assert_eq!((step.rows_inserted, step.rows_updated, step.rows_deleted), (0, 0, 0), "{}", entity.name);
        assert_eq!(step.outcome, StepOutcome::Unchanged);
        assert!(tenant.version(entity).await <= version + 1, "a commit with marks, and no more");
    }
    assert!(reconcile::wanted(hanging()).is_empty(), "each list is compared as a whole when it is read");
}

/// Lists of several entities are loaded at once, and most of these have more than the hundred lists that a bundle may hold here.
#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_that_was_refused_teaches_all_loads_of_the_run() {
    for (limit, refused) in [("100", 1), ("none", 0)] {
        let tenant = Tenant::start(900).await;
        post(&tenant.simulator, "switches", json!({ "bundle-limit": limit })).await;
        let names = ["ServiceTicket", "ServiceNote", "ServiceTask", "ProjectTicket", "TicketNote", "TicketTask"];
        assert_eq!(tenant.run(Mode::Full, &names).await.outcome(), "done");
        assert_eq!(tenant.asked("/system/bundles", 400).await, refused, "{limit}");
        for name in ["ServiceNote", "ServiceTask", "TicketNote", "TicketTask"] {
            assert_eq!(tenant.differences(catalog::entity(name).unwrap()).await, 0, "{limit}: {name}");
        }
    }
}

/// With lists that show how much a bundle can return, beside child lists that are shorter.
const SHOWN: [&str; 11] = [
    "Company",
    "Contact",
    "Board",
    "WorkType",
    "WorkRole",
    "Agreement",
    "AgreementAddition",
    "ServiceTicket",
    "ServiceNote",
    "ProjectTicket",
    "TicketNote",
];

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_counted_only_where_a_count_adds_proof() {
    let tenant = Tenant::start(2_000).await;
    assert_eq!(tenant.run(Mode::Full, &SHOWN).await.outcome(), "done");
    // Notes of 640 service tickets and 320 project tickets, additions of 24 agreements, and the flat lists.
    let bundles = tenant.asked("/system/bundles", 207).await;
    let counts = tenant.asked("/system/bundles/count", 207).await;
    assert!(bundles >= 12 && counts <= bundles / 2 + 2, "{bundles} bundles, {counts} bundles of counts");
    for name in ["AgreementAddition", "ServiceNote", "TicketNote"] {
        assert_eq!(tenant.differences(catalog::entity(name).unwrap()).await, 0, "{name}");
    }
}

/// Servers that return only the first records of a list, or records of the first lists only, and claim that this is all.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_cuts_bundles_without_a_word_is_found_out() {
    for (switch, most) in
        [("bundle-page", 1), ("bundle-page", 2), ("bundle-page", 4), ("bundle-lists", 40), ("bundle-lists", 150)]
    {
        let tenant = Tenant::start(900).await;
        post(&tenant.simulator, "switches", json!({ "bundle-limit": "none", switch: most })).await;
        for names in [&SHOWN[..], &["ServiceNote"]] {
            let report = tenant.run(Mode::Full, names).await;
            assert_eq!(report.outcome(), "done", "{switch} {most}: {report:#?}");
            for name in names.iter().filter(|name| catalog::entity(name).unwrap().parent().is_some()) {
                let differences = tenant.differences(catalog::entity(name).unwrap()).await;
                assert_eq!(differences, 0, "{switch} {most}: {name}");
            }
        }
        assert!(tenant.requests().await.1 > 0, "{switch} {most}: no list was read on its own");
    }
}

/// The first count shows that lists lack records, and then nothing is counted any more.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_cuts_bundles_and_stops_counting_is_not_believed() {
    let tenant = Tenant::start(900).await;
    post(&tenant.simulator, "switches", json!({ "bundle-page": 2 })).await;
    let refused = json!({ "path": "/system/bundles/count", "nth": 2, "status": 403, "times": 1_000_000 });
    post(&tenant.simulator, "faults", refused).await;
    assert_eq!(tenant.run(Mode::Full, &["ServiceNote"]).await.outcome(), "done");
    assert_eq!(tenant.asked("/system/bundles/count", 207).await, 1);
    assert!(tenant.asked("/system/bundles/count", 403).await > 0);
    assert_eq!(tenant.differences(catalog::entity("ServiceNote").unwrap()).await, 0);
}

/// A server that begins to return nothing takes no row away, and what is new comes all the same.
#[tokio::test(flavor = "multi_thread")]
async fn lists_that_come_empty_are_counted() {
    let tenant = Tenant::start(900).await;
    post(&tenant.simulator, "switches", json!({ "children-touch-parents": "yes" })).await;
    let names = ["ServiceTicket", "ServiceNote"];
    let notes = catalog::entity("ServiceNote").unwrap();
    assert_eq!(tenant.run(Mode::Full, &names).await.outcome(), "done");
    post(&tenant.simulator, "switches", json!({ "bundle-lists": 1 })).await;
    post(&tenant.simulator, "advance", json!({ "days": 2 })).await;
    assert!(tenant.differences(notes).await > 0);
    assert_eq!(tenant.run(Mode::Incremental, &names).await.outcome(), "done");
    let (truth, bronze) = (tenant.truth(notes).await, tenant.bronze(notes).await);
    assert!(
        truth.iter().all(|(key, row)| bronze.get(key) == Some(row)),
        "what is below deleted tickets may still be there"
    );
    assert_eq!(tenant.run(Mode::Full, &names).await.outcome(), "done");
    assert_eq!(tenant.differences(notes).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_bundles_lists_are_read_one_by_one() {
    for fault in [
        json!({ "path": "/system/bundles", "status": 404, "times": 100_000 }),
        json!({ "path": "/system/bundles*", "status": 403, "times": 100_000 }),
        json!({ "path": "/system/bundles", "status": 503, "times": 100_000 }),
        json!({ "path": "/system/bundles", "cut": true, "times": 100_000 }),
        json!({ "path": "/system/bundles/count", "status": 500, "times": 100_000 }),
    ] {
        let tenant = Tenant::start(300).await;
        post(&tenant.simulator, "faults", fault.clone()).await;
        let step = tenant.load(Mode::Full, additions().name).await;
        assert_eq!(tenant.differences(additions()).await, 0, "{fault}");
        let parents = tenant.own("truth/finance/agreements/count").await["count"].as_u64().unwrap();
        let (_, alone) = tenant.requests().await;
        assert!(alone >= 2 * parents, "{fault}: {alone} requests for {parents} lists and their counts");
        // What fails may work the next time; what is refused isn't asked for again, and the step says so.
        let refused = fault["status"] == 404 || fault["status"] == 403;
        assert_eq!(step.warnings.iter().any(|warning| warning.contains("one by one")), refused, "{step:?}");
    }
    // A server that takes fewer lists at once gets fewer, and one that can't count by bundle is believed.
    let tenant = Tenant::start(300).await;
    post(&tenant.simulator, "switches", json!({ "bundle-limit": "7" })).await;
    post(&tenant.simulator, "faults", json!({ "path": "/system/bundles/count", "status": 501, "times": 100_000 }))
        .await;
    let step = tenant.load(Mode::Full, additions().name).await;
    assert_eq!((tenant.differences(additions()).await, tenant.requests().await.1), (0, 0));
    assert!(step.warnings.iter().any(|warning| warning.contains("taken at their word")), "{step:?}");
}
