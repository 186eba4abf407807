//! The state of a bronze table before its load sends any request, and the scope of the list that the load reads.

use std::sync::{Arc, Mutex};

use chrono::{DateTime, Utc};
use connectwise_extract::contract;
use connectwise_extract::read::{self, Listed, Measured, Newest, RESCAN, ReadFrom, Reading, Scope};
use connectwise_lakehouse::Table;
use connectwise_sdk::Client;
use connectwise_sdk::catalog::{Entity, Load};
use connectwise_storage::locked;
use connectwise_upkeep::{self as upkeep, Doubt};

use super::deferred::Deferred;
use super::{LoadRequest, watermark};
use crate::error::Result;
use crate::quarantine::Held;
use crate::telemetry::Mode;
use crate::tenant;

/// Application whose transactions say how the server read dates: [`Reading::code`], none for what is documented.
pub(super) const DATES: &str = "connectwise-etl:dates";

/// State of a table at one version. It is read before the server is asked, so that every answer is newer than this version.
#[derive(Debug, Clone)]
pub(crate) struct Standing {
    /// Why the rows of this version aren't trusted, so that all of them are replaced.
    pub(super) doubt: Option<Doubt>,
    /// The newest trusted version.
    pub(super) trusted: Option<u64>,
    /// Whether the table holds the rows of a tenant that the lakehouse belonged to before.
    pub(super) moved: bool,
    pub(super) watermark: Option<DateTime<Utc>>,
    /// Records that the last load left out.
    pub(super) deferred: Deferred,
    pub(super) held: Held,
    /// How the server read dates when the table was last loaded.
    dates: i64,
}

/// What the survey found out about a list before its load begins.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) standing: Standing,
    pub(crate) newest: Option<Newest>,
    pub(crate) listed: Option<Listed>,
    /// Condition of the scope that the load is going to read, and the server's count of it.
    pub(crate) counted: Option<(Option<String>, u64)>,
    /// Whether the load begins before the survey counts anything.
    pub(crate) is_early: bool,
}

impl Known {
    /// The state of the table, and nothing of the server.
    pub(crate) fn of(standing: Standing) -> Self {
        Self { standing, newest: None, listed: None, counted: None, is_early: false }
    }
}

/// A [`Known`] that clones share; the first `take` gets it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Foreknown(Arc<Mutex<Option<Known>>>);

impl Foreknown {
    pub(crate) fn of(known: Known) -> Self {
        Self(Arc::new(Mutex::new(Some(known))))
    }

    pub(super) fn take(&self) -> Option<Known> {
        locked(&self.0).take()
    }
}

/// The scope of a list that a load reads, and what the run has to say about it.
#[derive(Debug)]
pub(crate) struct Chosen {
    pub(crate) scope: Scope,
    pub(super) dates: ReadDates,
    pub(super) warnings: Vec<String>,
}

impl Standing {
    /// Reads the state of a table.
    ///
    /// # Errors
    /// [`Kind::Lake`](crate::error::Kind::Lake) when the table can't be read.
    pub(crate) async fn of(table: &Table, entity: &'static Entity, request: &LoadRequest) -> Result<Self> {
        let examined = upkeep::examine(table).await?;
        let doubt = examined.as_ref().and_then(|examined| examined.doubt_as(&contract::bronze(entity)));
        let trusted = examined.as_ref().and_then(|examined| examined.trusted);
        // Rows of the former tenant say nothing about this one: the whole list is read again.
        let moved = tenant::is_of_another(table, request.owner).await?;
        // A foreign commit leaves the watermark in place, but it says nothing about the rows of that commit.
        let watermark = match &doubt {
            None => watermark(table).await?.filter(|_| !moved),
            Some(_) => None,
        };
        let dates = match watermark {
            // What is as documented is noted by nobody.
            Some(_) => table.transaction(DATES).await?.unwrap_or(0),
            None => 0,
        };
        let deferred = Deferred::stored(table).await?;
        let held = Held::of(&request.quarantine, entity).await?;
        Ok(Self { doubt, trusted, moved, watermark, deferred, held, dates })
    }

