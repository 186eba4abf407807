//! The silver steps of a run: each table's as soon as its bronze is committed, beside the loads that go on, and the others behind them.
//!
//! A load mostly waits for answers, so that silver is computed in time that costs nothing. One silver table is built at a time, by all cores.

use std::collections::HashMap;
use std::sync::atomic::Ordering;

use connectwise_lakehouse::{Layer, Table, TableName};
use connectwise_sdk::Client;
use connectwise_sdk::catalog::Entity;
use connectwise_storage::locked;
use tokio::sync::mpsc;

use super::lists::{Fresh, LoadedLists};
use super::plan::{Plan, Run, at, is_full};
use super::server::Server;
use super::{Meter, Mode, Step, damage};
use crate::error::{Error, Result};
use crate::ledger::Journal;
use crate::silver;
use crate::tenant;

/// What has to be built of a table.
struct Todo {
    mode: Mode,
    /// Whether its rows weren't to be trusted before.
    untrusted: bool,
}

/// The silver of an entity.
#[derive(Debug)]
pub(super) struct Built {
    /// The step of the table, and that of its history.
    pub(super) steps: Vec<Step>,
    /// The table after its step, if that went well.
    pub(super) silver: Option<Table>,
}

impl Run<'_> {
    /// Loads all lists of the plan, and builds silver of those that are loaded meanwhile; by entity name.
    ///
    /// # Errors
    /// As [`lists`](Self::lists). What is being built then is given up, and its table is as it was.
    pub(super) async fn lists_and_silver(
        &self,
        client: &Client,
        server: &mut Server,
        journal: &mut Journal<'_>,
    ) -> Result<(LoadedLists, HashMap<&'static str, Built>)> {
        // Who wants one request at a time gets one thing at a time.
        if client.config().concurrency() == 1 || !self.plan.layers.contains(&Layer::Silver) {
            return Ok((self.lists(client, server, (journal, None)).await?, HashMap::new()));
        }
        let (sender, receiver) = mpsc::unbounded_channel();
        let lists = self.lists(client, server, (&mut *journal, Some(sender)));
        let beside = async { Ok(self.beside(receiver).await) };
        let (loaded, built) = futures::try_join!(lists, beside)?;
        self.tell_beside(journal).await;
        Ok((loaded, built))
    }

    /// Builds silver of what comes, one table after the other, until no more comes or the disk is full.
    async fn beside(&self, mut fresh: mpsc::UnboundedReceiver<Fresh>) -> HashMap<&'static str, Built> {
        let mut all = HashMap::new();
        while let Some((entity, bronze)) = fresh.recv().await {
            let built = self.silver(entity, Some(bronze)).await;
            let full = is_full(&built.steps);
            locked(&self.ended_beside).extend(built.steps.iter().cloned());
            all.insert(entity.name, built);
            if full {
                break;
            }
        }
        all
    }

    /// Tells the ledger of the silver steps that ended beside loads since the last time.
    pub(super) async fn tell_beside(&self, journal: &mut Journal<'_>) {
        let ended = std::mem::take(&mut *locked(&self.ended_beside));
        for step in &ended {
            journal.step(step, None).await;
        }
    }

    /// Builds silver of an entity, and its history. `bronze` is its table, if it is open already.
    pub(super) async fn silver(&self, entity: &'static Entity, mut bronze: Option<Table>) -> Built {
        let (step, silver) = self.silver_step(entity, &mut bronze).await;
        let mut steps = vec![step];
        if entity.history {
            steps.push(self.history(entity, silver.as_ref()).await);
        }
        Built { steps, silver }
    }

    async fn silver_step(&self, entity: &'static Entity, bronze: &mut Option<Table>) -> (Step, Option<Table>) {
        let table = TableName::silver(entity.table);
        self.step(table, &[TableName::bronze(entity.table)], &Meter::default(), async |step, _| {
            let lake = self.lake;
            let plan = self.plan;
            let bronze = match bronze.take() {
                Some(bronze) => bronze,
                None => lake.table(&TableName::bronze(entity.table)).await?,
            };
            if tenant::is_of_another(&bronze, self.owner).await? {
                return Err(Error::unmoved(bronze.name(), None));
            }
            let (silver, healed) = damage::silver(lake, entity, plan, &self.run_id).await?;
            let Todo { mode, untrusted } = self.todo(&silver, healed, step).await?;
            let request = self.request(entity);
            let mut built = silver::build(&bronze, &silver, &request, mode).await?;
            let mut silver = at(&silver, built.written.version).await?;
            if let Some(why) = damage::short(&bronze, &silver, entity) {
                step.warnings.push(why);
                built = silver::build(&bronze, &silver, &request, Mode::Full).await?;
                silver = at(&silver, built.written.version).await?;
                let still = damage::short(&bronze, &silver, entity);
                step.warnings.extend(still.map(|still| format!("{still}, and still is")));
            }
            if untrusted {
                lake.trust(silver.name(), &self.run_id).await?;
            }
            step.built(&built);
            Ok(silver)
        })
        .await
    }

    fn request(&self, entity: &'static Entity) -> silver::SilverRequest<'_> {
        let Plan { privacy, extra, .. } = self.plan;
        silver::SilverRequest { entity, privacy, extra, run_id: &self.run_id, started: self.started }
    }

    async fn history(&self, entity: &'static Entity, silver: Option<&Table>) -> Step {
        let table = silver::history::table(entity);
        let (step, _) = self
            .step(table, &[TableName::silver(entity.table)], &Meter::default(), async |step, _| {
                let (history, healed) = damage::history(self.lake, entity, &self.run_id).await?;
                let Todo { mode, untrusted } = self.todo(&history, healed, step).await?;
                let mode = if self.unsettled.load(Ordering::Relaxed) { Mode::Full } else { mode };
                let silver = match silver {
                    Some(silver) => silver.clone(),
                    None => self.lake.table(&TableName::silver(entity.table)).await?,
                };
                let request = self.request(entity);
                let built = silver::history::build(&silver, &history, &request, mode).await?;
                if untrusted {
                    self.lake.trust(history.name(), &self.run_id).await?;
                }
                step.built(&built);
                Ok(())
            })
            .await;
        step
    }

    /// How much has to be built of a table, and of those above it, that may have been mended.
    async fn todo(&self, table: &Table, healed: Option<damage::Healed>, step: &mut Step) -> Result<Todo> {
        let untrusted = table.is_untrusted().await?;
        let is_whole = healed.as_ref().is_none_or(|healed| healed.is_whole) && !untrusted;
        step.warnings.extend(healed.map(|healed| healed.told));
        if is_whole {
            return Ok(Todo { mode: self.plan.mode, untrusted });
        }
        self.unsettled.store(true, Ordering::Relaxed);
        Ok(Todo { mode: Mode::Full, untrusted })
    }
}
