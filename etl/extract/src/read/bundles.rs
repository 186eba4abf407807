//! Reads, counts and newest records of many lists, asked by bundle. A list that a bundle doesn't answer with proof of
//! completeness is left to its own load, so a server or role without bundles costs one or two extra requests.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::Utc;
use connectwise_sdk::catalog::{Entity, Load};
use connectwise_sdk::{Bundle, BundledAnswer, BundledList, Client, ErrorKind, RecordText};
use futures::future::join_all;
use futures::stream::{FuturesUnordered, StreamExt};
use serde_json::Value;

use super::ServerClock;
use super::count::count_once;
use super::measured::{Newest, known, newest_at_once};

/// Most lists in one bundle. The API documents no limit; a bundle that the server refuses as too large is halved.
const LISTS: usize = 100;

/// Records that one bundle is filled up to, by the counts: an answer then has the size of about two pages.
const RECORDS: u64 = 2_000;

/// Largest count of a part that is read by bundle; larger parts are read page by page.
const MOST: u64 = 900;

/// Bytes of records, over all lists, that are held in memory until their loads begin. Once they are used up, the other lists
/// are read by their own loads.
const KEPT: usize = 32 * 1024 * 1024;

/// Added to the count of a part to get its page size: so many records may be inserted between count and read.
const GROWTH: u64 = 50;

/// A list, or the records of it that meet a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Entity of the list.
    pub entity: &'static Entity,
    /// Condition in the API's query language; `None` for the whole list.
    pub condition: Option<String>,
}

/// All records of a part of a list, in rising order of their keys, with the server's counts after the read and, where it was asked,
/// before.
#[derive(Clone)]
pub struct Listed {
    pub(super) condition: Option<String>,
    pub(super) records: Vec<RecordText<'static>>,
    pub(super) counted: Option<u64>,
    pub(super) counted_after: u64,
}

/// Records of parts of lists, by their index, before a count proves that they are all.
#[derive(Default)]
pub struct Unproven {
    records: HashMap<usize, Vec<RecordText<'static>>>,
    /// The parts of each bundle.
    packs: Vec<Vec<usize>>,
}

impl fmt::Debug for Unproven {
    /// Without the records, which may hold personal data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unproven").field("parts", &self.records.len()).finish_non_exhaustive()
    }
}

impl Unproven {
    /// Whether the records of a part were read.
    pub fn has(&self, part: usize) -> bool {
        self.records.contains_key(&part)
    }

    /// Bytes of the records.
    fn size(&self) -> usize {
        self.records.values().map(|records| size(records)).sum()
    }
}

fn size(records: &[RecordText<'_>]) -> usize {
    records.iter().map(|record| record.get().len()).sum()
}

impl fmt::Debug for Listed {
    /// Without the records, which may hold personal data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listed").field("records", &self.records.len()).finish_non_exhaustive()
    }
}

impl Listed {
    /// The condition that the records meet; `None` if they are the whole list.
    pub fn condition(&self) -> Option<&str> {
        self.condition.as_deref()
    }

    /// The keys of the records; `None` where a record has none.
    pub fn keys(&self, key: &str) -> Option<Vec<i64>> {
        let key_of = |record: &RecordText<'_>| {
            let record: Option<Value> = serde_json::from_str(record.get()).ok();
            record.and_then(|record| record.get(key)?.as_i64())
        };
        self.records.iter().map(key_of).collect()
    }
}

/// Records of the longest list that came complete in a bundle, and of the fullest bundle of which all lists did, as counts
/// confirmed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Confirmed {
    /// Records of the list.
    pub list: usize,
    /// Records of the bundle.
    pub bundle: usize,
}

/// Bytes that are left for records held in memory.
#[derive(Debug)]
struct Room(usize);

impl Room {
    /// Reserves these bytes; false if they don't fit. The first that don't fit close it, so that no further bundle is requested
    /// in vain.
    fn takes(&mut self, bytes: usize) -> bool {
        let fits = bytes <= self.0;
        self.0 = self.0.saturating_sub(bytes);
        fits
    }

