//! Tables that another program made in the places of this one's, such as those of the PySpark package that it replaces.

use connectwise_lakehouse::{Lake, Layer, TableName};
use connectwise_upkeep as upkeep;
use futures::stream::{self, StreamExt, TryStreamExt};

use crate::error::{Error, Result};
use crate::gold::GoldConfig;
use crate::tables::known_tables;
use crate::tenant::TENANT;

/// Tables that are looked at together.
const AT_ONCE: usize = 8;
/// Tables that are named; of more the number is told.
const NAMED: usize = 3;

/// Refuses a lakehouse that was never loaded, where others' tables stand in the places of this program's. With `adopt` they are
/// replaced as they are built, and the run says so. Returns what it should say.
///
/// # Errors
/// [`Kind::Config`](crate::error::Kind::Config), naming tables. Nothing was written.
pub(super) async fn admit(lake: &Lake, gold: &GoldConfig, adopt: bool) -> Result<Option<String>> {
    // The first load has looked, and the run says what is wrong with a table of tenants that can't be read.
    let is_new = lake.table(&TableName::ledger(TENANT)).await.is_ok_and(|tenant| !tenant.exists());
    let found = if is_new { others(lake, gold).await? } else { Vec::new() };
    if found.is_empty() {
        return Ok(adopt.then(|| {
            "--adopt changes nothing: no table of another program stands where this lakehouse has its own".to_owned()
        }));
    }
    let named = named(&found);
    if !adopt {
        return Err(Error::others_tables(lake, &named));
    }
    Ok(Some(format!(
        "{named} were made by another program and are replaced; Delta keeps their versions until now readable"
    )))
}

/// The tables in this program's places whose log has no commit of it.
async fn others(lake: &Lake, gold: &GoldConfig) -> Result<Vec<TableName>> {
    let places = known_tables()?.into_iter().chain(gold.models.tables()).filter(|table| table.layer != Layer::Ledger);
    let looked = stream::iter(places.collect::<Vec<_>>()).map(async |name| {
        // One that can't be read is mended or refused by what reads it.
        let Ok(table) = lake.table(&name).await else { return Ok(None) };
        let examined = upkeep::examine(&table).await?;
        let is_others = examined.is_some_and(|examined| examined.trusted.is_none() && examined.doubt.is_some());
        Ok::<_, Error>(is_others.then_some(name))
    });
    let mut found: Vec<TableName> =
        looked.buffer_unordered(AT_ONCE).try_filter_map(async |name| Ok(name)).try_collect().await?;
    found.sort_unstable();
    Ok(found)
}

fn named(tables: &[TableName]) -> String {
    let names: Vec<String> = tables.iter().take(NAMED).map(ToString::to_string).collect();
    match tables.len().saturating_sub(NAMED) {
        0 => names.join(", "),
        1 => format!("{} and one more table", names.join(", ")),
        more => format!("{} and {more} more tables", names.join(", ")),
    }
}
