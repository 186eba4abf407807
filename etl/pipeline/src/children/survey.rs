//! Requests that several loads of child lists have in common, sent once: the ids of changed parents, and their lists if they
//! are few. What isn't proven complete is left to the loads.

use std::collections::HashMap;

use connectwise_extract::catalog;
use connectwise_extract::read::{Bundles, Part, ReadFrom};
use connectwise_lakehouse::Table;
use connectwise_sdk::catalog::Entity;
use connectwise_sdk::conditions::{Condition, field};
use connectwise_sdk::{Client, ErrorKind};
use futures::future::join_all;

use super::ChildWork;
use super::bundle::{Below, Refusal, counted, refusal};
use super::parents::PAGE;
use crate::bronze::LoadRequest;
use crate::bundling::BUNDLE;
use crate::shared::{Ids, Shared, SharedQuestion};
use crate::telemetry::Meter;

/// Most lists that are requested.
const LISTS: usize = 400;

/// The parents whose lists a load is going to read.
struct SurveyedList<'a> {
    work: ChildWork<'a>,
    condition: Option<Condition>,
    part: Part,
    /// Whether these are all parents, and not only the changed ones.
    is_all: bool,
    /// Lists of other parents that the rolling refresh is to read.
    refresh: u64,
    /// The parents behind those to which it came.
    next: Option<Condition>,
}

/// What the loads of child lists are going to ask for.
#[derive(Debug, Default)]
pub(crate) struct Surveyed {
    /// Lists of changed parents that aren't read yet.
    pub(crate) changed: u64,
    /// Lists that the rolling refresh is to read of each entity.
    pub(crate) refresh: Vec<(&'static str, u64)>,
}

impl SurveyedList<'_> {
    /// The parents to ask for, and the first of those that the rolling refresh comes to next.
    fn parts(&self) -> impl Iterator<Item = (Part, Option<u32>)> {
        let next = self.next.as_ref().map(|next| {
            let part = Part { entity: self.part.entity, condition: Some(next.to_string()) };
            (part, Some(u32::try_from(self.refresh).map_or(PAGE, |refresh| refresh.min(PAGE))))
        });
        std::iter::once((self.part.clone(), None)).chain(next)
    }

    /// The ids of changed parents if bundles have no name for the parents' list: by the request that the load would send, whose
    /// answer it then shares.
    async fn alone(&self) -> Option<Vec<i64>> {
        if self.part.entity.bundle.is_some() || self.is_all {
            return None;
        }
        Some(self.work.ids(self.condition.clone(), None, None).await.ok()?.ids)
    }
}

fn question(part: &Part, most: Option<usize>) -> SharedQuestion {
    (part.entity.path, part.condition.clone(), most)
}

/// The records up to the last of `ids`, where these are the first of a part, as many as were asked for.
fn up_to(part: &Part, ids: &[i64], most: Option<u32>) -> Part {
    let is_cut = most.is_some_and(|most| ids.len() as u64 >= u64::from(most));
    match (&part.condition, ids.last().filter(|_| is_cut)) {
        (Some(condition), Some(last)) => {
            let read = Condition::raw(condition.clone()) & field(part.entity.key).le(*last);
            Part { entity: part.entity, condition: Some(read.to_string()) }
        }
        _ => part.clone(),
    }
}