    /// The change time up to which the table holds what the source had.
    pub(crate) fn watermark(&self) -> Option<DateTime<Utc>> {
        self.watermark
    }

    /// Whether a list without change times is compared with this table, and not read into a new one.
    pub(crate) fn is_compared(&self, table: &Table) -> bool {
        table.exists() && !self.moved && self.doubt.is_none()
    }

    /// Chooses the scope that the load reads.
    ///
    /// # Errors
    /// [`Kind::Source`](crate::error::Kind::Source) when the server doesn't tell how it reads dates.
    pub(crate) async fn choose(
        &self,
        client: &Client,
        entity: &'static Entity,
        request: &LoadRequest,
        measured: &Measured,
    ) -> Result<Chosen> {
        let reading = match (request.mode, entity.load, measured.reads_from()) {
            (Mode::Incremental, Load::Incremental { watermark: path, .. }, ReadFrom::Watermark(..)) => {
                let reading = request.dates.of(client, entity, path, measured.newest).await;
                reading.map_err(|error| read::source_error(entity, error))?
            }
            _ => self.reading(),
        };
        Ok(self.chosen(entity, request, measured, reading))
    }

    /// How the server read dates when the table was last loaded.
    pub(crate) fn reading(&self) -> Reading {
        Reading::of_code(self.dates)
    }

    /// The scope that the load reads from a server that reads dates like this.
    pub(crate) fn chosen(
        &self,
        entity: &'static Entity,
        request: &LoadRequest,
        measured: &Measured,
        reading: Reading,
    ) -> Chosen {
        let mut chosen = Chosen { scope: Scope::All, dates: ReadDates::default(), warnings: Vec::new() };
        let (Mode::Incremental, Load::Incremental { .. }, ReadFrom::Watermark(watermark, doubted)) =
            (request.mode, entity.load, measured.reads_from())
        else {
            return chosen;
        };
        chosen.warnings.extend(odd_dates(reading));
        chosen.dates = ReadDates { code: Some(reading.code()), before: self.dates };
        let rescans = chosen.dates.differs() || doubted;
        let window = if rescans { request.window.rescanning() } else { request.window };
        if chosen.dates.differs() {
            let days = RESCAN.num_days();
            chosen.warnings.push(format!(
                "the server reads dates in conditions in another way than the loads before found, so the changes of \
                 the {days} days before were read again: they may have missed some"
            ));
        }
        let changed =
            reading.dates().and_then(|dates| read::condition(entity, &Scope::Since { watermark, window, dates }));
        // Records that were left out, or that changed in the future, are read again by their keys.
        let beside = |changed| self.deferred.with(self.held.ranges()?).or_condition(entity, changed);
        chosen.scope = changed.and_then(beside).map_or(Scope::All, Scope::Where);
        chosen
    }
}

/// How the server reads dates, and how it did when the table was last loaded.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ReadDates {
    /// `None` when this load doesn't depend on it.
    pub(super) code: Option<i64>,
    before: i64,
}

impl ReadDates {
    /// Whether earlier loads may have missed what they asked for.
    pub(super) fn differs(self) -> bool {
        self.code.is_some_and(|code| code != self.before)
    }
}

/// The warning about a server that doesn't read dates as documented.
fn odd_dates(reading: Reading) -> Option<String> {
    match reading {
        Reading::Late(_, late) => Some(format!(
            "the server takes dates in conditions as {} minutes later than written, so the read went back so much further",
            late.num_minutes()
        )),
        Reading::Unusable => {
            Some("the server does not match dates in conditions as documented, so the full list was read".to_owned())
        }
        Reading::Exact(_) | Reading::Early(_) => None,
    }
}
