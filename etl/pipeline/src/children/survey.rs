//! What several loads are going to ask, asked for all of them together: which parents changed, and the lists of these where they are
//! few. What isn't answered beyond doubt is left to the loads.

use std::collections::HashMap;

use connectwise_extract::catalog;
use connectwise_extract::read::{Bundles, Part, ReadFrom};
use connectwise_lakehouse::Table;
use connectwise_sdk::Client;
use connectwise_sdk::catalog::{Entity, Parent};

use super::Work;
use super::read::{BUNDLE, Below, LARGEST, bundle};
use crate::bronze::Request;
use crate::shared::{Ids, Question};
use crate::telemetry::Meter;

/// Which parents a load is going to ask for.
struct Asked {
    entity: &'static Entity,
    hangs: &'static Parent,
    part: Part,
    /// Whether these are all that there are.
    is_all: bool,
}

fn question(part: &Part, most: Option<usize>) -> Question {
    (part.entity.path, part.condition.clone(), most)
}

/// Asks for the loads of these tables, and tells what they share.
pub(crate) async fn survey(client: &Client, loads: &[(&'static Entity, &Table, &Request)]) {
    let Some((_, _, Request { shared, page_size, .. })) = loads.first() else { return };
    let mut asked = Vec::new();
    for &(entity, table, request) in loads {
        asked.extend(parents_of(client, entity, table, request).await);
    }
    let parts: Vec<Part> = asked.iter().fold(Vec::new(), |mut parts, asked| {
        if !parts.contains(&asked.part) {
            parts.push(asked.part.clone());
        }
        parts
    });
    let bundles = Bundles::new(client);
    let listed = bundles.keys(&parts).await;
    let (parts, listed): (Vec<Part>, Vec<Vec<i64>>) =
        parts.into_iter().zip(listed).filter_map(|(part, ids)| Some((part, ids?))).unzip();
    // Counted behind it, as there are no pages whose end could be proved. A list that was cut short, or that grew meanwhile, is left
    // to the loads: a parent that is missing here would lie behind their watermark.
    let counts = bundles.counts(&parts).await;
    let mut found: HashMap<Question, Vec<i64>> = HashMap::new();
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
    for asked in &asked {
        let Some(ids) = found.get(&question(&asked.part, None)) else { continue };
        if ids.len() <= BUNDLE && lists.len() + ids.len() <= LARGEST {
            lists.extend(ids.iter().map(|id| Below { entity: asked.entity, hangs: asked.hangs, parent: *id }));
        }
    }
    if lists.is_empty() {
        return;
    }
    match bundle(client, &lists, *page_size, true).await {
        // A load that has to take such lists at their word says so.
        Ok(bundled) if bundled.uncounted.is_some() => {}
        Ok(bundled) => {
            for (list, whole) in lists.iter().zip(bundled.whole) {
                if let Some(whole) = whole {
                    shared.tell_below(list.entity.name, list.parent, whole);
                }
            }
        }
        Err(error) => tracing::info!("lists below rows aren't asked for together: {error}"),
    }
}

/// The parents that changed, or all where that can't be asked; `None` for a load of another kind.
async fn parents_of(client: &Client, entity: &'static Entity, table: &Table, request: &Request) -> Option<Asked> {
    let hangs = entity.parent()?;
    let above = catalog::entity(hangs.entity).ok()?;
    let meter = Meter::default();
    let mut work = Work::of(table, client, (entity, above, hangs), request, &meter).await.ok()?;
    if !work.is_incremental() {
        return None;
    }
    let (_, measured) = work.measure().await.ok()?;
    if !work.shares {
        return None;
    }
    let changed = match measured.reads_from() {
        ReadFrom::Watermark(watermark, doubted) => {
            work.changed_since(watermark, doubted, measured.newest).await.ok()?
        }
        ReadFrom::Start => None,
    };
    let (is_all, condition) = (changed.is_none(), work.of_all(changed).map(|condition| condition.to_string()));
    Some(Asked { entity, hangs, part: Part { entity: above, condition }, is_all })
}
