//! Lists that hang on the rows of another entity: additions of agreements, notes of tickets, lines of orders.
//!
//! There is a list for each parent, and no list of all. A load therefore asks for the lists of the parents that changed since
//! the watermark; and because a change below a row needs not be a change of that row, it asks for a part of all parents
//! besides, the next ones in the order of their ids, so that after some runs every list was read again. A parent's list is
//! whole, so rows of it that it no longer holds leave the table. All of that, the parents' watermark and how far the round
//! came, is one commit.
//!
//! A list that can't be read takes nothing away and adds nothing: the step is incomplete, says which, and the next run asks
//! for it first of all. More than a few of them, and nothing is committed at all.
//!
//! | module | what it holds |
//! |---|---|
//! | `parents` | ids of parents, proven whole |
//! | `read` | their lists, by bundle and otherwise one by one; what proves them complete |
//! | `bundle` | one bundle of lists, or of their counts |
//! | `rows` | answers into batches, each key once |
//! | `survey` | requests that several loads have in common, sent once |
//! | `budget` | requests that the rolling refresh may take |
//! | `looks` | when each list was last read |
//! | `progress` | the stored progress: watermark, place of the rolling refresh, lists that are still pending |
//! | `full`, `changed` | the two ways to load |
//! | `guard` | whether missing rows are believed |

mod budget;
mod bundle;
mod changed;
mod full;
mod looks;
mod parents;
mod progress;
mod read;
mod rows;
mod survey;

use std::sync::atomic::{AtomicBool, Ordering};

use chrono::{DateTime, Utc};
use connectwise_extract::catalog;
use connectwise_extract::contract;
use connectwise_extract::read::{self as source, Gap, Measured, Newest};
use connectwise_lakehouse::Table;
use connectwise_sdk::Client;
use connectwise_sdk::catalog::{Entity, Load, Parent};
use connectwise_upkeep::{self as upkeep, Doubt};

use crate::bronze::{LoadRequest, Loaded};
pub use crate::bundling::BUNDLE;
pub use crate::deletes::children::MAX_SHARE;
use crate::error::{Error, Result};
use crate::quarantine::Held;
use crate::telemetry::{Meter, Mode};
use crate::tenant;
pub use budget::REFRESH_REQUESTS;
pub(crate) use budget::{divided, usual};
use looks::Looks;
pub use progress::MAX_PENDING;
use progress::Progress;
pub(crate) use survey::{Surveyed, ahead, survey};

/// What both ways to load work with.
struct ChildWork<'a> {
    client: &'a Client,
    entity: &'static Entity,
    /// The entity on whose rows the lists hang.
    above: &'static Entity,
    parent: &'static Parent,
    /// The table before anything was asked.
    table: &'a Table,
    request: &'a LoadRequest,
    meter: &'a Meter,
    /// Whether the table holds the rows of a tenant that the lakehouse belonged to before.
    moved: bool,
    /// Why the rows of that version aren't believed.
    doubt: Option<Doubt>,
    /// Whether this load may use the answers that the loads of a run share.
    shares: bool,
}

/// Loads the lists of one entity into its bronze table, in one commit or none.
///
/// # Errors
/// When the parents can't be listed, more than [`MAX_PENDING`] lists can't be read, the lakehouse can't be written or other
/// runs were faster every time. The table and its transactions are then as they were.
pub async fn load(
    table: &Table,
    client: &Client,
    (entity, parent): (&'static Entity, &'static Parent),
    request: &LoadRequest,
    meter: &Meter,
) -> Result<Loaded> {
    let above = catalog::entity(parent.entity)?;
    let is_first = AtomicBool::new(true);
    table
        .retry_on_conflict(async |table| {
            // A retry asks the server itself: the table may hold newer rows than the shared answers.
            let shares = is_first.swap(false, Ordering::Relaxed);
            let attempt = async || {
                let work = ChildWork::of(&table, client, (entity, above, parent), request, meter).await?;
                ChildWork { shares, ..work }.attempt().await
            };
            let is_doubted = || request.shared.proof(|proof| proof.is_doubted());
            let believed = !is_doubted();
            match attempt().await {
                // Bundles turned out to lack records after some were taken without counts. All lists are counted now.
                Err(error) if believed && is_doubted() => {
                    tracing::info!("{error}; starting over");
                    meter.begin_again();
                    attempt().await
                }
                loaded => loaded,
            }
        })
        .await
}

