//! `reconcile` and `maintain` as runs: the same work, with its part of the ledger.

use std::time::Instant;

use chrono::Utc;
use connectwise_sdk::Client;
use connectwise_sdk::catalog::Entity;

use super::Step;
use super::plan::Server;
use crate::error::Result;
use crate::gold::GoldConfig;
use crate::lake::{Lake, Layer, TableName, Upkeep};
use crate::ledger::{End, Journal, Start, Work};
use crate::{maintain as upkeep_of, reconcile as sweep_of};

/// Reconciles entities and tells the ledger, entity by entity. A dry run writes nothing, and so leaves nothing there.
///
/// Beside the report: whether the ledger could be written. What was done is done all the same.
pub async fn reconcile(
    lake: &Lake,
    client: &Client,
    entities: &[&'static Entity],
    request: &sweep_of::Request,
) -> (sweep_of::Report, Result<()>) {
    if request.dry_run {
        return (sweep_of::run(lake, client, entities, request).await, Ok(()));
    }
    let clock = Instant::now();
    let start = Start {
        run_id: &request.run_id,
        started: request.started,
        work: Work::Reconcile,
        layers: &[Layer::Bronze],
        asked: Some(client.config().version()),
    };
    let mut journal = Journal::begin(lake, start).await;
    let server = Server::ask(client).await;
    let (mut all, mut steps) = (Vec::new(), Vec::new());
    for entity in entities {
        let client = client.with_own_stats();
        let found = sweep_of::run(lake, &client, &[*entity], request).await.entities;
        for found in &found {
            let mut step = Step::new(&TableName::bronze(entity.table));
            step.reconciled(found);
            step.spent(client.stats());
            journal.step(&step, None).await;
            steps.push(step);
        }
        all.extend(found);
    }
    let total = |of: fn(&Step) -> u64| steps.iter().map(of).sum::<u64>();
    let end = End {
        steps: &steps,
        tests: &[],
        server: server.release.as_deref(),
        requests: total(|step| step.requests) + server.spent.requests,
        retries: total(|step| step.retries) + server.spent.retries,
        bytes: total(|step| step.bytes) + server.spent.bytes,
        seconds: clock.elapsed().as_secs_f64(),
        ended: Utc::now(),
    };
    let told = journal.end(&end).await;
    (sweep_of::Report { run_id: request.run_id.clone(), dry_run: false, entities: all }, told)
}

/// Keeps tables in order and tells the ledger, as [`reconcile`] does.
///
/// # Errors
/// None of its own; what fails is in the report.
pub async fn maintain(
    lake: &Lake,
    layers: &[Layer],
    gold: &GoldConfig,
    upkeep: &Upkeep,
) -> Result<(upkeep_of::Report, Result<()>)> {
    if upkeep.dry_run {
        return Ok((upkeep_of::run(lake, layers, gold, upkeep).await?, Ok(())));
    }
    let (clock, started) = (Instant::now(), Utc::now());
    let start = Start { run_id: &upkeep.run_id, started, work: Work::Maintain, layers, asked: None };
    let mut journal = Journal::begin(lake, start).await;
    let report = upkeep_of::run(lake, layers, gold, upkeep).await?;
    let mut steps = Vec::new();
    for done in &report.tables {
        let mut step = Step::new(&done.name);
        step.maintained(done);
        journal.step(&step, None).await;
        steps.push(step);
    }
    let end = End {
        steps: &steps,
        tests: &[],
        server: None,
        requests: 0,
        retries: 0,
        bytes: 0,
        seconds: clock.elapsed().as_secs_f64(),
        ended: Utc::now(),
    };
    Ok((report, journal.end(&end).await))
}