    fn is_full(&self) -> bool {
        self.0 == 0
    }
}

/// Sends bundles to one server until one fails for another reason than its size.
#[derive(Debug)]
pub struct Bundles {
    client: Client,
    refused: AtomicBool,
    /// Whether the server has answered one.
    answered: AtomicBool,
}

/// What a bundle returns of each list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Question {
    Records,
    Counts,
}

impl Bundles {
    /// Sends nothing yet. After a bundle failed for another reason than its size, this value sends no more.
    pub fn new(client: &Client) -> Self {
        Self { client: client.clone(), refused: AtomicBool::new(false), answered: AtomicBool::new(false) }
    }

    /// The record with the highest change time of each incremental entity, by entity name. Entities without a name in bundles
    /// are asked by a request each, at the same time. Lists that don't answer are left out.
    pub async fn newest(&self, entities: &[&'static Entity]) -> HashMap<&'static str, Newest> {
        let list = |entity: &&'static Entity| {
            let Load::Incremental { watermark, .. } = entity.load else { return None };
            let list = BundledList::flat(entity.bundle?).order_by(format!("{watermark} desc")).page_size(1);
            Some((*entity, watermark, list.fields(format!("{},{watermark}", entity.key))))
        };
        let lists: Vec<_> = entities.iter().filter_map(list).collect();
        let client = &self.client;
        let is_unnamed =
            |entity: &&'static Entity| entity.bundle.is_none() && matches!(entity.load, Load::Incremental { .. });
        let unnamed = entities.iter().copied().filter(is_unnamed);
        let unnamed = unnamed.map(|entity| async move { Some((entity.name, newest_at_once(client, entity).await?)) });
        let asked = lists.iter().map(|(_, _, list)| list.clone()).collect();
        // Read before the request, the local clock is at most behind the answer.
        let here = Utc::now();
        let answers = self.ask(asked, Question::Records, |bundle, _, answer| {
            let clock = ServerClock::of(bundle.response(), here);
            let record = match answer.records.as_slice() {
                [] if answer.has_records => None,
                [record] => Some(serde_json::from_str::<Value>(record.get()).ok()?),
                _ => return None,
            };
            Some((record, clock))
        });
        let (answers, unnamed) = futures::join!(answers, join_all(unnamed));
        let found = lists.iter().zip(answers).filter_map(|((entity, watermark, _), answer)| {
            let (record, clock) = answer?;
            let known = record.as_ref().and_then(|record| known(entity, watermark, record));
            Some((entity.name, Newest { known, clock: Some(clock) }))
        });
        found.chain(unnamed.into_iter().flatten()).collect()
    }

    /// The keys of each part, in rising order, in the order of `parts`. `None` for a part that has a page of records or more,
    /// or whose answer isn't proven complete. Of a part with a number beside it these are the keys of its first records, so many or
    /// all; nobody documents that bundles keep an order, so that a count has to show that none is between them.
    pub async fn keys(&self, parts: &[(Part, Option<u32>)]) -> Vec<Option<Vec<i64>>> {
        let list = |(part, most): &(Part, Option<u32>)| {
            let list = part.list(most.unwrap_or(connectwise_sdk::MAX_PAGE_SIZE))?.fields(part.entity.key);
            Some(if most.is_some() { list.order_by(format!("{} asc", part.entity.key)) } else { list })
        };
        let (places, lists): (Vec<usize>, Vec<BundledList>) =
            parts.iter().enumerate().filter_map(|(at, part)| Some((at, list(part)?))).unzip();
        let answers = self.ask(lists, Question::Records, |_, at, answer| {
            let (part, most) = parts.get(*places.get(at)?)?;
            ascending(&answer, part.entity.key).filter(|_| most.is_some() || answer.is_whole())
        });
        let mut found = vec![None; parts.len()];
        for (at, keys) in places.iter().zip(answers.await) {
            if let Some(place) = found.get_mut(*at) {
                *place = keys;
            }
        }
        found
    }

    /// Lowest and highest key of a part, in one request. `None` if bundles have no name for its list or don't tell; nobody documents
    /// that they keep an order.
    pub async fn key_bounds(&self, part: &Part) -> Option<(i64, i64)> {
        let key = part.entity.key;
        let end = |order: &str| Some(part.list(1)?.order_by(format!("{key} {order}")).fields(key));
        let lists = vec![end("asc")?, end("desc")?];
        let ends = self.ask(lists, Question::Records, |_, _, answer| ascending(&answer, key)?.first().copied());
        let ends = ends.await.into_iter().collect::<Option<Vec<i64>>>()?;
        let low = *ends.first()?;
        let high = *ends.last()?;
        (low < high).then_some((low, high))
    }

    /// How many records each part has, in the order of `parts`; `None` if the entity has no count or the server doesn't answer.
    /// Parts of entities without a name in bundles are counted by a request each, at the same time.
    pub async fn counts(&self, parts: &[Part]) -> Vec<Option<u64>> {
        let counted = || parts.iter().enumerate().filter(|(_, part)| part.entity.count_path.is_some());
        let (places, lists): (Vec<usize>, Vec<BundledList>) =
            counted().filter_map(|(at, part)| Some((at, part.list(connectwise_sdk::MAX_PAGE_SIZE)?))).unzip();
        let unnamed = counted().filter(|(_, part)| part.entity.bundle.is_none()).map(|(at, part)| async move {
            Some((at, count_once(&self.client, part.entity, part.condition.as_deref()).await?))
        });
        let answers = self.ask(lists, Question::Counts, |_, _, answer| answer.count);
        let (answers, unnamed) = futures::join!(answers, join_all(unnamed));
        let mut counts = vec![None; parts.len()];
        for (at, count) in unnamed.into_iter().flatten() {
            if let Some(place) = counts.get_mut(at) {
                *place = Some(count);
            }
        }
        for (at, count) in places.into_iter().zip(answers) {
            if let Some(place) = counts.get_mut(at) {
                *place = count;
            }
        }
        counts
    }

    /// Whether a part of so many records is read together with others.
    pub fn takes(counted: Option<u64>) -> bool {
        counted.is_some_and(|count| count <= MOST)
    }

    /// Reads the parts that are expected to be small, by their index in `parts`, and adds their records to those that were read
    /// before. The smallest parts come first, until the memory for them is used up. Parts whose answer isn't complete are left out.
    pub async fn read(&self, parts: &[Part], expected: &[Option<u64>], before: Unproven) -> Unproven {
        let mut read = before;
        let count = |at: usize| expected.get(at).copied().flatten();
        let mut places: Vec<usize> = (0..parts.len()).filter(|at| Self::takes(count(*at)) && !read.has(*at)).collect();
        // A part whose count isn't known is in none of these places.
        let count = |at: usize| count(at).unwrap_or(0);
        places.sort_by_key(|at| count(*at));
        let packs = packs(&places, count);
        let mut waiting = packs.iter().cloned();
        let mut room = Room(KEPT.saturating_sub(read.size()));
        let mut under_way = FuturesUnordered::new();
        loop {
            // A server without bundles is asked for one, and not for several at once.
            let at_once = if self.answered.load(Ordering::Relaxed) { self.client.config().concurrency() } else { 1 };
            while !room.is_full()
                && under_way.len() < at_once
                && let Some(some) = waiting.next()
            {
                under_way.push(self.pack(parts, some, count));
            }
            let Some(pack) = under_way.next().await else { break };
            for (at, records) in pack {
                let Some(part) = parts.get(at) else { continue };
                if !room.takes(size(&records)) {
                    tracing::debug!("{} is left to its own load, as many records are kept already", part.entity.name);
                    continue;
                }
                read.records.insert(at, records);
            }
        }
        read.packs.extend(packs);
        read
    }

    /// Counts what was read, as behind every read: a part with fewer records than the server counts, before (`counted`) and after, is
    /// left to its own load. Returns the others by their index in `parts`.
    pub async fn proven(
        &self,
        parts: &[Part],
        counted: &[Option<u64>],
        unproven: Unproven,
    ) -> (HashMap<usize, Listed>, Confirmed) {
        let Unproven { records, packs } = unproven;
        let (places, again): (Vec<usize>, Vec<Part>) =
            records.keys().filter_map(|at| Some((*at, parts.get(*at)?.clone()))).unzip();
        let after: HashMap<usize, Option<u64>> = places.into_iter().zip(self.counts(&again).await).collect();
        let listed = records.into_iter().filter_map(|(at, records)| {
            let counted_after = after.get(&at).copied().flatten()?;
            let counted = counted.get(at).copied().flatten();
            let least = counted.map_or(counted_after, |counted| counted.min(counted_after));
            let condition = parts.get(at)?.condition.clone();
            let is_whole = records.len() as u64 >= least;
            is_whole.then_some((at, Listed { condition, records, counted, counted_after }))
        });
        let found: HashMap<usize, Listed> = listed.collect();
        let records = |at: &usize| found.get(at).map(|listed| listed.records.len());
        let bundles = packs.iter().filter_map(|pack| pack.iter().map(records).sum::<Option<usize>>());
        let confirmed = Confirmed {
            list: found.values().map(|listed| listed.records.len()).max().unwrap_or(0),
            bundle: bundles.max().unwrap_or(0),
        };
        (found, confirmed)
    }

    /// All records of each part, in the order of `parts`, in one bundle. `None` for a part that has a page of records or more,
    /// or whose answer isn't proven complete.
    pub(super) async fn whole(&self, parts: &[Part]) -> Vec<Option<Vec<RecordText<'static>>>> {
        let mut found = vec![None; parts.len()];
        let most = u64::from(connectwise_sdk::MAX_PAGE_SIZE) - GROWTH;
        for (at, records) in self.pack(parts, (0..parts.len()).collect(), |_| most).await {
            if let Some(place) = found.get_mut(at) {
                *place = Some(records);
            }
        }
        found
    }

