//! The bronze loads of a run: several lists are loaded at once, parents before their child lists, each in a commit of its own.
//!
//! All loads are futures of one task and use one client, whose limiter bounds the requests under way and the rate. A load
//! mostly waits for one answer, so somewhat more lists are loaded than requests are allowed: while one writes, another
//! requests. While the whole server is in doubt, lists are loaded one at a time until one succeeds.
//! `docs/decisions/0031-lists-at-once.md` says why this is enough.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::pin::pin;

use connectwise_lakehouse::{Table, TableName};
use connectwise_sdk::Client;
use connectwise_sdk::catalog::Entity;
use futures::future::{Either, FutureExt, LocalBoxFuture, select};
use futures::stream::{FuturesUnordered, StreamExt};
use tokio::sync::mpsc;

use super::load::{ListTarget, Ready};
use super::plan::Run;
use super::server::Server;
use super::survey::{ExpectedLoad, Survey};
use super::{Meter, Step, StepOutcome};
use crate::children;
use crate::error::{Error, Result};
use crate::halt::Halt;
use crate::ledger::Journal;
use crate::tenant;

/// Result of all bronze loads.
#[derive(Debug, Default)]
pub(super) struct LoadedLists {
    /// The step of each load, in the order of the plan.
    pub(super) steps: Vec<Step>,
    /// Tables that were loaded, at their version after the load.
    pub(super) tables: Vec<Table>,
    /// Entities that weren't requested, as every request fails.
    pub(super) not_tried: Vec<&'static str>,
    /// Damage of tables whose lists weren't requested.
    pub(super) warnings: Vec<String>,
    /// Whether any load succeeded.
    pub(super) went: bool,
}

