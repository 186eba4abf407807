//! Bronze: what the API answered, losslessly, one table an entity.

mod deferred;
mod deletion_guard;
mod full;
mod range;

use std::sync::atomic::AtomicU64;
use std::time::Instant;

use arrow::datatypes::SchemaRef;
use chrono::{DateTime, Utc};
use connectwise_extract::contract::{self, CONTENT_HASH};
use connectwise_extract::decode::Decoder;
use connectwise_extract::privacy::SecretStorage;
use connectwise_extract::read::{
    self, DateProbe, Extraction, Measured, RESCAN, ReadFrom, Reading, Scope, Seen, Unreadable, Window,
};
use connectwise_lakehouse::{Changes, Commit, Comparison, Doubt, Keys, SpillBuffer, Table, Written, integers};
use connectwise_sdk::Client;
use connectwise_sdk::catalog::{Entity, Load};
use datafusion::prelude::SessionContext;

use crate::deletes::MAX_SHARE;
use crate::error::Result;
use crate::quarantine::{self, Held};
use crate::telemetry::{Meter, Mode, Outcome, ReadProof, Step};
use crate::tenant::{self, Signature};
use deferred::Deferred;

/// Application whose transactions hold the watermark: microseconds since 1970, the server's time.
pub(crate) const WATERMARK: &str = "connectwise-etl:watermark";

/// The change time up to which a table holds what the source had.
///
/// # Errors
/// [`Kind::Lake`](crate::error::Kind::Lake) when the log can't be read.
pub async fn watermark(table: &Table) -> Result<Option<DateTime<Utc>>> {
    Ok(table.transaction(WATERMARK).await?.and_then(DateTime::from_timestamp_micros))
}

/// Application whose transactions say how the server read dates: [`Reading::code`], none for what is documented.
const DATES: &str = "connectwise-etl:dates";

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
    /// Key ranges of a full load that are read at the same time.
    pub ranges: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { max_share: MAX_SHARE, chunk_rows: 50_000, staging_hours: 24, ranges: 1 }
    }
}

/// What a load is told.
#[derive(Debug, Clone)]
pub struct Request {
    /// The quarantine when the run began.
    pub quarantine: Table,
    /// Full or incremental.
    pub mode: Mode,
    /// How far back an incremental read goes.
    pub window: Window,
    /// How the server reads dates; the loads of a run share one.
    pub dates: DateProbe,
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
            step.outcome = Outcome::Incomplete(what);
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
    request: &Request,
    meter: &Meter,
) -> Result<Loaded> {
    table.retry_on_conflict(async |table| attempt(&table, client, entity, request, meter).await).await
}

async fn attempt(
    table: &Table,
    client: &Client,
    entity: &'static Entity,
    request: &Request,
    meter: &Meter,
) -> Result<Loaded> {
    let lake = table.lake();
    let examined = table.examine().await?;
    let doubt = examined.as_ref().and_then(|examined| examined.doubt_as(&contract::bronze(entity)));
    let trusted = examined.as_ref().and_then(|examined| examined.trusted);
    // What the table holds of the tenant before says nothing of this one: all of it is read again.
    let moved = tenant::is_of_another(table, request.owner).await?;
    // The watermark outlives what others do to the rows, and says nothing of such rows.
    let stored = match &doubt {
        None => watermark(table).await?.filter(|_| !moved),
        Some(_) => None,
    };
    let deferred = Deferred::stored(table).await?;
    let held = Held::of(&request.quarantine, entity).await?;
    meter.begin(stored);
    let measured = Measured::ask(client, entity, stored, request.window).await?;
    let mut warnings = measured.warnings(entity);
    warnings.extend(doubt.as_ref().map(|doubt| format!("{} {doubt}, so that all of it was read again", table.name())));
    let mut dates = Read::default();
    let scope = match (request.mode, entity.load, measured.reads_from()) {
        (Mode::Incremental, Load::Incremental { watermark: path, .. }, ReadFrom::Watermark(watermark, doubted)) => {
            let reading = request.dates.of(client, entity, path, measured.newest).await;
            let reading = reading.map_err(|error| read::source_error(entity, error))?;
            warnings.extend(odd_dates(reading));
            dates = Read { code: Some(reading.code()), before: table.transaction(DATES).await?.unwrap_or_default() };
            let rescans = dates.differs() || doubted;
            let window = if rescans { request.window.rescanning() } else { request.window };
            if dates.differs() {
                let days = RESCAN.num_days();
                warnings.push(format!(
                    "the server reads dates in conditions in another way than the loads before found, so the changes of \
                     the {days} days before were read again: they may have missed some"
                ));
            }
            let changed =
                reading.dates().and_then(|dates| read::condition(entity, &Scope::Since { watermark, window, dates }));
            // What was left out or changed in the future is asked for beside what changed, by its key.
            let beside = |changed| deferred.with(held.ranges()?).or_condition(entity, changed);
            changed.and_then(beside).map_or(Scope::All, Scope::Where)
        }
        _ => Scope::All,
    };
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
    };
    let compares = table.exists() && !moved && target.doubt.is_none() && matches!(entity.load, Load::Snapshot);
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

