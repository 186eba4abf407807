//! Which tables of gold, and of what gold remembers, others changed, and what becomes of surrogate keys then.

use std::collections::{BTreeMap, HashSet};

use arrow::array::{AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use connectwise_lakehouse::{Doubt, Lake, TableName};

use super::keys::{self, Keys, text};
use super::model::{Model, ModelKind};
use super::write::Run;
use super::{failed, parts, state};
use crate::error::Result;

/// What was found before a build.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    versions: BTreeMap<String, u64>,
    doubts: BTreeMap<String, Doubt>,
    /// Why the table of surrogate keys isn't believed, and the version of it that is, if it can still be read.
    keys: Option<(Doubt, Option<u64>)>,
    /// The version of that table.
    keys_version: Option<u64>,
    /// Whether keys can only be told from what is left of them.
    pub(super) keys_are_lost: bool,
    /// Whether what is kept of tables by their files is to be computed again.
    pub(super) parts_are_lost: bool,
    /// Whether nothing tells what lookups said when facts were built.
    pub(super) lookups_are_lost: bool,
}

impl Known {
    /// Why the table of a model has to be replaced.
    pub(super) fn doubt(&self, model: &Model) -> Option<&Doubt> {
        self.doubts.get(&model.name)
    }

    /// The version of a model's table that was looked at.
    pub(super) fn version(&self, model: &Model) -> Option<u64> {
        self.versions.get(&model.name).copied()
    }
}

/// Looks at every table that a build writes.
pub(super) async fn look(lake: &Lake, models: &[Model]) -> Result<Known> {
    let mut known = Known::default();
    for model in models.iter().filter(|model| model.is_table()) {
        let Some(examined) = lake.examine(&TableName::gold(&model.name)).await? else { continue };
        known.versions.insert(model.name.clone(), examined.state.version);
        // Other columns alone are what a changed model has: they are no doubt about the rows.
        known.doubts.extend(examined.doubt.map(|doubt| (model.name.clone(), doubt)));
    }
    let table = TableName::gold(keys::TABLE);
    if let Some(examined) = lake.examine(&table).await?
        && let Some(doubt) = examined.doubt_as(&keys::schema())
    {
        let trusted = match examined.trusted {
            Some(version) if lake.is_whole_at(&table, version).await => Some(version),
            _ => None,
        };
        known.keys_are_lost = trusted.is_none();
        (known.keys, known.keys_version) = (Some((doubt, trusted)), Some(examined.state.version));
    }
    let parts = lake.examine(&parts::table()).await?;
    known.parts_are_lost = parts.is_some_and(|parts| parts.doubt_as(&parts::schema()).is_some());
    let lookups = lake.examine(&state::table()).await?;
    known.lookups_are_lost = lookups.is_some_and(|lookups| lookups.doubt_as(&state::schema()).is_some());
    Ok(known)
}

/// The surrogate keys that earlier builds gave. Where others changed their table, it is written anew from the version before
/// that; where that is gone, from what the dimensions hold, then from what is left of the table, so that a report that
/// remembers a key finds the same member by it.
pub(super) async fn keys(run: &Run, models: &[Model]) -> Result<Keys> {
    let (lake, table) = (&run.lake, TableName::gold(keys::TABLE));
    let Some((doubt, trusted)) = &run.known.keys else { return Keys::load(lake, None).await };
    tracing::warn!("{table} {doubt}, so that it was written anew");
    let mut keys = match trusted {
        Some(version) => Keys::load(lake, Some(*version)).await?,
        None => {
            let mut keys = Keys::default();
            for model in models.iter().filter(|model| model.kind == ModelKind::Dimension) {
                if run.known.doubt(model).is_none() {
                    held(lake, model, &mut keys).await?;
                }
            }
            // A table that can't be read any more has nothing left.
            if let Ok(left) = Keys::load(lake, None).await {
                keys.take_over(left);
            }
            keys
        }
    };
    // Another run may have written it anew since it was looked at.
    keys.version = run.known.keys_version;
    if !run.dry {
        keys.rewrite(lake, &lake.session()?, &run.id, run.started).await?;
    }
    Ok(keys)
}

/// Takes the keys that a dimension's table holds.
async fn held(lake: &Lake, model: &Model, keys: &mut Keys) -> Result<()> {
    let session = lake.session()?;
    if !lake.register(&session, "d", &TableName::gold(&model.name)).await? {
        return Ok(());
    }
    let sql = format!("select `{}`, `{}` from d", model.key, model.natural);
    let Ok(frame) = session.sql(&sql).await else { return Ok(()) };
    let mut seen = HashSet::new();
    for batch in frame.collect().await.map_err(failed)? {
        for (key, natural) in pairs(&batch)? {
            if seen.insert(key) {
                keys.give(&model.name, natural, key);
            }
        }
    }
    Ok(())
}

fn pairs(batch: &RecordBatch) -> Result<Vec<(i64, String)>> {
    let Ok(numbers) = cast(batch.column(0), &DataType::Int64) else { return Ok(Vec::new()) };
    let naturals = text(batch.column(1))?;
    let pairs = numbers.as_primitive::<Int64Type>().iter().zip(naturals.iter());
    Ok(pairs.filter_map(|(key, natural)| Some((key?, natural?.to_owned()))).filter(|(key, _)| *key > 0).collect())
}
