//! Requests for many lists together: the newest record of each, the count of the changes, and all changed
//! records of small lists. A run without changes then takes a few requests in total, instead of a few per list.
//!
//! Its second half goes on beside the loads of lists of which it finds out nothing more. Nothing is decided here: a list without a proven answer
//! is loaded as if there were no bundles.
//! `docs/decisions/0032-bundles-of-lists.md` says what proves such a read complete.

use std::collections::{BTreeSet, HashMap};

use connectwise_extract::catalog;
use connectwise_extract::read::{self, Bundles, Measured, Newest, Part, Unproven};
use connectwise_sdk::Client;
use connectwise_sdk::catalog::{Entity, Load};
use futures::stream::{self, StreamExt};

use super::Mode;
use super::load::Ready;
use super::plan::Run;
use crate::bronze::{self, Foreknown, Known, Standing};
use crate::bundling::Proof;
use crate::children::{self, Surveyed};

/// With fewer lists there is no survey: single requests cost as little.
const FEWEST: usize = 3;

/// Pages for which the load of a list counts that the survey can't count: a count, a page and another count, one after the other.
const UNCOUNTED: u64 = 3;

/// Tables that are opened at the same time.
const AT_ONCE: usize = 8;

/// A list without a parent, its table before the first request, and the state of that.
type OpenedList = (&'static Entity, Ready, Option<Standing>);

/// Lists that a survey is going to ask about.
pub(super) struct Unsurveyed {
    /// Short lists without change times, which are read whole.
    short: Vec<OpenedList>,
    others: Vec<OpenedList>,
    loads: HashMap<&'static str, ExpectedLoad>,
}

/// A list without a parent that waits for what the survey reads.
struct CountedList {
    entity: &'static Entity,
    ready: Ready,
    known: Option<Known>,
    /// Index into [`Survey::parts`], where the survey can read the list.
    part: Option<usize>,
}

/// A survey that has counted what changed, and hasn't read it.
pub(super) struct Survey {
    bundles: Bundles,
    lists: Vec<CountedList>,
    parts: Vec<Part>,
    counts: Vec<Option<u64>>,
    /// What was read already.
    read: Unproven,
    loads: HashMap<&'static str, ExpectedLoad>,
}

/// What is expected of the load of a list without a parent.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ExpectedLoad {
    /// Records that it is going to read.
    pub(super) records: u64,
    /// Requests that this takes.
    pub(super) requests: u64,
    /// Records whose child lists are going to be read, as far as that is known: all of them in a first load, while later ones read those
    /// of changed records only, which are asked for behind the counts.
    pub(super) parents: u64,
}

impl Unsurveyed {
    /// Removes long lists without change times whose tables they are compared with. A survey finds out nothing about them: they are
    /// cut by the keys of their tables, and counted behind the read.
    pub(super) fn take_compared(&mut self) -> HashMap<&'static str, Ready> {
        let is_compared = |(entity, ready, standing): &mut OpenedList| {
            let standing =
                standing.as_ref().filter(|_| matches!(entity.load, Load::Snapshot) && entity.bundle.is_some());
            standing.is_some_and(|standing| standing.is_compared(&ready.table))
        };
        let mut taken = HashMap::new();
        for (entity, ready, standing) in self.others.extract_if(.., is_compared) {
            let Some(standing) = standing else { continue };
            let records = ready.table.logged_rows();
            self.loads.insert(entity.name, ExpectedLoad::of(&ready, records, true));
            let known = Known { is_early: true, ..Known::of(standing) };
            taken.insert(entity.name, ready.knowing(Foreknown::of(known)));
        }
        taken
    }
}

impl ExpectedLoad {
    /// If it has so many records to read. `parents` says whether the child lists of all of them are read.
    fn of(ready: &Ready, records: Option<u64>, parents: bool) -> Self {
        let page_size = ready.request.page_size;
        let records = records.unwrap_or(UNCOUNTED * u64::from(page_size));
        let requests = bronze::requests(records, page_size, ready.table.exists());
        Self { records, requests, parents: if parents { records } else { 0 } }
    }
}

impl CountedList {
    /// What is expected of its load, if it has so many records to read.
    fn expected(&self, records: Option<u64>, mode: Mode) -> ExpectedLoad {
        let begins = self.known.as_ref().is_none_or(|known| known.standing.watermark().is_none());
        ExpectedLoad::of(&self.ready, records, begins || mode == Mode::Full)
    }
}

impl Survey {
    /// What is expected of the load of a list without a parent; nothing of one that nobody asked about.
    pub(super) fn expected(&self, list: &str) -> ExpectedLoad {
        self.loads.get(list).copied().unwrap_or_default()
    }

