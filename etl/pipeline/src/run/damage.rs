//! Tables that can't be read: what a run mends by itself, what it refuses, and what it says of it.
//!
//! Bronze is what the API answered, so what is lost there is read again, and only by a run that is told to read everything. The
//! tables above are built from it, so they are mended and built again by any run. What neither holds (rows that are gone at the
//! source, old versions, quarantined records, the ledger) is kept as far as it can be read, and the rest is told as lost.

use std::collections::BTreeMap;

use connectwise_lakehouse::{Lake, Layer, Table, TableName};
use connectwise_sdk::catalog::Entity;
use connectwise_upkeep::{self as upkeep, Mended};

use super::{Mode, Plan};
use crate::damage::advice;
pub(super) use crate::damage::{explained, found};
use crate::error::Result;
use crate::gold;
use crate::ledger::Journal;
use crate::quarantine;
use crate::silver::history;

/// A table that can be read again.
#[derive(Debug)]
pub(super) struct Healed {
    /// What was wrong, what was done and what is lost.
    pub(super) told: String,
    /// Whether it has all the rows that it had, so that nothing of it has to be built again.
    pub(super) is_whole: bool,
}

impl Healed {
    fn of(mended: &Mended, then: &str) -> Self {
        Self { told: format!("{}{then}", mended.what), is_whole: mended.is_whole() }
    }
}

/// Sees to it that a bronze table can be loaded.
///
/// # Errors
/// [`Kind::Lake`] when the table can't be read and the run isn't one that reads everything.
pub(super) async fn bronze(lake: &Lake, entity: &Entity, mode: Mode, run_id: &str) -> Result<(Table, Option<String>)> {
    let name = TableName::bronze(entity.table);
    let advice = advice(&name);
    let refusal = (mode == Mode::Incremental).then_some(advice.as_str());
    let (table, mended) = upkeep::mend(lake, &name, run_id, refusal).await?;
    let Some(mended) = mended else { return Ok((table, None)) };
    unsettle(lake, &mended, &name, &[TableName::silver(entity.table)], run_id).await?;
    let then = if mended.is_whole() { "" } else { "; all of it is read again" };
    Ok((table, Some(format!("{}{then}", mended.what))))
}

/// Sees to it that a silver table can be built.
///
/// # Errors
/// [`Kind::Lake`] when the store refuses.
pub(super) async fn silver(lake: &Lake, entity: &Entity, plan: &Plan, run_id: &str) -> Result<(Table, Option<Healed>)> {
    let name = TableName::silver(entity.table);
    let (table, mended) = upkeep::mend(lake, &name, run_id, None).await?;
    let Some(mended) = mended else { return Ok((table, None)) };
    let mut above: Vec<TableName> = plan.gold.models.tables().collect();
    above.extend(gold::tables()?.into_iter().map(TableName::gold));
    above.extend(entity.history.then(|| history::table(entity)));
    unsettle(lake, &mended, &name, &above, run_id).await?;
    let lost = match mended {
        _ if mended.is_whole() => String::new(),
        Mended { is_gone: true, .. } => {
            "; it is built again from bronze, and has no longer the records that were deleted in ConnectWise".to_owned()
        }
        Mended { rows: Some(0), .. } => "; it is brought up to date from bronze, so nothing is lost".to_owned(),
        Mended { rows, .. } => format!(
            "; it is built again from bronze, and of {} those are lost that had been deleted in ConnectWise",
            these(rows, "rows")
        ),
    };
    Ok((table, Some(Healed::of(&mended, &lost))))
}

/// Rows in files that couldn't be read, with their number where it is known.
fn these(rows: Option<u64>, what: &str) -> String {
    rows.map_or_else(|| format!("these {what}"), |rows| format!("these {rows} {what}"))
}

