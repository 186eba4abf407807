//! Bronze: what the API answered, losslessly, one table an entity.

mod changes;
mod deferred;
mod deletion_guard;
mod full;
mod ids;
mod range;
mod ranged;
mod standing;

use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::time::Instant;

use chrono::{DateTime, Utc};
use connectwise_extract::contract::CONTENT_HASH;
use connectwise_extract::decode::Decoder;
use connectwise_extract::privacy::SecretStorage;
use connectwise_extract::read::{
    self, Count, Counting, DateProbe, Extraction, Measured, Pages, Scope, Seen, Unreadable, Window,
};
use connectwise_lakehouse::{Commit, Comparison, Table, Written};
use connectwise_sdk::Client;
use connectwise_sdk::catalog::{Entity, Load};
use connectwise_sdk::conditions::Condition;
use connectwise_storage::locked;
use connectwise_upkeep::Doubt;
use datafusion::prelude::SessionContext;

use crate::deletes::MAX_SHARE;
use crate::error::Result;
use crate::quarantine;
use crate::shared::Shared;
use crate::telemetry::{Meter, Mode, ReadProof, Step, StepOutcome};
use crate::tenant::{self, Signature};
use changes::Listed;
use deferred::Deferred;
pub(crate) use range::requests;
use standing::{DATES, ReadDates};
pub(crate) use standing::{Foreknown, Known, Standing};

/// Application whose transactions hold the watermark: microseconds since 1970, the server's time.
pub(crate) const WATERMARK: &str = "connectwise-etl:watermark";

/// The change time up to which a table holds what the source had.
///
/// # Errors
/// [`Kind::Lake`](crate::error::Kind::Lake) when the log can't be read.
pub async fn watermark(table: &Table) -> Result<Option<DateTime<Utc>>> {
    Ok(table.transaction(WATERMARK).await?.and_then(DateTime::from_timestamp_micros))
}

/// How much a load may remove, and how it keeps what it reads.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    /// Largest share of a table's rows that may be missing from a full read, in percent: more is taken for a lost right, and
    /// nothing is removed.
    pub max_share: f64,
    /// Rows of a file that a full load stages. A load that is cut off reads so many again.
    pub chunk_rows: usize,
    /// Hours after which what a cut-off load had staged isn't used any more.
    pub staging_hours: u32,
    /// Most key ranges of a long list, or of a large increment, that are read at the same time. There are never more than requests may
    /// be under way.
    pub ranges: usize,
    /// Most requests that a run takes for the rolling refresh of child lists, all of them together: lists that changed parents
    /// have don't count. `None` for a fifth of the run's other requests, or [`REFRESH_REQUESTS`](crate::children::REFRESH_REQUESTS)
    /// where that is more.
    pub refresh_requests: Option<u64>,
    /// Days in which every child list is to be read again, as far as the requests go; `None` for those of the catalogue.
    pub refresh_days: Option<u32>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            max_share: MAX_SHARE,
            chunk_rows: 50_000,
            staging_hours: 24,
            ranges: usize::MAX,
            refresh_requests: None,
            refresh_days: None,
        }
    }
}

/// What a load is told.
#[derive(Debug, Clone)]
pub struct LoadRequest {
    /// The quarantine when the run began.
    pub quarantine: Table,
    /// Full or incremental.
    pub mode: Mode,
    /// How far back an incremental read goes.
    pub window: Window,
    /// How the server reads dates; the loads of a run share one.
    pub dates: DateProbe,
    /// Answers that the loads of a run share.
    pub(crate) shared: Shared,
    /// What the survey found out about the list. The first attempt takes it; retries ask again.
    pub(crate) known: Foreknown,
    /// Records a page.
    pub page_size: u32,
    /// Where secrets are stored.
    pub secrets: SecretStorage,
    /// How much it may remove, and how it keeps what it reads.
    pub options: Options,
    /// Name of the run, written into every row and commit.
    pub run_id: String,
    /// When the run started.
    pub started: DateTime<Utc>,
    /// Whose rows they are.
    pub owner: Signature,
}

/// What a load did.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// What the read saw.
    pub seen: Seen,
    /// What the table took.
    pub written: Written,
    /// Records that went to quarantine.
    pub quarantined: u64,
    /// Highest change time stored before the load, the server's time.
    pub watermark_before: Option<DateTime<Utc>>,
    /// Highest change time stored after it.
    pub watermark: Option<DateTime<Utc>>,
    /// What deserves a look though nothing failed.
    pub warnings: Vec<String>,
    /// What couldn't be read, where the rest was written. It is asked for again by the next run.
    pub incomplete: Option<String>,
}