    /// Removes the lists that aren't read together with others: their loads can begin.
    pub(super) fn take_long(&mut self) -> HashMap<&'static str, Ready> {
        let Self { lists, counts, read, .. } = self;
        let is_short = |part: usize| read.has(part) || Bundles::takes(counts.get(part).copied().flatten());
        let is_long = |list: &mut CountedList| list.entity.bundle.is_none() || !list.part.is_some_and(is_short);
        let long: Vec<_> = lists.extract_if(.., is_long).collect();
        self.known(long, &mut HashMap::new())
    }

    /// Lists with what is known of them, and the records that were read.
    fn known(
        &self,
        lists: Vec<CountedList>,
        listed: &mut HashMap<usize, read::Listed>,
    ) -> HashMap<&'static str, Ready> {
        let ready = lists.into_iter().map(|CountedList { entity, ready, known, part }| {
            let listed = part.and_then(|part| listed.remove(&part));
            let counted =
                part.and_then(|part| Some((self.parts.get(part)?.condition.clone(), self.counts.get(part).copied()??)));
            let known =
                known.map_or_else(Foreknown::default, |known| Foreknown::of(Known { listed, counted, ..known }));
            (entity.name, ready.knowing(known))
        });
        ready.collect()
    }
}

impl Run<'_> {
    /// Opens the tables of all lists without a parent. `None` where a survey isn't worth it.
    pub(super) async fn unsurveyed(&self) -> Option<Unsurveyed> {
        let entities = self.plan.entities.iter().copied();
        if entities.clone().filter(|entity| entity.bundle.is_some()).count() < FEWEST {
            return None;
        }
        // Tables are opened before the first request, so that every answer is newer than these versions.
        let lists: Vec<&'static Entity> = entities.filter(|entity| entity.parent().is_none()).collect();
        let opened = stream::iter(lists).map(|entity| async move {
            // A table that can't be opened is reported by its own step.
            let ready = self.ready(entity).await.ok()?;
            let standing = Standing::of(&ready.table, entity, &ready.request).await;
            Some((entity, ready, standing.ok()))
        });
        let opened: Vec<_> = opened.buffered(AT_ONCE).filter_map(std::future::ready).collect().await;
        // Lists that are read whole need no newest record, and the table says how long they are about.
        let is_short = |(entity, ready, standing): &OpenedList| {
            matches!(entity.load, Load::Snapshot) && standing.is_some() && Bundles::takes(ready.table.logged_rows())
        };
        let (short, others): (Vec<_>, Vec<_>) = opened.into_iter().partition(is_short);
        Some(Unsurveyed { short, others, loads: HashMap::new() })
    }

    /// Counts what changed.
    pub(super) async fn survey(&self, client: &Client, lists: Unsurveyed) -> Survey {
        let Unsurveyed { short, others, mut loads } = lists;
        let bundles = Bundles::new(client);
        let (mut lists, mut parts) = self.parts(client, short, &HashMap::new(), 0).await;
        let expected: Vec<_> = lists.iter().map(|list| list.ready.table.logged_rows()).collect();
        let ahead = bundles.read(&parts, &expected, Unproven::default());
        let counted = async {
            let newest = bundles.newest(&self.changing()).await;
            self.shared.tell_newest(&newest);
            let (mut lists, mut counted) = self.parts(client, others, &newest, parts.len()).await;
            // The server most likely reads dates as it did before, so that nobody has to know before the counts.
            let (mut counts, corrected) = futures::join!(bundles.counts(&counted), self.corrected(client, &lists));
            if put_right(&mut lists, &mut counted, corrected) {
                counts = bundles.counts(&counted).await;
            }
            (lists, counted, counts)
        };
        let (read, (other_lists, other_parts, other_counts)) = futures::join!(ahead, counted);
        let mut counts = vec![None; parts.len()];
        counts.extend(other_counts);
        lists.extend(other_lists);
        parts.extend(other_parts);
        loads.extend(lists.iter().map(|list| {
            let records = match list.part {
                Some(part) if read.has(part) => Some(0),
                part => part.and_then(|part| counts.get(part).copied().flatten()),
            };
            (list.entity.name, list.expected(records, self.plan.mode))
        }));
        Survey { bundles, lists, parts, counts, read, loads }
    }

    /// Lists and the parts of them that their loads are going to read if the server reads dates as it did before. The indices of the parts
    /// begin at `first`.
    async fn parts(
        &self,
        client: &Client,
        opened: Vec<OpenedList>,
        newest: &HashMap<&'static str, Newest>,
        first: usize,
    ) -> (Vec<CountedList>, Vec<Part>) {
        let mut lists = Vec::new();
        let mut parts = Vec::new();
        for (entity, ready, standing) in opened {
            let newest = newest.get(entity.name).copied();
            let known = standing.map(|standing| Known { newest, ..Known::of(standing) });
            let part = match &known {
                Some(known) => self.part(client, entity, (&ready, known), true).await,
                None => None,
            };
            lists.push(CountedList { entity, ready, known, part: part.is_some().then_some(first + parts.len()) });
            parts.extend(part);
        }
        (lists, parts)
    }

    /// The parts that the lists which have one are going to read. The first list that tells how the server reads dates asks it.
    async fn corrected(&self, client: &Client, lists: &[CountedList]) -> Vec<Option<Part>> {
        let mut corrected = Vec::new();
        for list in lists.iter().filter(|list| list.part.is_some()) {
            corrected.push(match &list.known {
                Some(known) => self.part(client, list.entity, (&list.ready, known), false).await,
                None => None,
            });
        }
        corrected
    }

    /// Ends a survey: reads what changed of small lists, and of child lists. Returns the tables with what it found out, by entity
    /// name.
    pub(super) async fn read_together(&self, client: &Client, mut survey: Survey) -> HashMap<&'static str, Ready> {
        let read = std::mem::take(&mut survey.read);
        let Survey { bundles, parts, counts, .. } = &survey;
        let records = async { bundles.proven(parts, counts, bundles.read(parts, counts, read).await).await };
        let ((mut listed, confirmed), (below, surveyed)) = futures::join!(records, self.below(client));
        self.shared.proof(|proof| proof.join(Proof::of(confirmed.list, confirmed.bundle)));
        self.below_new(client, parts, &listed, &below).await;
        self.divide(client.stats().requests + survey.loads.values().map(|load| load.requests).sum::<u64>(), &surveyed);
        let lists = std::mem::take(&mut survey.lists);
        survey.known(lists, &mut listed).into_iter().chain(below).collect()
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

    /// Reads the child lists that are read for the first time, or all again, of parents that were read together.
    async fn below_new(
        &self,
        client: &Client,
        parts: &[Part],
        listed: &HashMap<usize, read::Listed>,
        opened: &[(&'static str, Ready)],
    ) {
        let stored = |name: &str| opened.iter().any(|(other, ready)| *other == name && ready.table.exists());
        let parents = |entity: &'static Entity| {
            let parent = entity.parent().filter(|parent| parent.conditions.is_none() && !stored(entity.name))?;
            let is_whole = |part: &Part| part.entity.name == parent.entity && part.condition.is_none();
            let part = parts.iter().position(is_whole)?;
            Some((entity, listed.get(&part)?.keys(parts.get(part)?.entity.key)?))
        };
        let parents: Vec<_> = self.plan.entities.iter().filter_map(|entity| parents(entity)).collect();
        children::ahead(client, &self.shared, self.plan.page_size, &parents).await;
    }

    /// Divides the requests of the rolling refresh evenly among the child lists, as long as nobody knows what is due of each.
    pub(super) fn divide_evenly(&self) {
        let requests = self.plan.load.refresh_requests.unwrap_or(children::REFRESH_REQUESTS);
        let below = self.plan.entities.iter().filter(|entity| entity.parent().is_some());
        let due: Vec<_> = below.map(|entity| (entity.name, requests.saturating_mul(children::BUNDLE as u64))).collect();
        self.shared.tell_refresh(children::divided(&due, requests));
    }

    /// Divides the requests of the rolling refresh among the child lists. What the run takes besides is known about: `flat` requests of
    /// the survey and of lists without parents, and the child lists of changed parents.
    fn divide(&self, flat: u64, surveyed: &Surveyed) {
        let others = flat + surveyed.changed.div_ceil(children::BUNDLE as u64);
        let requests = self.plan.load.refresh_requests.unwrap_or_else(|| children::usual(others));
        self.shared.tell_refresh(children::divided(&surveyed.refresh, requests));
    }

    /// Entities whose newest record is needed: those of the plan, and their parents.
    fn changing(&self) -> Vec<&'static Entity> {
        let above = self.plan.entities.iter().filter_map(|entity| catalog::entity(entity.parent()?.entity).ok());
        let mut names = BTreeSet::new();
        self.plan.entities.iter().copied().chain(above).filter(|entity| names.insert(entity.name)).collect()
    }

    /// The part of a list that its load is going to read; `None` if that depends on requests of the load itself. `as_before` takes for
    /// granted that the server reads dates as it did when the table was last loaded.
    async fn part(
        &self,
        client: &Client,
        entity: &'static Entity,
        (ready, known): (&Ready, &Known),
        as_before: bool,
    ) -> Option<Part> {
        let request = &ready.request;
        let standing = &known.standing;
        let measured = match (known.newest, entity.load) {
            (Some(newest), _) => Measured::told(newest, standing.watermark(), request.window)?,
            // This sends no request: a snapshot has no change times.
            (None, Load::Snapshot) => Measured::ask(client, entity, None, request.window).await.ok()?,
            (None, _) => return None,
        };
        let chosen = match as_before {
            true => standing.chosen(entity, request, &measured, standing.reading()),
            false => standing.choose(client, entity, request, &measured).await.ok()?,
        };
        Some(Part { entity, condition: read::condition(entity, &chosen.scope).map(|condition| condition.to_string()) })
    }
}

/// Puts right the parts of lists that are others than was taken for granted. Whether there were any.
fn put_right(lists: &mut [CountedList], parts: &mut [Part], corrected: Vec<Option<Part>>) -> bool {
    let mut any = false;
    let read = lists.iter_mut().filter(|list| list.part.is_some());
    for ((list, part), corrected) in read.zip(parts).zip(corrected) {
        match corrected {
            Some(corrected) if corrected == *part => {}
            Some(corrected) => {
                *part = corrected;
                any = true;
            }
            None => list.part = None,
        }
    }
    any
}