    /// Records of the parts at `places`, by index; parts whose answer isn't complete are left out. `count` gives the expected
    /// size.
    async fn pack(
        &self,
        parts: &[Part],
        places: Vec<usize>,
        count: impl Fn(usize) -> u64,
    ) -> Vec<(usize, Vec<RecordText<'static>>)> {
        let asked = places.into_iter().filter_map(|at| {
            let size = u32::try_from(count(at) + GROWTH).unwrap_or(u32::MAX);
            Some((at, parts.get(at)?.list(size)?))
        });
        let (asked, lists): (Vec<usize>, Vec<BundledList>) = asked.unzip();
        let answers = self.ask(lists, Question::Records, |_, at, answer| {
            let key = parts.get(*asked.get(at)?)?.entity.key;
            if !answer.is_whole() || ascending(&answer, key).is_none() {
                return None;
            }
            let owned = answer.records.iter().map(|record| RecordText::from(*record).into_owned());
            Some(owned.collect::<Vec<_>>())
        });
        let answers = answers.await;
        asked.into_iter().zip(answers).filter_map(|(at, records)| Some((at, records?))).collect()
    }

    /// Sends the lists in bundles of at most `LISTS`, and returns what `take` makes of each successful answer, in the order of
    /// `lists`.
    async fn ask<T>(
        &self,
        lists: Vec<BundledList>,
        question: Question,
        take: impl Fn(&Bundle, usize, BundledAnswer<'_>) -> Option<T>,
    ) -> Vec<Option<T>> {
        let mut found: Vec<Option<T>> = lists.iter().map(|_| None).collect();
        let mut waiting: VecDeque<Range<usize>> =
            (0..lists.len()).step_by(LISTS).map(|from| from..(from + LISTS).min(lists.len())).collect();
        while let Some(range) = waiting.pop_front() {
            if self.refused.load(Ordering::Relaxed) {
                break;
            }
            let some = lists[range.clone()].to_vec();
            let asked = match question {
                Question::Records => self.client.bundle(some).await,
                Question::Counts => self.client.bundle_counts(some).await,
            };
            match asked {
                Ok(bundle) => {
                    self.answered.store(true, Ordering::Relaxed);
                    // An answer that can't be parsed leaves its lists to their own loads, which report the error.
                    for (at, (_, answer)) in bundle.answers().unwrap_or_default().into_iter().enumerate() {
                        let answer = answer.filter(|answer| answer.success);
                        if let Some(place) = found.get_mut(range.start + at) {
                            *place = answer.and_then(|answer| take(&bundle, range.start + at, answer));
                        }
                    }
                }
                Err(error) if is_too_large(&error) && range.len() > 1 => {
                    let middle = range.start + range.len() / 2;
                    waiting.push_front(middle..range.end);
                    waiting.push_front(range.start..middle);
                }
                Err(error) => {
                    tracing::info!("lists are asked one by one, as bundles don't work: {error}");
                    self.refused.store(true, Ordering::Relaxed);
                }
            }
        }
        found
    }
}

impl Part {
    fn list(&self, size: u32) -> Option<BundledList> {
        Some(BundledList::flat(self.entity.bundle?).conditions(self.condition.clone()).page_size(size))
    }
}

/// Whether a smaller bundle may succeed.
fn is_too_large(error: &connectwise_sdk::Error) -> bool {
    matches!(error.status(), Some(400 | 413)) || error.kind() == ErrorKind::TooLarge
}

/// Groups the indices into bundles, by `LISTS` and `RECORDS`.
fn packs(places: &[usize], count: impl Fn(usize) -> u64) -> Vec<Vec<usize>> {
    let mut packs: Vec<Vec<usize>> = Vec::new();
    let mut room = 0;
    for at in places {
        let records = count(*at);
        match packs.last_mut().filter(|pack| records <= room && pack.len() < LISTS) {
            Some(pack) => pack.push(*at),
            None => {
                packs.push(vec![*at]);
                room = RECORDS;
            }
        }
        room = room.saturating_sub(records);
    }
    packs
}

/// The keys of the records; `None` if one has no integer key, or they don't strictly rise.
fn ascending(answer: &BundledAnswer<'_>, key: &str) -> Option<Vec<i64>> {
    let key_of = |text: &&serde_json::value::RawValue| {
        let record: Option<Value> = serde_json::from_str(text.get()).ok();
        record.and_then(|record| record.get(key)?.as_i64())
    };
    let keys: Option<Vec<i64>> = answer.records.iter().map(key_of).collect();
    keys.filter(|keys| keys.is_sorted_by(|one, other| one < other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_kept_than_there_is_room_for() {
        let mut room = Room(10);
        assert!(room.takes(0) && room.takes(9) && !room.is_full());
        assert!(!room.takes(2) && room.is_full(), "nothing more is asked for");
        assert!(room.takes(0) && !room.takes(1), "a list without records takes no room");
        let mut room = Room(10);
        assert!(room.takes(10) && room.is_full());
    }

    #[test]
    fn bundles_are_packed_by_the_records_that_they_bring() {
        let counts = [900, 900, 300, 10, 0, 2_000, 1];
        let packs = packs(&[0, 1, 2, 3, 4, 5, 6], |at| counts[at]);
        assert_eq!(packs, [vec![0, 1], vec![2, 3, 4], vec![5], vec![6]]);
        let many: Vec<usize> = (0..250).collect();
        assert_eq!(super::packs(&many, |_| 1).iter().map(Vec::len).collect::<Vec<_>>(), [100, 100, 50]);
    }
}