/// Whether a silver table that was built has fewer rows than bronze, or not all of its keys, as the logs tell it without a look
/// at any file. Silver keeps what is gone in bronze, so it may have more.
pub(super) fn short(bronze: &Table, silver: &Table, entity: &Entity) -> Option<String> {
    let below = bronze.counted(entity.key)?;
    let above = silver.counted(entity.key)?;
    let outside = match (below.keys, above.keys) {
        (Some((low, high)), Some((least, most))) => low < least || high > most,
        _ => false,
    };
    if above.rows >= below.rows && !outside {
        return None;
    }
    let silver = silver.name();
    let what = if above.rows < below.rows { "has fewer rows than bronze" } else { "lacks keys of bronze" };
    Some(format!("{silver} {what} ({} and {} rows), so all of it was built again", above.rows, below.rows))
}

/// Sees to it that the history of an entity can be built.
///
/// # Errors
/// [`Kind::Lake`] when the store refuses.
pub(super) async fn history(lake: &Lake, entity: &Entity, run_id: &str) -> Result<(Table, Option<Healed>)> {
    let (table, mended) = upkeep::mend(lake, &history::table(entity), run_id, None).await?;
    let Some(mended) = mended else { return Ok((table, None)) };
    let lost = match mended {
        _ if mended.is_whole() => String::new(),
        Mended { is_gone: true, .. } => "; its versions are lost, and it begins anew with those of today".to_owned(),
        Mended { rows: Some(0), .. } => {
            "; versions that came with those commits and that silver no longer has are lost".to_owned()
        }
        Mended { rows, .. } => {
            format!("; of {} only those come back that silver still has", these(rows, "versions"))
        }
    };
    Ok((table, Some(Healed::of(&mended, &lost))))
}

/// Tables of gold that were looked at before a build.
#[derive(Debug, Default)]
pub(super) struct Gold {
    /// All of them, opened.
    pub(super) tables: Vec<Table>,
    /// What was mended, by table.
    pub(super) healed: Vec<(TableName, Healed)>,
    /// Those all of which has to be built again.
    pub(super) untrusted: Vec<TableName>,
}

/// Sees to it that gold can be built: its tables, the keys of its dimensions, and what builds remember of each other.
///
/// # Errors
/// [`Kind::Lake`] when the store refuses.
pub(super) async fn gold(lake: &Lake, plan: &Plan, run_id: &str) -> Result<Gold> {
    let mut told = Vec::new();
    let mut tables = Vec::new();
    let models: Vec<TableName> =
        gold::tables()?.into_iter().map(TableName::gold).chain(plan.gold.models.tables()).collect();
    let keys = gold::keys_table();
    for table in models.iter().filter(|table| **table != keys) {
        let (opened, mended) = upkeep::mend(lake, table, run_id, None).await?;
        tables.push(opened);
        if let Some(mended) = mended {
            let then = if mended.is_whole() { "" } else { "; it is built again from silver" };
            told.push((table.clone(), Healed::of(&mended, then)));
        }
    }
    // After the dimensions, which have the keys too.
    let (opened, mended) = upkeep::mend(lake, &keys, run_id, None).await?;
    tables.push(opened);
    if let Some(mended) = mended {
        let then = if mended.is_whole() {
            String::new()
        } else {
            let found = gold::recover_keys(lake, &plan.gold, run_id).await?;
            format!("; {found} keys were taken from the dimensions, and others that it had are given anew")
        };
        told.push((keys, Healed::of(&mended, &then)));
    }
    for table in gold::remembered() {
        let (opened, mended) = upkeep::mend(lake, &table, run_id, None).await?;
        tables.push(opened);
        if let Some(mended) = mended {
            unsettle(lake, &mended, &table, &models, run_id).await?;
            let then = if mended.is_whole() { "" } else { "; what it remembered is computed again" };
            told.push((table, Healed::of(&mended, then)));
        }
    }
    let mut untrusted = Vec::new();
    for table in &mut tables {
        // What was mended may have left word with others.
        if !told.is_empty() {
            *table = table.refresh().await?;
        }
        if table.is_untrusted().await? {
            untrusted.push(table.name().clone());
        }
    }
    Ok(Gold { tables, healed: told, untrusted })
}

