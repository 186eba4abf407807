//! What a table is before its load asks for anything, and which part of the list the load reads.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use connectwise_extract::contract;
use connectwise_extract::read::{self, Listed, Measured, Newest, RESCAN, ReadFrom, Reading, Scope};
use connectwise_lakehouse::{Doubt, Table};
use connectwise_sdk::Client;
use connectwise_sdk::catalog::{Entity, Load};

use super::deferred::Deferred;
use super::{Request, watermark};
use crate::error::Result;
use crate::quarantine::Held;
use crate::telemetry::Mode;
use crate::tenant;

/// Application whose transactions say how the server read dates: [`Reading::code`], none for what is documented.
pub(super) const DATES: &str = "connectwise-etl:dates";

/// What a table is. It is noted before the server is asked: what is read from then on is newer than what this version holds.
#[derive(Debug, Clone)]
pub(crate) struct Standing {
    /// Why the rows of this version aren't believed, so that all of them have to be put in place anew.
    pub(super) doubt: Option<Doubt>,
    /// The newest version that is.
    pub(super) trusted: Option<u64>,
    /// Whether the table holds the rows of a tenant that the lakehouse belonged to before.
    pub(super) moved: bool,
    pub(super) watermark: Option<DateTime<Utc>>,
    /// What the last load left out.
    pub(super) deferred: Deferred,
    pub(super) held: Held,
    /// How the server read dates when the table was last loaded.
    dates: i64,
}

/// What was found out about a list together with others, before its load begins.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) standing: Standing,
    pub(crate) newest: Option<Newest>,
    pub(crate) listed: Option<Listed>,
    /// What the server counted in the part of the list that the load is going to read, and the condition of that part.
    pub(crate) counted: Option<(Option<String>, u64)>,
}

/// What is known of a list before its load begins: clones share it, and it is taken once.
#[derive(Debug, Clone, Default)]
pub(crate) struct Foreknown(Arc<Mutex<Option<Known>>>);

impl Foreknown {
    pub(crate) fn of(known: Known) -> Self {
        Self(Arc::new(Mutex::new(Some(known))))
    }

    pub(super) fn take(&self) -> Option<Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// The part of a list that a load reads.
#[derive(Debug)]
pub(crate) struct Chosen {
    pub(crate) scope: Scope,
    pub(super) dates: ReadDates,
    pub(super) warnings: Vec<String>,
}

impl Standing {
    /// What a table is now.
    ///
    /// # Errors
    /// [`Kind::Lake`](crate::error::Kind::Lake) when the table can't be read.
    pub(crate) async fn of(table: &Table, entity: &'static Entity, request: &Request) -> Result<Self> {
        let examined = table.examine().await?;
        let doubt = examined.as_ref().and_then(|examined| examined.doubt_as(&contract::bronze(entity)));
        let trusted = examined.as_ref().and_then(|examined| examined.trusted);
        // What the table holds of the tenant before says nothing of this one: all of it is read again.
        let moved = tenant::is_of_another(table, request.owner).await?;
        // The watermark outlives what others do to the rows, and says nothing of such rows.
        let watermark = match &doubt {
            None => watermark(table).await?.filter(|_| !moved),
            Some(_) => None,
        };
        let dates = match watermark {
            Some(_) => table.transaction(DATES).await?.unwrap_or_default(),
            None => 0,
        };
        let (deferred, held) = (Deferred::stored(table).await?, Held::of(&request.quarantine, entity).await?);
        Ok(Self { doubt, trusted, moved, watermark, deferred, held, dates })
    }

    /// The change time up to which the table holds what the source had.
    pub(crate) fn watermark(&self) -> Option<DateTime<Utc>> {
        self.watermark
    }

    /// Which part of the list the load has to read.
    ///
    /// # Errors
    /// [`Kind::Source`](crate::error::Kind::Source) when the server doesn't tell how it reads dates.
    pub(crate) async fn choose(
        &self,
        client: &Client,
        entity: &'static Entity,
        request: &Request,
        measured: &Measured,
    ) -> Result<Chosen> {
        let mut chosen = Chosen { scope: Scope::All, dates: ReadDates::default(), warnings: Vec::new() };
        let (Mode::Incremental, Load::Incremental { watermark: path, .. }, ReadFrom::Watermark(watermark, doubted)) =
            (request.mode, entity.load, measured.reads_from())
        else {
            return Ok(chosen);
        };
        let reading = request.dates.of(client, entity, path, measured.newest).await;
        let reading = reading.map_err(|error| read::source_error(entity, error))?;
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
        // What was left out or changed in the future is asked for beside what changed, by its key.
        let beside = |changed| self.deferred.with(self.held.ranges()?).or_condition(entity, changed);
        chosen.scope = changed.and_then(beside).map_or(Scope::All, Scope::Where);
        Ok(chosen)
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

/// What a run says of a server that reads dates in its own way.
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
