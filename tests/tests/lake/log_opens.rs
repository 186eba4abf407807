//! How often a run opens the logs of tables. On a local disk that costs nothing; on a remote store each is a listing and several
//! requests.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex};

use connectwise_lakehouse::Layer;
use connectwise_pipeline::run::{Mode, Plan, Quiet, execute};
use connectwise_sim::Simulator;
use connectwise_tests::{Lakehouse, client};
use object_store::path::Path;

use crate::store::{Watcher, watch};

/// Logs that a run may open over all 82 entities in which nothing changed: little more than one of each table.
const AT_MOST: usize = 250;

/// Listings of logs in this process, by folder.
#[derive(Debug, Default)]
struct Listings(Mutex<BTreeMap<String, usize>>);

impl Watcher for Listings {
    fn list(&self, prefix: Option<&Path>) {
        if let Some(log) = prefix.filter(|prefix| prefix.as_ref().ends_with("_delta_log")) {
            *self.0.lock().unwrap().entry(log.to_string()).or_default() += 1;
        }
    }
}

static LISTINGS: LazyLock<Arc<Listings>> = LazyLock::new(|| {
    let listings = Arc::new(Listings::default());
    watch(listings.clone());
    listings
});

/// The listings since the last time, of a lakehouse.
fn taken(lakehouse: &Lakehouse) -> BTreeMap<String, usize> {
    let root = lakehouse.path().to_str().unwrap().trim_start_matches('/').to_owned();
    LISTINGS.0.lock().unwrap().extract_if(.., |log, _| log.starts_with(&root)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_in_which_nothing_changed_opens_few_logs() {
    LazyLock::force(&LISTINGS);
    let simulator = Simulator::builder().seed(8).scale(300).start().await.unwrap();
    let lakehouse = Lakehouse::empty().unwrap();
    let entities = connectwise_extract::catalog::entities().iter().collect::<Vec<_>>();
    let run = async |mode| {
        let plan = Plan::new(Layer::ALL.to_vec(), mode, entities.clone());
        let report = execute(lakehouse.lake(), Some(&client(&simulator).unwrap()), &plan, &Quiet).await.unwrap();
        assert_eq!(report.exit_code(), 0, "{:#?} {:#?}", report.steps, report.warnings);
        taken(&lakehouse)
    };
    run(Mode::Full).await;
    run(Mode::Incremental).await;
    let opened = run(Mode::Incremental).await;
    let total: usize = opened.values().sum();
    let often: BTreeMap<_, _> = opened.iter().filter(|(_, times)| **times > 1).collect();
    eprintln!("{total} logs opened over {} tables, more than once: {often:#?}", opened.len());
    assert!(total > entities.len(), "the listings of logs aren't seen any more");
    assert!(total <= AT_MOST, "{total} logs were opened; more than once: {often:#?}");
}
