//! `reconcile` and `maintain` as runs: the same work, with its part of the ledger.

use std::time::Instant;

use chrono::Utc;
use connectwise_extract::progress::Progress;
use connectwise_lakehouse::{Lake, Layer, TableName};
use connectwise_sdk::Client;
use connectwise_sdk::catalog::Entity;
use connectwise_upkeep::MaintenanceOptions;

use super::server::Server;
use super::{Step, damage};
use crate::error::{Error, Result};
use crate::gold::GoldConfig;
use crate::halt::Halt;
use crate::ledger::{End, Journal, Start, Work};
use crate::tenant::{self, Admitted, Signature};
use crate::{maintain as upkeep_of, reconcile as sweep_of};

/// Reconciles entities and tells the ledger, entity by entity. A dry run writes nothing, and so leaves nothing there.
///
/// Beside the report: whether the ledger could be written. What was done is done all the same.
///
/// # Errors
/// [`Kind::Config`](crate::error::Kind::Config) when the lakehouse belongs to another tenant: nothing was asked and nothing
/// written.
pub async fn reconcile(
    lake: &Lake,
    client: &Client,
    entities: &[&'static Entity],
    options: &sweep_of::ReconcileOptions,
    progress: &dyn Progress,
) -> Result<(sweep_of::ReconcileReport, Result<()>)> {
    progress.planned(entities.len());
    if options.dry_run {
        // Admission mends what says whose lakehouse it is.
        tenant::owner(lake).await?;
    }
    let Admitted { lake, signature, .. } = tenant::admit(lake, client, false, &options.run_id, options.started).await?;
    let lake = &lake;
    if options.dry_run {
        let mut all = Vec::new();
        let run_id = options.run_id.clone();
        let mut not_tried = Vec::new();
        let mut halt = Halt::default();
        for (at, entity) in entities.iter().enumerate() {
            let found = swept(lake, client, entity, options, signature).await?;
            progress.done(entity.name);
            let failed = found.iter().any(|one| one.refused.is_some());
            let trouble = found.iter().find_map(|one| one.trouble);
            all.extend(found);
            let rest = &entities[at + 1..];
            if let Some(why) = halt.after(client, failed, trouble, rest).await {
                not_tried = rest.iter().map(|entity| entity.name).collect();
                if let Some(last) = all.last_mut().filter(|_| !rest.is_empty()) {
                    last.stopped(&why);
                }
                break;
            }
        }
        return Ok((sweep_of::ReconcileReport { run_id, dry_run: true, entities: all, not_tried }, Ok(())));
    }
    let clock = Instant::now();
    let start = Start {
        run_id: &options.run_id,
        started: options.started,
        work: Work::Reconcile,
        layers: &[Layer::Bronze],
        asked: Some(client.config().version()),
    };
    let (opened, told) = damage::aside(lake, start.run_id).await;
    for what in told {
        tracing::warn!("{what}");
    }
    let mut journal = Journal::begin(lake, start, opened).await;
    let server = Server::ask(client).await;
    let mut all = Vec::new();
    let mut steps = Vec::new();
    let mut not_tried = Vec::new();
    let mut halt = Halt::new(server.trouble);
    for (at, entity) in entities.iter().enumerate() {
        let client = client.with_own_stats();
        let mut found = swept(lake, &client, entity, options, signature).await?;
        progress.done(entity.name);
        let mut stops = false;
        for found in &mut found {
            let rest = &entities[at + 1..];
            let why = halt.after(&client, found.refused.is_some(), found.trouble, rest).await;
            stops = why.is_some();
            if let Some(why) = why.filter(|_| !rest.is_empty()) {
                not_tried = rest.iter().map(|entity| entity.name).collect();
                found.stopped(&why);
            }
            let mut step = Step::new(&TableName::bronze(entity.table));
            found.tell(&mut step);
            step.spent(client.stats());
            journal.step(&step, None).await;
            steps.push(step);
        }
        all.extend(found);
        if stops {
            break;
        }
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
    Ok((sweep_of::ReconcileReport { run_id: options.run_id.clone(), dry_run: false, entities: all, not_tried }, told))
}

/// Reconciles one entity, unless its table still holds the rows of an earlier tenant.
async fn swept(
    lake: &Lake,
    client: &Client,
    entity: &'static Entity,
    options: &sweep_of::ReconcileOptions,
    owner: Signature,
) -> Result<Vec<sweep_of::EntityReport>> {
    let table = lake.table(&TableName::bronze(entity.table)).await?;
    if tenant::is_of_another(&table, owner).await? {
        return Ok(vec![sweep_of::EntityReport::refusing(entity, Error::unmoved(table.name(), None).to_string())]);
    }
    Ok(sweep_of::run(lake, client, &[entity], options).await.entities)
}

/// Keeps tables in order and tells the ledger, as [`reconcile`] does.
///
/// # Errors
/// None of its own; what fails is in the report.
pub async fn maintain(
    lake: &Lake,
    layers: &[Layer],
    gold: &GoldConfig,
    options: &MaintenanceOptions,
    progress: &dyn Progress,
) -> Result<(upkeep_of::MaintenanceReport, Result<()>)> {
    if options.dry_run {
        return Ok((upkeep_of::run(lake, layers, gold, options, progress).await?, Ok(())));
    }
    let clock = Instant::now();
    let started = Utc::now();
    let start = Start { run_id: &options.run_id, started, work: Work::Maintain, layers, asked: None };
    let (opened, told) = damage::aside(lake, start.run_id).await;
    for what in told {
        tracing::warn!("{what}");
    }
    let mut journal = Journal::begin(lake, start, opened).await;
    let report = upkeep_of::run(lake, layers, gold, options, progress).await?;
    let mut steps = Vec::new();
    for done in &report.tables {
        let mut step = Step::new(&done.name);
        done.tell(&mut step);
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
