//! Which tables of gold, and of what gold remembers, others changed, and what becomes of surrogate keys then.

use std::collections::{BTreeMap, HashSet};

use arrow::array::{AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type, SchemaRef};
use connectwise_lakehouse::{Lake, Table, TableName};
use connectwise_upkeep::{self as upkeep, Doubt};

use super::keys::{self, Keys, text};
use super::model::{Model, ModelKind};
use super::write::GoldRun;
use super::{aggregates, failed, lookup_state};
use crate::error::{Error, Result};
use crate::opened::Opened;

/// The tables that a build writes, as they were before it.
#[derive(Debug, Clone)]
pub(super) struct KnownTables {
    /// By model.
    tables: BTreeMap<String, Table>,
    doubts: BTreeMap<String, Doubt>,
    /// The table of surrogate keys.
    keys: Table,
    /// Why that isn't believed, and the version of it that is, if it can still be read.
    keys_doubt: Option<(Doubt, Option<Table>)>,
    /// Partial aggregates of tables by their files.
    pub(super) aggregates: Table,
    /// What lookups said when facts were built.
    pub(super) lookups: Table,
    /// Whether keys can only be told from what is left of them.
    pub(super) keys_are_lost: bool,
    /// Whether these are to be computed again.
    pub(super) aggregates_are_lost: bool,
    /// Whether nothing tells what lookups said when facts were built.
    pub(super) lookups_are_lost: bool,
}

impl KnownTables {
    /// Why the table of a model has to be replaced.
    pub(super) fn doubt(&self, model: &Model) -> Option<&Doubt> {
        self.doubts.get(&model.name)
    }

    /// The table of a model.
    ///
    /// # Errors
    /// [`Kind::Internal`](crate::error::Kind::Internal) when it wasn't opened.
    pub(super) fn table(&self, model: &Model) -> Result<&Table> {
        let missing = || Error::internal(&format!("the table of {} wasn't opened", model.name));
        self.tables.get(&model.name).ok_or_else(missing)
    }

    /// Goes on with the table of a model as it is now.
    pub(super) fn set(&mut self, model: &Model, table: Table) {
        self.tables.insert(model.name.clone(), table);
    }
}

/// Opens every table that a build writes.
pub(super) async fn open(lake: &Lake, models: &[Model], opened: &mut Opened) -> Result<KnownTables> {
    let mut tables = BTreeMap::new();
    let mut doubts = BTreeMap::new();
    for model in models.iter().filter(|model| model.is_table()) {
        let table = opened.table(lake, &TableName::gold(&model.name)).await?;
        // Other columns alone are what a changed model has: they are no doubt about the rows.
        let doubt = upkeep::examine(&table).await?.and_then(|examined| examined.doubt);
        doubts.extend(doubt.map(|doubt| (model.name.clone(), doubt)));
        tables.insert(model.name.clone(), table);
    }
    let keys = opened.table(lake, &TableName::gold(keys::TABLE)).await?;
    let mut keys_doubt = None;
    if let Some(examined) = upkeep::examine(&keys).await?
        && let Some(doubt) = examined.doubt_as(&keys::schema())
    {
        let trusted = match examined.trusted {
            Some(version) => upkeep::whole_at(&keys, version).await?,
            None => None,
        };
        keys_doubt = Some((doubt, trusted));
    }
    let is_lost = async |table: &Table, schema: &SchemaRef| {
        Ok::<_, Error>(upkeep::examine(table).await?.is_some_and(|examined| examined.doubt_as(schema).is_some()))
    };
    let aggregates = opened.table(lake, &aggregates::table()).await?;
    let lookups = opened.table(lake, &lookup_state::table()).await?;
    Ok(KnownTables {
        tables,
        doubts,
        keys_are_lost: keys_doubt.as_ref().is_some_and(|(_, trusted)| trusted.is_none()),
        keys,
        keys_doubt,
        aggregates_are_lost: is_lost(&aggregates, &aggregates::schema()).await?,
        lookups_are_lost: is_lost(&lookups, &lookup_state::schema()).await?,
        aggregates,
        lookups,
    })
}

/// The surrogate keys that earlier builds gave. Where others changed their table, it is written anew from the version before
/// that; where that is gone, from what the dimensions hold, then from what is left of the table, so that a report that
/// remembers a key finds the same member by it. Where a dimension has a higher key than its table, as after that was put back from a
/// backup, its keys are taken over, before they are given to other members.
pub(super) async fn keys(run: &GoldRun, models: &[Model]) -> Result<Keys> {
    let stored = &run.known.keys;
    let Some((doubt, trusted)) = &run.known.keys_doubt else {
        let mut keys = Keys::load(stored).await?;
        for model in models.iter().filter(|model| model.kind == ModelKind::Dimension) {
            let dimension = run.known.table(model)?;
            // No key is known of a table that is empty or isn't there, and of one that others wrote, which is in doubt.
            let highest = dimension.counted(&model.key).and_then(|counted| counted.keys).map(|(_, highest)| highest);
            if highest.is_some_and(|highest| highest > keys.highest(&model.name)) && run.known.doubt(model).is_none() {
                let what = "which were given before the table was put back to an older state";
                tracing::warn!(
                    "{} lacks keys that {} has, {what}; they are taken over",
                    stored.name(),
                    dimension.name()
                );
                keys.recover(dimension, model).await?;
            }
        }
        return Ok(keys);
    };
    tracing::warn!("{} {doubt}, so that it was written anew", stored.name());
    let mut keys = match trusted {
        Some(trusted) => Keys::load(trusted).await?,
        None => {
            let mut keys = Keys::default();
            for model in models.iter().filter(|model| model.kind == ModelKind::Dimension) {
                if run.known.doubt(model).is_none() {
                    held(run.known.table(model)?, model, &mut keys).await?;
                }
            }
            // A table that can't be read any more has nothing left.
            match Keys::load(stored).await {
                Ok(left) => keys.take_over(left),
                Err(error) => {
                    tracing::warn!("{}; the keys that dimensions have are all that is left of them", error.report());
                }
            }
            keys
        }
    };
    keys.table = Some(stored.clone());
    if !run.dry {
        keys.rewrite(&run.id, run.started).await?;
    }
    Ok(keys)
}

/// Takes the keys that a dimension's table holds.
async fn held(table: &Table, model: &Model, keys: &mut Keys) -> Result<()> {
    let session = table.lake().session()?;
    if !table.register(&session, "d").await? {
        return Ok(());
    }
    // A table that others made may have none of these columns.
    let has = |name: &String| table.schema().is_some_and(|schema| schema.field_with_name(name).is_ok());
    if !has(&model.key) || !has(&model.natural) {
        return Ok(());
    }
    let sql = format!("select `{}`, `{}` from d", model.key, model.natural);
    let frame = session.sql(&sql).await.map_err(failed)?;
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