/// Mends the ledger and the quarantine, which no run may fail over. Gives the tables that are sound, and what is to be told of others.
pub(crate) async fn aside(lake: &Lake, run_id: &str) -> (Vec<Table>, Vec<String>) {
    let mut sound = Vec::new();
    let mut told = Vec::new();
    for table in crate::ledger::tables().into_iter().chain([quarantine::table()]) {
        match upkeep::mend(lake, &table, run_id, None).await {
            Ok((table, None)) => sound.push(table),
            Ok((_, Some(mended))) => {
                let lost = match mended {
                    _ if mended.is_whole() => "",
                    Mended { is_gone: true, .. } => "; the rows that it had are lost to it",
                    _ => "; these rows are lost to it",
                };
                told.push(format!("{}{lost}", mended.what));
                // Nothing brings them back.
                told.extend(lake.trust(&table, run_id).await.err().map(|error| error.report()));
            }
            Err(error) => told.push(error.report()),
        }
    }
    (sound, told)
}

/// Marks tables with files that can't be read, whatever the log says of them, so that they are loaded or built as a whole: by the step
/// that failed over them, which is tried again, or by the next run. Gives what is wrong with each, and what mends it.
///
/// # Errors
/// [`Kind::Lake`] when the store refuses.
pub(super) async fn mark(
    lake: &Lake,
    tables: &[TableName],
    mode: Mode,
    run_id: &str,
) -> Result<BTreeMap<TableName, String>> {
    let mut marked = BTreeMap::new();
    for table in tables {
        if upkeep::damage(lake, table).await?.is_some() {
            // What the log tells is mended without a mark.
            continue;
        }
        let Some(damage) = upkeep::damage_in_files(lake, table).await? else { continue };
        if is_marked(table, mode) {
            lake.distrust(table, "has data files that can't be read", run_id).await?;
        }
        marked.insert(table.clone(), format!("{table} can't be read: {damage}; {}", advice(table)));
    }
    Ok(marked)
}

/// Whether [`mark`] marks such a table: bronze only where everything is read again anyway.
pub(super) fn is_marked(table: &TableName, mode: Mode) -> bool {
    table.layer != Layer::Bronze || mode == Mode::Full
}

/// The tables that a build of gold writes.
pub(super) fn written_by_gold(plan: &Plan) -> Result<Vec<TableName>> {
    let built_in = gold::tables()?.into_iter().map(TableName::gold);
    Ok(built_in.chain(plan.gold.models.tables()).chain(gold::remembered()).collect())
}

/// Removes what runs have left in the tables of a plan that didn't end well.
///
/// # Errors
/// [`Kind::Lake`] when the store refuses.
pub(super) async fn clear(lake: &Lake, plan: &Plan, journal: &mut Journal<'_>) -> Result<()> {
    let Some(window) = journal.leftovers().await? else { return Ok(()) };
    let has = |layer: Layer| plan.layers.contains(&layer);
    let mut tables: Vec<TableName> = crate::ledger::tables().into_iter().collect();
    for entity in &plan.entities {
        tables.extend(has(Layer::Bronze).then(|| TableName::bronze(entity.table)));
        tables.extend(has(Layer::Silver).then(|| TableName::silver(entity.table)));
        tables.extend((has(Layer::Silver) && entity.history).then(|| history::table(entity)));
    }
    if has(Layer::Bronze) {
        tables.push(quarantine::table());
    }
    if has(Layer::Gold) {
        tables.extend(written_by_gold(plan)?);
    }
    for table in tables {
        // What a log names that can't be read isn't known, so nothing of it goes.
        match upkeep::clear_leftovers(lake, &table, &window).await {
            Ok(cleared) if cleared.files > 0 => {
                tracing::info!("{} files of {table} that failed runs had left were removed", cleared.files);
            }
            Ok(_) => {}
            Err(error) => tracing::warn!("{}", error.report()),
        }
    }
    Ok(())
}

/// Lets tables be built in full that were built from versions of another one which are no longer what they were.
async fn unsettle(lake: &Lake, mended: &Mended, of: &TableName, tables: &[TableName], run_id: &str) -> Result<()> {
    if !mended.went_back && !mended.is_gone {
        return Ok(());
    }
    for table in tables {
        let why = format!("was built from a version of {of} that can't be read any more");
        // One that can't be read either is mended in its turn.
        if upkeep::damage(lake, table).await?.is_none() {
            lake.distrust(table, &why, run_id).await?;
        }
    }
    Ok(())
}