/// When the list of an entity's bronze table that wasn't read for longest was read, by the server's clock: then or later. `None` where
/// there is no such table, or nobody knows.
///
/// # Errors
/// [`Kind::Lake`](crate::error::Kind::Lake) when its log can't be read.
pub async fn oldest_look(table: &Table) -> Result<Option<DateTime<Utc>>> {
    Ok(Looks::stored(table).await?.oldest())
}

/// Several reasons as one.
fn together(reasons: impl IntoIterator<Item = Option<String>>) -> Option<String> {
    reasons.into_iter().flatten().reduce(|one, other| format!("{one}; {other}"))
}

impl<'a> ChildWork<'a> {
    async fn of(
        table: &'a Table,
        client: &'a Client,
        (entity, above, parent): (&'static Entity, &'static Entity, &'static Parent),
        request: &'a LoadRequest,
        meter: &'a Meter,
    ) -> Result<Self> {
        let examined = upkeep::examine(table).await?;
        let doubt = examined.and_then(|examined| examined.doubt_as(&contract::bronze(entity)));
        let moved = tenant::is_of_another(table, request.owner).await?;
        Ok(Self { client, entity, above, parent, table, request, meter, moved, doubt, shares: true })
    }

    /// Whether the lists of changed parents are enough, with a part of the rolling refresh.
    fn is_incremental(&self) -> bool {
        matches!(self.request.mode, Mode::Incremental) && self.table.exists() && !self.moved && self.doubt.is_none()
    }

    /// The progress that the last load stored, and the newest parent's change time against it.
    async fn measure(&mut self) -> Result<(Progress, Measured)> {
        let mut stored = Progress::stored(self.table).await?;
        stored.watermark = stored.watermark.filter(|_| !self.moved);
        // The watermark outlives what others do to the rows, and says nothing of such rows.
        let believed = stored.watermark.filter(|_| self.doubt.is_none());
        let told = match self.shares {
            true => Measured::told(self.newest().await?, believed, self.request.window),
            false => None,
        };
        // If the newest parent has to be asked again, shared lists of parents are too old: they could lack a change that is
        // older than the new watermark.
        self.shares = told.is_some();
        let measured = match told {
            Some(measured) => measured,
            None => Measured::ask(self.client, self.above, believed, self.request.window).await?,
        };
        Ok((stored, measured))
    }

    async fn attempt(mut self) -> Result<Loaded> {
        let (stored, measured) = self.measure().await?;
        let held = Held::of(&self.request.quarantine, self.entity).await?;
        let watermark = measured.next();
        let asked = measured.server_time();
        let next = Progress { watermark, asked: asked.or(stored.asked), ..stored.clone() };
        let mut loaded = match self.is_incremental() {
            true => self.changed(&stored, next, &measured, held).await?,
            false => {
                let looks = asked.map_or_else(Looks::default, Looks::of_all);
                self.full(&stored, Progress { looks, ..next }, held).await?
            }
        };
        let name = self.table.name();
        let told = self.doubt.as_ref().map(|doubt| format!("{name} {doubt}, so that all of it was read again"));
        loaded.warnings.extend(told);
        loaded.warnings.splice(..0, measured.warnings(self.above));
        if matches!(self.above.load, Load::Incremental { .. }) && watermark.is_none() && loaded.seen.records > 0 {
            loaded.warnings.push(format!(
                "{} shows no change time, so every run reads the lists of all of them: the API role may lack the right to \
                 see _info",
                self.above.name
            ));
        }
        Ok(loaded)
    }

    /// The newest parent; one request for all loads of the run.
    async fn newest(&self) -> Result<Newest> {
        let ask = async { Ok(source::newest(self.client, self.above).await?) };
        self.request.shared.newest(self.above.name, ask).await
    }

    fn incomplete(&self, gap: Gap) -> Error {
        source::incomplete(self.entity, gap).into()
    }
}