impl Loaded {
    /// Says what the load did in the run's step.
    pub(crate) fn tell(self, step: &mut Step) {
        let seen = &self.seen;
        step.wrote(&self.written);
        step.rows_read = seen.records;
        step.rows_rescued = seen.rescued;
        step.quarantined = self.quarantined;
        let rejected = seen.rejected.len() as u64;
        step.rows_unchanged = seen.records.saturating_sub(rejected + step.rows_inserted + step.rows_updated);
        step.read = Some(ReadProof {
            watermark_before: self.watermark_before,
            watermark_after: self.watermark,
            counted_before: seen.counted,
            counted_after: seen.counted_after,
            end_page_seen: seen.ended,
            keys_ascending: seen.ascending,
            complete: seen.complete && seen.unreadable.is_empty(),
        });
        step.warnings.extend(self.warnings);
        if let Some(what) = self.incomplete {
            step.outcome = StepOutcome::Incomplete(what);
        }
    }
}

/// Loads one entity into its bronze table, in one commit or none.
///
/// Runs may work on one table at once. `table` is as it was before the server was asked anything, and the load commits
/// right behind that version, so all that it read is at least as new as what it replaces; when another run was faster, the
/// load starts over, watermark included.
///
/// # Errors
/// When the read isn't whole, the lakehouse can't be written or other runs were faster every time. The table and its
/// watermark are then as they were.
pub async fn load(
    table: &Table,
    client: &Client,
    entity: &'static Entity,
    request: &LoadRequest,
    meter: &Meter,
) -> Result<Loaded> {
    table.retry_on_conflict(async |table| attempt(&table, client, entity, request, meter).await).await
}

async fn attempt(
    table: &Table,
    client: &Client,
    entity: &'static Entity,
    request: &LoadRequest,
    meter: &Meter,
) -> Result<Loaded> {
    let lake = table.lake();
    let Known { standing, newest, listed, counted, is_early } = match request.known.take() {
        Some(known) => known,
        None => Known::of(Standing::of(table, entity, request).await?),
    };
    let stored = standing.watermark;
    meter.begin(stored);
    let told = newest.and_then(|newest| Measured::told(newest, stored, request.window));
    // If the newest record has to be asked again, records that were read before are dropped: they could lack a change that is
    // older than the new watermark.
    let listed = listed.filter(|_| told.is_some() || matches!(entity.load, Load::Snapshot));
    let measured = match told {
        Some(measured) => measured,
        None => Measured::ask(client, entity, stored, request.window).await?,
    };
    let mut warnings = measured.warnings(entity);
    let doubted = standing.doubt.as_ref();
    warnings.extend(doubted.map(|doubt| format!("{} {doubt}, so that all of it was read again", table.name())));
    let chosen = standing.choose(client, entity, request, &measured).await?;
    warnings.extend(chosen.warnings);
    let scope = chosen.scope;
    let dates = chosen.dates;
    let compares = matches!(entity.load, Load::Snapshot) && standing.is_compared(table);
    let Standing { doubt, trusted, moved, deferred, held, .. } = standing;
    let session = lake.session()?;
    let target = Target {
        client,
        session: &session,
        entity,
        table,
        request,
        meter,
        measured,
        begun: Instant::now(),
        head_written: AtomicU64::new(0),
        chunks: AtomicU64::new(0),
        moved,
        doubt,
        trusted,
        deferred,
        dates,
        listed: Mutex::new(listed),
        counted,
        is_early,
    };
    let done =
        if matches!(scope, Scope::All) && !compares { target.full().await? } else { target.changes(&scope).await? };
    let Done { seen, written, quarantined, refused, whole, notes } = done;
    warnings.extend(notes);
    let measured = target.measured;
    let watermark = if refused.is_some() { stored } else { measured.next() };
    if matches!(entity.load, Load::Incremental { .. }) && watermark.is_none() && seen.records > 0 {
        warnings.push(format!(
            "{} shows no change time, so every run reads all of it: the API role may lack the right to see _info",
            entity.name
        ));
    }
    warnings.extend(seen.uncounted.as_deref().map(|why| read::uncounted(entity, why)));
    // An incremental read asks for the open ones by their keys, a whole one has all.
    let asked = |record: &quarantine::Record| whole && (matches!(scope, Scope::All) || record.is_open());
    let settled = held.settle(lake, entity, &seen.rejected, asked, (&request.run_id, request.started)).await?;
    warnings.extend(settled.closed);
    if let Some(first) = seen.rejected.first().filter(|_| settled.open.is_none()) {
        warnings.push(format!(
            "{quarantined} records are in {} and acknowledged: {}",
            quarantine::table(),
            first.reason
        ));
    }
    let refused = refused.map(|why| format!("no row of {} was removed: {why}", table.name().name));
    let left_out = read::left_out(entity, &seen.unreadable);
    let incomplete =
        [left_out, settled.open, refused].into_iter().flatten().reduce(|one, other| format!("{one}; {other}"));
    Ok(Loaded { seen, written, quarantined, watermark_before: stored, watermark, warnings, incomplete })
}

