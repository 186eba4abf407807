//! Requests for many lists together, before any is loaded: the newest record of each, the count of the changes, and all changed
//! records of small lists. A run without changes then takes a few requests in total, instead of a few per list.
//!
//! Nothing is decided here: a list without a proven answer is loaded as if there were no bundles.
//! `docs/decisions/0032-bundles-of-lists.md` says what proves such a read complete.

use std::collections::{BTreeSet, HashMap};

use connectwise_extract::catalog;
use connectwise_extract::read::{self, Bundles, Measured, Newest, Part};
use connectwise_sdk::Client;
use connectwise_sdk::catalog::{Entity, Load};
use futures::stream::{self, StreamExt};

use super::Mode;
use super::load::Ready;
use super::plan::Run;
use crate::bronze::{Foreknown, Known, Standing};
use crate::bundling::Proof;
use crate::children::{self, Surveyed};

/// With fewer lists there is no survey: single requests cost as little.
const FEWEST: usize = 3;

/// Tables that are opened at the same time.
const AT_ONCE: usize = 8;

impl Run<'_> {
    /// Runs the survey. Returns the tables that it opened with what it found out, by entity name.
    pub(super) async fn survey(&self, client: &Client) -> HashMap<&'static str, Ready> {
        let entities = self.plan.entities.iter().copied();
        if entities.clone().filter(|entity| entity.bundle.is_some()).count() < FEWEST {
            return HashMap::new();
        }
        let lists: Vec<&'static Entity> = entities.filter(|entity| entity.parent().is_none()).collect();
        // Read before the first request, so that every answer is newer than these versions.
        let looked = stream::iter(lists).map(|entity| async move {
            // A table that can't be opened is reported by its own step.
            let ready = self.ready(entity).await.ok()?;
            let standing = Standing::of(&ready.table, entity, &ready.request).await;
            Some((entity, ready, standing.ok()))
        });
        let looked: Vec<_> = looked.buffered(AT_ONCE).filter_map(std::future::ready).collect().await;
        let bundles = Bundles::new(client);
        let newest = bundles.newest(&self.changing()).await;
        self.shared.tell_newest(&newest);
        // The two are independent, except for how the server reads dates, which is probed once.
        let (flat, (below, surveyed)) =
            futures::join!(self.flat(client, &bundles, &newest, looked), self.below(client));
        self.divide(client.stats().requests, &flat, &surveyed);
        flat.into_iter().chain(below).collect()
    }

    /// Counts and reads the lists without parents, once their newest records are known.
    async fn flat(
        &self,
        client: &Client,
        bundles: &Bundles,
        newest: &HashMap<&'static str, Newest>,
        looked: Vec<(&'static Entity, Ready, Option<Standing>)>,
    ) -> Vec<(&'static str, Ready)> {
        let mut known = Vec::new();
        let mut parts = Vec::new();
        // Index into `parts` of each list.
        let mut places = Vec::new();
        for (entity, ready, standing) in looked {
            let newest = newest.get(entity.name).copied();
            let standing = standing.map(|standing| Known { standing, newest, listed: None, counted: None });
            let part = match &standing {
                Some(standing) => self.part(client, entity, &ready, standing).await,
                None => None,
            };
            places.push(part.is_some().then_some(parts.len()));
            parts.extend(part);
            known.push((entity, ready, standing));
        }
        let counts = bundles.counts(&parts).await;
        let (mut listed, confirmed) = bundles.records(&parts, &counts).await;
        self.shared.proof(|proof| proof.join(Proof::of(confirmed.list, confirmed.bundle)));
        let ready = known.into_iter().zip(places).map(|((entity, ready, known), place)| {
            let listed = place.and_then(|place| listed.remove(&place));
            let counted =
                place.and_then(|place| Some((parts.get(place)?.condition.clone(), counts.get(place).copied()??)));
            let records = counted.as_ref().map(|(_, records)| *records);
            let known =
                known.map_or_else(Foreknown::default, |known| Foreknown::of(Known { listed, counted, ..known }));
            (entity.name, ready.knowing(known, records))
        });
        ready.collect()
    }

    /// Reads child lists, once the newest records of their parents are known.
    async fn below(&self, client: &Client) -> (Vec<(&'static str, Ready)>, Surveyed) {
        if self.plan.mode == Mode::Full {
            return (Vec::new(), Surveyed::default());
        }
        let lists = self.plan.entities.iter().copied().filter(|entity| entity.parent().is_some());
        let looked = stream::iter(lists).map(|entity| async move { Some((entity, self.ready(entity).await.ok()?)) });
        let looked: Vec<_> = looked.buffered(AT_ONCE).filter_map(std::future::ready).collect().await;
        let loads: Vec<_> = looked.iter().map(|(entity, ready)| (*entity, &ready.table, &ready.request)).collect();
        let surveyed = children::survey(client, &loads).await;
        (looked.into_iter().map(|(entity, ready)| (entity.name, ready)).collect(), surveyed)
    }

    /// Divides the requests of the rolling refresh evenly among the child lists, as long as nobody knows what is due of each.
    pub(super) fn divide_evenly(&self) {
        let requests = self.plan.load.refresh_requests.unwrap_or(children::REFRESH_REQUESTS);
        let below = self.plan.entities.iter().filter(|entity| entity.parent().is_some());
        let due: Vec<_> = below.map(|entity| (entity.name, requests.saturating_mul(children::BUNDLE as u64))).collect();
        self.shared.tell_refresh(children::divided(&due, requests));
    }

    /// Divides the requests of the rolling refresh among the child lists. What the run takes besides is known about: what it `sent` so
    /// far, the pages of long lists and the child lists of changed parents.
    fn divide(&self, sent: u64, flat: &[(&'static str, Ready)], surveyed: &Surveyed) {
        let pages = |ready: &Ready| ready.records / u64::from(self.plan.page_size.max(1));
        let others = sent
            + flat.iter().map(|(_, ready)| pages(ready)).sum::<u64>()
            + surveyed.changed.div_ceil(children::BUNDLE as u64);
        let requests = self.plan.load.refresh_requests.unwrap_or_else(|| children::usual(others));
        self.shared.tell_refresh(children::divided(&surveyed.refresh, requests));
    }

    /// Entities whose newest record is needed: those of the plan, and their parents.
    fn changing(&self) -> Vec<&'static Entity> {
        let above = self.plan.entities.iter().filter_map(|entity| catalog::entity(entity.parent()?.entity).ok());
        let mut names = BTreeSet::new();
        self.plan.entities.iter().copied().chain(above).filter(|entity| names.insert(entity.name)).collect()
    }

    /// The part of a list that its load is going to read; `None` if that depends on requests of the load itself.
    async fn part(&self, client: &Client, entity: &'static Entity, ready: &Ready, known: &Known) -> Option<Part> {
        let request = &ready.request;
        let standing = &known.standing;
        let measured = match (known.newest, entity.load) {
            (Some(newest), _) => Measured::told(newest, standing.watermark(), request.window)?,
            // This sends no request: a snapshot has no change times.
            (None, Load::Snapshot) => Measured::ask(client, entity, None, request.window).await.ok()?,
            (None, _) => return None,
        };
        let chosen = standing.choose(client, entity, request, &measured).await.ok()?;
        Some(Part { entity, condition: read::condition(entity, &chosen.scope).map(|condition| condition.to_string()) })
    }
}