/// What a read of a list gave.
struct Listed {
    schema: SchemaRef,
    /// Rows that the table doesn't hold in this form.
    changed: SpillBuffer,
    /// The keys of all rows.
    keys: Keys,
    seen: Seen,
    quarantined: u64,
}

/// How the server reads dates, and how it did when the table was last loaded.
#[derive(Debug, Clone, Copy, Default)]
struct Read {
    /// `None` when this load doesn't depend on it.
    code: Option<i64>,
    before: i64,
}

impl Read {
    /// Whether earlier loads may have missed what they asked for.
    fn differs(self) -> bool {
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

struct Target<'a> {
    client: &'a Client,
    session: &'a SessionContext,
    entity: &'static Entity,
    /// The table before anything was asked.
    table: &'a Table,
    request: &'a Request,
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
    dates: Read,
}

impl Target<'_> {
    /// Reads a part of the list, or all of a list that is there, and writes what differs.
    async fn changes(&self, scope: &Scope) -> Result<Done> {
        let (entity, request) = (self.entity, self.request);
        let decoder = Decoder::new(entity, &request.run_id, request.started)?.storing(request.secrets);
        let extraction = read::extract(self.client, entity, scope, request.page_size, decoder).await?;
        self.meter.expect(extraction.seen().counted);
        let listed = self.listed(extraction).await?;
        let (seen, quarantined) = (listed.seen.clone(), listed.quarantined);
        let (written, refused) = match scope {
            Scope::All => self.compare(listed).await?,
            _ => (self.merge(listed).await?, None),
        };
        Ok(Done { whole: seen.unreadable.is_empty(), seen, written, quarantined, refused, notes: Vec::new() })
    }

    /// Reads to the end: the rows that the table doesn't hold in this form, and the keys of all. Rejected records are kept before
    /// the commit that moves the watermark past them: a run that dies between the two keeps a record twice in vain, never not at
    /// all.
    async fn listed(&self, mut extraction: Extraction) -> Result<Listed> {
        let (entity, request) = (self.entity, self.request);
        let (mut comparison, mut keys) = (self.comparison(), Keys::new());
        let number = self.meter.begin_read(extraction.seen());
        loop {
            let rows = extraction.next().await;
            self.meter.saw(number, extraction.seen());
            let Some(batch) = rows? else { break };
            self.meter.batch(entity, &batch);
            keys.extend(integers(&batch, entity.key)?.iter().flatten().map(i64::cast_unsigned));
            comparison.push(batch).await?;
        }
        let seen = extraction.seen().clone();
        let quarantined =
            quarantine::keep(self.table.lake(), entity, &seen.rejected, &request.run_id, request.started).await?;
        let schema = extraction.schema().clone();
        Ok(Listed { schema, changed: comparison.differing().await?, keys, seen, quarantined })
    }

    /// Changed rows since the watermark.
    async fn merge(&self, listed: Listed) -> Result<Written> {
        let Listed { schema, changed, seen, .. } = listed;
        let commit = self.commit(&seen.unreadable);
        if self.dates.differs() || self.measured.lowers() {
            // Remembered even where nothing was missed, or every run would look again.
            return Ok(self.table.merge(&schema, Changes::upserts(self.entity.key, changed), &commit).await?);
        }
        self.upsert(&schema, changed, &commit).await
    }

    fn comparison(&self) -> Comparison<'_> {
        Comparison::new(self.table, self.session, self.entity.key, CONTENT_HASH)
    }

    /// A whole list against the stored one: rows that left the list leave the table.
    async fn compare(&self, listed: Listed) -> Result<(Written, Option<String>)> {
        let Listed { schema, changed: rows, keys: listed, seen, .. } = listed;
        let stored = self.table.keys(self.entity.key).await?;
        let refused = self.check_deletions(&stored, &listed, &seen).await?.map(deletion_guard::kept);
        let gone = self.gone(&stored, &listed).await?;
        // What the server can't give is in the list all the same.
        if gone.is_empty() || refused.is_some() || !seen.unreadable.is_empty() {
            return Ok((self.upsert(&schema, rows, &self.commit(&[])).await?, refused));
        }
        let changes = Changes::upserts(self.entity.key, rows).deleting(gone);
        Ok((self.table.merge(&schema, changes, &self.commit(&[])).await?, None))
    }

    /// Merges rows. Without any there is no commit: the next load finds the same watermark and nothing behind it.
    async fn upsert(&self, schema: &SchemaRef, rows: SpillBuffer, commit: &Commit) -> Result<Written> {
        if rows.is_empty() && self.table.exists() {
            return Ok(self.table.unchanged());
        }
        Ok(self.table.merge(schema, Changes::upserts(self.entity.key, rows), commit).await?)
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
