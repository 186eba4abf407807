//! One HTML page about a lakehouse: how fresh it is, what runs did, what deviates from the document, and what gold says. It
//! needs no network and no script: it can be mailed, archived and read on a phone.

mod business;
mod card;
mod chart;
mod gold;
mod html;
mod operations;
mod page;
mod quality;
#[cfg(test)]
mod tests;
mod words;

use chrono::{DateTime, Utc};
use connectwise_lakehouse::Lake;
use connectwise_pipeline::error::Result;
use connectwise_pipeline::measures::Catalog;

/// The page, `None` when no run has left a row in this lakehouse. `now` is this machine's clock, from which ages count. What gold says are
/// answers to saved questions of `catalog`, those of the user's project included.
///
/// # Errors
/// When the ledger or a gold table can't be read.
pub async fn html(lake: &Lake, catalog: &Catalog, now: DateTime<Utc>) -> Result<Option<String>> {
    let Some(operations) = operations::read(lake, now).await? else { return Ok(None) };
    let gold = gold::read(lake, catalog, now).await?;
    Ok(Some(page::render(&operations, &gold, now)))
}