/// Sends the requests of these loads and puts the answers into their shared state.
pub(crate) async fn survey(client: &Client, loads: &[(&'static Entity, &Table, &LoadRequest)]) -> Surveyed {
    let Some((_, _, LoadRequest { shared, page_size, .. })) = loads.first() else { return Surveyed::default() };
    let meter = Meter::default();
    let asked = loads.iter().map(|&(entity, table, request)| parents_of(client, entity, table, request, &meter));
    let asked: Vec<SurveyedList<'_>> = join_all(asked).await.into_iter().flatten().collect();
    let parts = asked.iter().flat_map(SurveyedList::parts).fold(Vec::new(), |mut parts, part| {
        if !parts.contains(&part) {
            parts.push(part);
        }
        parts
    });
    let bundles = Bundles::new(client);
    let (listed, alone) = futures::join!(bundles.keys(&parts), join_all(asked.iter().map(SurveyedList::alone)));
    let listed = parts.into_iter().zip(listed).filter_map(|(part, ids)| Some((part, ids?)));
    let (parts, listed): (Vec<_>, Vec<_>) = listed.unzip();
    // Counted after the read, as there is no last page to prove it complete. A list that was truncated or grew meanwhile is
    // left to the loads: a parent missing here would fall behind their watermark.
    let read: Vec<Part> = parts.iter().zip(&listed).map(|((part, most), ids)| up_to(part, ids, *most)).collect();
    let counts = bundles.counts(&read).await;
    let mut found: HashMap<SharedQuestion, Vec<i64>> = HashMap::new();
    for (((part, most), ids), count) in parts.iter().zip(listed).zip(counts) {
        let Some(count) = count.filter(|count| *count <= ids.len() as u64) else { continue };
        if let Some(most) = most {
            let next = Ids { at_end: (ids.len() as u64) < u64::from(*most), ids, unreadable: Vec::new() };
            shared.tell_next_parents((part.entity.path, part.condition.clone()), next);
            continue;
        }
        if asked.iter().any(|asked| asked.is_all && asked.part == *part) {
            shared.tell_count(question(part, Some(0)), None);
            shared.tell_count(question(part, Some(1)), Some(count));
        }
        found.insert(question(part, None), ids);
    }
    for (question, ids) in &found {
        shared.tell_parents(question.clone(), Ids { ids: ids.clone(), unreadable: Vec::new(), at_end: true });
    }
    let mut lists: Vec<Below> = Vec::new();
    let mut surveyed = Surveyed::default();
    for (asked, alone) in asked.iter().zip(&alone) {
        surveyed.refresh.push((asked.work.entity.name, asked.refresh));
        let Some(ids) = alone.as_ref().or_else(|| found.get(&question(&asked.part, None))) else { continue };
        if ids.len() <= BUNDLE && lists.len() + ids.len() <= LISTS {
            lists.extend(asked.work.lists(ids.iter().copied()));
        } else {
            surveyed.changed += ids.len() as u64;
        }
    }
    tell_lists(client, shared, *page_size, &lists).await;
    surveyed
}

/// Reads the child lists of these parents, where there are few, and puts them into the shared state of a run: so each small list of
/// them takes no requests of its own. Loads ask for the others.
pub(crate) async fn ahead(client: &Client, shared: &Shared, page_size: u32, parents: &[(&'static Entity, Vec<i64>)]) {
    let mut lists: Vec<Below> = Vec::new();
    for (entity, ids) in parents {
        // What can't be counted isn't proven here.
        let Some(hangs) = entity.parent().filter(|_| entity.count_path.is_some()) else { continue };
        if ids.len() <= BUNDLE && lists.len() + ids.len() <= LISTS {
            lists.extend(ids.iter().map(|parent| Below { entity, hangs, parent: *parent }));
        }
    }
    tell_lists(client, shared, page_size, &lists).await;
}

/// Requests child lists and their counts, and puts those that are proven complete into the shared state.
async fn tell_lists(client: &Client, shared: &Shared, page_size: u32, lists: &[Below]) {
    // Bundles keep the initial size: the lists of a refused one would be requested twice.
    let bundles = lists.chunks(BUNDLE).map(|some| async move { (some, counted(client, some, page_size).await) });
    for (lists, bundled) in join_all(bundles).await {
        match bundled {
            Ok(bundled) => {
                for listed in bundled {
                    shared.tell_below(listed.list.entity.name, listed.list.parent, listed.into_whole());
                }
            }
            Err(error) => {
                // A single list isn't refused for its number, nor an answer with too many bytes.
                if refusal(&error) == Refusal::Size && error.kind() != ErrorKind::TooLarge && lists.len() > 1 {
                    shared.sizes(|sizes| sizes.refused(lists.len()));
                }
                tracing::info!("lists below rows aren't asked for together: {error}");
            }
        }
    }
}

/// The changed parents, or all if the change time can't be used as a condition; `None` for a load that isn't incremental or
/// that has to ask the server itself.
async fn parents_of<'a>(
    client: &'a Client,
    entity: &'static Entity,
    table: &'a Table,
    request: &'a LoadRequest,
    meter: &'a Meter,
) -> Option<SurveyedList<'a>> {
    let hangs = entity.parent()?;
    let above = catalog::entity(hangs.entity).ok()?;
    let mut work = ChildWork::of(table, client, (entity, above, hangs), request, meter).await.ok()?;
    if !work.is_incremental() {
        return None;
    }
    let (stored, measured) = work.measure().await.ok()?;
    if !work.shares {
        return None;
    }
    let changed = match measured.reads_from() {
        ReadFrom::Watermark(watermark, doubted) => {
            work.changed_since(watermark, doubted, measured.newest).await.ok()?
        }
        ReadFrom::Start => None,
    };
    let is_all = changed.is_none();
    let condition = work.of_all(changed);
    let part = Part { entity: above, condition: condition.as_ref().map(ToString::to_string) };
    let since = measured.server_time().zip(stored.asked).map(|(now, then)| now - then);
    let refresh = if is_all { 0 } else { work.part(since).await.ok()? };
    let next = if refresh > 0 { work.behind(stored.round) } else { None };
    Some(SurveyedList { work, condition, part, is_all, refresh, next })
}