/// What a read and its write did.
struct Done {
    seen: Seen,
    written: Written,
    quarantined: u64,
    /// Why rows that the server didn't list are still there.
    refused: Option<String>,
    /// Whether everything that was asked for was read by this load, and none of it taken over from one before.
    whole: bool,
    /// What became of what earlier loads had staged.
    notes: Vec<String>,
}

struct Target<'a> {
    client: &'a Client,
    session: &'a SessionContext,
    entity: &'static Entity,
    /// The table before anything was asked.
    table: &'a Table,
    request: &'a LoadRequest,
    meter: &'a Meter,
    /// The newest record and the next watermark, found out before the read.
    measured: Measured,
    begun: Instant,
    /// Minute of the load in which it last wrote down what it is, 0 before it did.
    head_written: AtomicU64,
    /// Staged files of this load so far.
    chunks: AtomicU64,
    /// Whether the table holds the rows of a tenant that the lakehouse belonged to before.
    moved: bool,
    /// Why the rows of that version aren't believed, so that all of them have to be put in place anew.
    doubt: Option<Doubt>,
    /// The newest version that is.
    trusted: Option<u64>,
    /// What the last load left out.
    deferred: Deferred,
    dates: ReadDates,
    /// The records, if the survey read them by bundle.
    listed: Mutex<Option<read::Listed>>,
    /// Condition and count that the survey asked for.
    counted: Option<(Option<String>, u64)>,
    /// Whether the load began before the survey counted.
    is_early: bool,
}

impl Target<'_> {
    /// Starts to read a scope of the list, or hands out the records that the survey read with the same condition.
    async fn extract(&self, scope: &Scope, counting: Counting) -> Result<Extraction> {
        let entity = self.entity;
        let request = self.request;
        let decoder = Decoder::new(entity, &request.run_id, request.started)?.storing(request.secrets);
        let condition = read::condition(entity, scope).map(|condition| condition.to_string());
        let known = locked(&self.listed).take();
        if let Some(listed) = known.filter(|listed| listed.condition() == condition.as_deref()) {
            return Ok(read::extract_listed(self.client, entity, listed, decoder));
        }
        let counting = match (counting, &self.counted) {
            (Counting::Asked, Some((counted, records))) if *counted == condition => {
                Counting::Known(Count { records: Some(*records), refused: None })
            }
            (counting, _) => counting,
        };
        let pages = Pages { size: request.page_size, counting };
        Ok(read::extract(self.client, entity, scope, pages, decoder).await?)
    }

    fn comparison<'a>(&'a self, session: &'a SessionContext) -> Comparison<'a> {
        Comparison::new(self.table, session, self.entity.key, CONTENT_HASH)
    }

    /// Whether the survey read the records that meet a condition already.
    fn was_listed(&self, condition: Option<&Condition>) -> bool {
        let condition = self.part(condition).condition;
        let listed = locked(&self.listed);
        listed.as_ref().is_some_and(|listed| listed.condition() == condition.as_deref())
    }

    /// A commit that moves the watermark, past records that couldn't be given too: they are remembered.
    fn commit(&self, unreadable: &[Unreadable]) -> Commit {
        let commit = self.deferred.carry_forward(self.unmarked(), unreadable, &self.measured.ahead.keys);
        let commit = tenant::signed(commit, self.request.owner, self.moved);
        let commit = match self.dates.code.filter(|_| self.dates.differs()) {
            Some(code) => commit.transaction(DATES, code),
            None => commit,
        };
        match self.measured.next() {
            Some(watermark) => commit.transaction(WATERMARK, watermark.timestamp_micros()),
            // A number can't be taken back, and that of another tenant must not hold: this one is no time.
            None if self.moved => commit.transaction(WATERMARK, i64::MIN),
            None => commit,
        }
    }

    /// A commit that leaves the watermark where it is.
    fn unmarked(&self) -> Commit {
        Commit::new(&self.request.run_id).doubtful(self.doubt.is_some())
    }
}