/// A list that was loaded, and its table after the load.
pub(super) type Fresh = (&'static Entity, Table);

/// What ended of that which goes on at once.
enum Ended {
    /// The first half of the survey: how much there is to read of each list.
    Counted(Box<Survey>),
    /// The survey, with the tables that it opened and what it found out.
    Survey(HashMap<&'static str, Ready>),
    /// The load of a list, with its table where that was written.
    Load(Box<(&'static Entity, Meter, Step, Option<Table>)>),
}

/// Lists whose loads haven't begun.
#[derive(Debug)]
struct Waiting(VecDeque<&'static Entity>);

impl Waiting {
    /// Removes the next list that isn't being surveyed and whose parents' list is neither waiting nor running.
    fn next(&mut self, running: &[(TableName, Meter)], surveyed: &BTreeSet<&'static str>) -> Option<&'static Entity> {
        let comes = |entity: &&'static Entity| {
            let Some(parent) = entity.parent() else { return false };
            let above = |other: &&'static Entity| other.name == parent.entity;
            let is_running = |other: &&'static Entity| running.iter().any(|(table, _)| is_of(table, other));
            self.0.iter().any(above)
                || connectwise_extract::catalog::entity(parent.entity).is_ok_and(|other| is_running(&other))
        };
        let at = self.0.iter().position(|entity| !surveyed.contains(entity.name) && !comes(entity))?;
        self.0.remove(at)
    }

    /// Sorts by expected requests, most first, and by records where these are alike, so that no long load is left for the end. A list
    /// counts the requests of its child lists too, by the records that these hang on, so that parents come first. Lists of unknown size
    /// keep their order.
    fn longest_first(&mut self, expected: impl Fn(&str) -> ExpectedLoad) {
        let below = |parent: &str| expected(parent).parents.div_ceil(children::BUNDLE as u64);
        let requests = |entity: &&'static Entity| match entity.parent() {
            Some(parent) => (below(parent.entity), 0),
            None => {
                let hangs =
                    |other: &&&'static Entity| other.parent().is_some_and(|parent| parent.entity == entity.name);
                let lists = self.0.iter().filter(hangs).count() as u64;
                let ExpectedLoad { requests, records, .. } = expected(entity.name);
                (requests + lists * below(entity.name), records)
            }
        };
        let mut lists: Vec<_> = self.0.iter().copied().map(|entity| (requests(&entity), entity)).collect();
        lists.sort_by_key(|(requests, _)| Reverse(*requests));
        self.0 = lists.into_iter().map(|(_, entity)| entity).collect();
    }

    fn names(&self) -> Vec<&'static str> {
        self.0.iter().map(|entity| entity.name).collect()
    }
}

impl Run<'_> {
    /// Loads all lists of the plan, until none is left or every request fails. The tables of lists that were loaded go to `fresh`, if
    /// there is somebody to take them.
    ///
    /// # Errors
    /// When another tenant's first load has claimed the lakehouse meanwhile.
    pub(super) async fn lists(
        &self,
        client: &Client,
        server: &mut Server,
        (journal, fresh): (&mut Journal<'_>, Option<mpsc::UnboundedSender<Fresh>>),
    ) -> Result<LoadedLists> {
        let mut halt = Halt::new(server.trouble).doubting(server.doubted);
        let mut waiting = Waiting(self.plan.entities.iter().copied().collect());
        let mut running: Vec<(TableName, Meter)> = Vec::new();
        let asking = client.with_own_stats();
        let mut loads: FuturesUnordered<LocalBoxFuture<'_, Ended>> = FuturesUnordered::new();
        // Loads that ended while the result of an earlier one was handled.
        let mut ended = VecDeque::new();
        let mut loaded = LoadedLists::default();
        let mut stopped = None;
        self.observer.planned(waiting.0.len());
        self.divide_evenly();
        let mut ready = HashMap::new();
        // Lists of which the survey may still read something.
        let mut surveyed = BTreeSet::new();
        let lists = if server.doubted { None } else { self.unsurveyed().await };
        if let Some(mut lists) = lists {
            if at_once(client) > 1 {
                ready = lists.take_compared();
            }
            surveyed.extend(waiting.names().into_iter().filter(|name| !ready.contains_key(name)));
            // Before the loads: what it finds out is what most of them wait for.
            loads.push(self.survey(&asking, lists).map(|survey| Ended::Counted(Box::new(survey))).boxed_local());
        }
        loop {
            // Nobody needs a survey any more that still goes on.
            if stopped.is_some() && running.is_empty() {
                break;
            }
            while stopped.is_none()
                && running.len() < at_once(client).min(halt.room())
                && let Some(entity) = waiting.next(&running, &surveyed)
            {
                let meter = Meter::default();
                let unreached = server.unreached.take();
                let target = ListTarget { entity, ready: ready.remove(entity.name) };
                running.push((TableName::bronze(entity.table), meter.clone()));
                let load = async move {
                    let (step, table) = match unreached {
                        Some(why) => (self.unreached(entity, why).await, None),
                        None => self.bronze(client, target, &meter).await,
                    };
                    Ended::Load(Box::new((entity, meter, step, table)))
                };
                loads.push(load.boxed_local());
            }
            let next = match ended.pop_front() {
                Some(load) => Some(load),
                None => journal.beside(&running, loads.next()).await,
            };
            let (entity, meter, mut step, table) = match next {
                Some(Ended::Load(load)) => *load,
                Some(Ended::Counted(mut survey)) => {
                    if at_once(client) > 1 {
                        waiting.longest_first(|name| survey.expected(name));
                        ready.extend(survey.take_long());
                    }
                    surveyed.retain(|name| !ready.contains_key(name));
                    loads.push(self.read_together(&asking, *survey).map(Ended::Survey).boxed_local());
                    continue;
                }
                Some(Ended::Survey(found)) => {
                    ready.extend(found);
                    surveyed.clear();
                    continue;
                }
                None => break,
            };
            running.retain(|(table, _)| !is_of(table, entity));
            let rest: Vec<_> = waiting.0.iter().copied().collect();
            let is_first = loaded.steps.is_empty();
            let is_last = rest.is_empty() && running.is_empty();
            let all_shut = loaded.steps.iter().all(is_shut);
            let taken = async {
                let mut stops = None;
                if step.requests == 0 && !step.is_failed() {
                    halt.unasked();
                } else if stopped.is_none() {
                    stops = halt.after(client, step.is_failed(), step.trouble, &rest).await;
                    if let Some(why) = stops.as_ref().filter(|_| !rest.is_empty()) {
                        step.add_to_failure(why);
                    }
                }
                // A role that may read no list at all is a failure, not a missing right: wrong credentials can look like that.
                if is_last && !is_first && is_shut(&step) && all_shut {
                    let count = self.plan.entities.len();
                    let why = format!("the role may read none of {count} lists: check the credentials and its rights");
                    step.outcome = StepOutcome::Failed(why);
                }
                meter.redact(client);
                journal.step(&step, Some((entity, &meter))).await;
                self.tell_beside(journal).await;
                if step.is_failed() {
                    // Another tenant's first load may have claimed the lakehouse meanwhile.
                    tenant::admit(self.lake, client, self.plan.adopt_tenant, &self.run_id, self.started).await?;
                }
                Ok::<_, Error>((step, stops))
            };
            let (step, stops) = meanwhile(&mut loads, &mut ended, taken).await?;
            if stops.is_some() {
                loaded.not_tried = waiting.names();
                stopped = stops;
            }
            let takes = fresh.as_ref().filter(|_| stopped.is_none() && !step.is_failed() && !is_shut(&step));
            let kept = match (table, takes) {
                // Who doesn't take it any more leaves it to be built behind the loads.
                (Some(table), Some(fresh)) => fresh.send((entity, table)).err().map(|unsent| unsent.0.1),
                (table, _) => table,
            };
            loaded.tables.extend(kept);
            loaded.steps.push(step);
        }
        server.spent += asking.stats();
        if stopped.is_none() {
            // Normally empty. A list whose load never began is reported as not tried.
            loaded.not_tried = waiting.names();
        }
        let names: Vec<String> = self.plan.entities.iter().map(|entity| TableName::bronze(entity.table).name).collect();
        loaded.steps.sort_by_key(|step| names.iter().position(|name| *name == step.table));
        loaded.warnings.extend(ready.into_values().filter_map(|ready| ready.mended));
        loaded.went = halt.went();
        Ok(loaded)
    }
}

/// Runs `work` while the loads are polled: a load that isn't polled keeps its permit of the limiter. Loads that end go to
/// `ended`.
async fn meanwhile<L: Future, T>(
    loads: &mut FuturesUnordered<L>,
    ended: &mut VecDeque<L::Output>,
    work: impl Future<Output = T>,
) -> T {
    let mut work = pin!(work);
    loop {
        match select(work.as_mut(), loads.next()).await {
            Either::Left((done, _)) => return done,
            Either::Right((Some(load), _)) => ended.push_back(load),
            Either::Right((None, _)) => return work.await,
        }
    }
}

/// Whether the list was skipped because the role may not read it.
fn is_shut(step: &Step) -> bool {
    step.outcome == StepOutcome::Skipped
}

/// Whether this is the bronze table of the entity.
fn is_of(table: &TableName, entity: &Entity) -> bool {
    *table == TableName::bronze(entity.table)
}

/// Lists that are loaded at once: half as many again as requests may be under way; with one request, one list.
fn at_once(client: &Client) -> usize {
    let requests = client.config().concurrency();
    requests + requests / 2
}

#[cfg(test)]
mod tests {
    use connectwise_extract::catalog;

    use super::*;

    fn running(entity: &Entity) -> (TableName, Meter) {
        (TableName::bronze(entity.table), Meter::default())
    }

    #[test]
    fn what_hangs_on_a_list_waits_for_it() {
        let [addition, company, agreement] =
            ["AgreementAddition", "Company", "Agreement"].map(|name| catalog::entity(name).unwrap());
        let mut waiting = Waiting([addition, company, agreement].into());
        let mut next =
            |running: &[(TableName, Meter)]| waiting.next(running, &BTreeSet::new()).map(|entity| entity.name);
        assert_eq!(next(&[]), Some("Company"), "an addition hangs on an agreement, which still waits");
        assert_eq!(next(&[]), Some("Agreement"));
        assert_eq!(next(&[running(agreement)]), None);
        assert_eq!(next(&[running(company)]), Some("AgreementAddition"));
        assert_eq!(next(&[]), None);
    }

    #[test]
    fn what_takes_long_is_begun_with() {
        let names = ["Board", "Company", "CompanySite", "TimeEntry", "WorkType"];
        let mut waiting = Waiting(names.map(|name| catalog::entity(name).unwrap()).into());
        waiting.longest_first(|_| ExpectedLoad::default());
        assert_eq!(waiting.names(), names, "nothing is known");
        let records = |name: &str| match name {
            "Company" => 2_000_u64,
            "TimeEntry" => 15_000,
            _ => 10,
        };
        let expected = |parents: u64| {
            move |name: &str| {
                let records = records(name);
                ExpectedLoad { requests: records.div_ceil(1_000), records, parents: parents * records }
            }
        };
        waiting.longest_first(expected(1));
        assert_eq!(waiting.names(), ["Company", "CompanySite", "TimeEntry", "Board", "WorkType"]);
        // Nobody knows of which companies the sites are read.
        waiting.longest_first(expected(0));
        assert_eq!(waiting.names(), ["TimeEntry", "Company", "Board", "WorkType", "CompanySite"]);
        let alike = |name: &str| ExpectedLoad { requests: 1, records: records(name), parents: 0 };
        waiting.longest_first(alike);
        assert_eq!(
            waiting.names(),
            ["TimeEntry", "Company", "Board", "WorkType", "CompanySite"],
            "of one request each"
        );
    }

    #[test]
    fn what_hangs_on_a_list_that_is_not_asked_for_waits_for_nothing() {
        let mut waiting = Waiting([catalog::entity("AgreementAddition").unwrap()].into());
        assert!(waiting.next(&[], &BTreeSet::new()).is_some());
    }
}
