//! Requests that several loads of child lists have in common, sent once: the ids of changed parents, and their lists if they
//! are few. What isn't proven complete is left to the loads.

use std::collections::HashMap;

use connectwise_extract::catalog;
use connectwise_extract::read::{Bundles, Part, ReadFrom};
use connectwise_lakehouse::Table;
use connectwise_sdk::catalog::Entity;
use connectwise_sdk::conditions::Condition;
use connectwise_sdk::{Client, ErrorKind};
use futures::future::join_all;

use super::ChildWork;
use super::bundle::{Below, Refusal, counted, refusal};
use crate::bronze::LoadRequest;
use crate::bundling::BUNDLE;
use crate::shared::{Ids, SharedQuestion};
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

/// Sends the requests of these loads and puts the answers into their shared state.
pub(crate) async fn survey(client: &Client, loads: &[(&'static Entity, &Table, &LoadRequest)]) -> Surveyed {
    let Some((_, _, LoadRequest { shared, page_size, .. })) = loads.first() else { return Surveyed::default() };
    let meter = Meter::default();
    let asked = loads.iter().map(|&(entity, table, request)| parents_of(client, entity, table, request, &meter));
    let asked: Vec<SurveyedList<'_>> = join_all(asked).await.into_iter().flatten().collect();
    let parts: Vec<Part> = asked.iter().fold(Vec::new(), |mut parts, asked| {
        if !parts.contains(&asked.part) {
            parts.push(asked.part.clone());
        }
        parts
    });
    let bundles = Bundles::new(client);
    let (listed, alone) = futures::join!(bundles.keys(&parts), join_all(asked.iter().map(SurveyedList::alone)));
    let (parts, listed): (Vec<Part>, Vec<Vec<i64>>) =
        parts.into_iter().zip(listed).filter_map(|(part, ids)| Some((part, ids?))).unzip();
    // Counted after the read, as there is no last page to prove it complete. A list that was truncated or grew meanwhile is
    // left to the loads: a parent missing here would fall behind their watermark.
    let counts = bundles.counts(&parts).await;
    let mut found: HashMap<SharedQuestion, Vec<i64>> = HashMap::new();
    for ((part, ids), count) in parts.iter().zip(listed).zip(counts) {
        let Some(count) = count.filter(|count| *count <= ids.len() as u64) else { continue };
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
    // Bundles keep the initial size: the lists of a refused one would be requested twice.
    let bundles = lists.chunks(BUNDLE).map(|some| async move { (some, counted(client, some, *page_size).await) });
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
    surveyed
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
    Some(SurveyedList { work, condition, part, is_all, refresh })
}
