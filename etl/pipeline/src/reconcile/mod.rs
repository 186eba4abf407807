//! Reconcile: rows that are gone at the source leave bronze, and rows that changed without a new change time are read again.
//!
//! An incremental load can't see a deletion: the API has no tombstones. So the ids of the whole list are swept and held
//! against the table, and what is missing is asked for one by one. Only a row that the server says is not found is deleted,
//! and only when nothing speaks for a read that saw too little (`deletes::Guard`). A row that answers, because it came back, was
//! late, or left the list's filter, stays.
//!
//! | module | what it holds |
//! |---|---|
//! | `sweep` | the ids of a list, proven whole |
//! | `report` | what was found and done |

mod report;
mod sweep;

use std::time::Instant;

use arrow::array::{Array, AsArray, RecordBatch};
use chrono::{DateTime, Utc};
use connectwise_extract::contract::{self, CONTENT_HASH};
use connectwise_extract::decode::Decoder;
use connectwise_extract::privacy::SecretStorage;
use connectwise_extract::read::{self, Unreadable, leave_out, left_out, uncounted};
use connectwise_lakehouse::{Changes, Commit, Lake, Table, TableName, integers, retry_on_conflict};
use connectwise_sdk::Client;
use connectwise_sdk::catalog::{Entity, Kind as Type, Load};
use connectwise_sdk::conditions::field;
use connectwise_upkeep as upkeep;
use futures::TryStreamExt;

use crate::bronze::watermark;
use crate::deletes::{Facts, Guard, MAX_SHARE, Presence, accepts_all, confirm, control, may_delete, narrowed, verdict};
use crate::error::{Error, Result};
use crate::halt::{Halt, Trouble};
use crate::quarantine;
pub use report::{EntityReport, ReconcileReport, Swept};
use sweep::{Sweep, sweep};

/// Property that the API flips without a new change time, when companies are merged.
const SILENT: &str = "deletedFlag";

/// Ids of one request for single records: well below the length that a URL may have.
const IDS_A_REQUEST: usize = 100;

/// What a reconcile is told.
#[derive(Debug, Clone)]
pub struct ReconcileOptions {
    /// Name of the run, written into every row and commit.
    pub run_id: String,
    /// When the run started.
    pub started: DateTime<Utc>,
    /// Records a page.
    pub page_size: u32,
    /// Largest share of a table's rows that may be missing, in percent.
    pub max_share: f64,
    /// Finds out everything and writes nothing.
    pub dry_run: bool,
    /// Where secrets are stored.
    pub secrets: SecretStorage,
    /// Names of entities that are skipped where the role may not read them.
    pub optional: Vec<&'static str>,
}

impl ReconcileOptions {
    /// A run that starts now, with the default limit.
    pub fn new(dry_run: bool) -> Self {
        Self {
            run_id: uuid::Uuid::now_v7().to_string(),
            started: Utc::now(),
            page_size: 1000,
            max_share: MAX_SHARE,
            dry_run,
            secrets: SecretStorage::default(),
            optional: Vec::new(),
        }
    }
}

/// The entities of `all` that need it. Snapshots are compared as a whole by every load, and so is each list that hangs on a
/// row when it is read.
pub fn wanted(all: impl IntoIterator<Item = &'static Entity>) -> Vec<&'static Entity> {
    all.into_iter().filter(|entity| matches!(entity.load, Load::Incremental { .. })).collect()
}

/// Reconciles entities one after the other. One that is refused or fails doesn't stop the others, and is left as it was.
pub async fn run(
    lake: &Lake,
    client: &Client,
    entities: &[&'static Entity],
    options: &ReconcileOptions,
) -> ReconcileReport {
    let mut reports = Vec::new();
    let mut not_tried = Vec::new();
    let mut halt = Halt::default();
    for (at, entity) in entities.iter().enumerate() {
        let clock = Instant::now();
        let mut report = one(lake, client, entity, options).await;
        report.seconds = clock.elapsed().as_secs_f64();
        let rest = &entities[at + 1..];
        let stops = halt.after(client, report.refused.is_some(), report.trouble, rest).await;
        if let Some(why) = stops.as_ref().filter(|_| !rest.is_empty()) {
            not_tried = rest.iter().map(|entity| entity.name).collect();
            report.stopped(why);
        }
        reports.push(report);
        if stops.is_some() {
            break;
        }
    }
    ReconcileReport { run_id: options.run_id.clone(), dry_run: options.dry_run, entities: reports, not_tried }
}

/// Reconciles an entity, from the start as often as other runs change its table meanwhile.
async fn one(lake: &Lake, client: &Client, entity: &'static Entity, options: &ReconcileOptions) -> EntityReport {
    let name = TableName::bronze(entity.table);
    let mut report = EntityReport::new(entity);
    let reconciled = retry_on_conflict(&name, async || {
        report = EntityReport::new(entity);
        let table = lake.table(&name).await?;
        Sweeping { client, entity, options, table: &table }.reconcile(&mut report).await
    });
    let Err(error) = reconciled.await else { return report };
    if options.optional.contains(&entity.name) && error.is_shut() {
        report.note = Some("skipped: the role may not read it, and it is optional".to_owned());
    } else {
        tracing::error!(entity = entity.name, error = %error.report(), "reconcile failed");
        report.refused = Some(error.report());
    }
    report.trouble = Trouble::of(&error);
    report
}

struct Sweeping<'a> {
    client: &'a Client,
    entity: &'static Entity,
    options: &'a ReconcileOptions,
    /// The table before the list was read.
    table: &'a Table,
}

impl Sweeping<'_> {
    async fn reconcile(&self, report: &mut EntityReport) -> Result<()> {
        let Some(schema) = self.table.schema() else {
            report.note = Some("there is no bronze table yet: run a load first".to_owned());
            return Ok(());
        };
        let flagged = self.entity.columns.iter().any(|column| column.name == SILENT && column.kind == Type::Boolean)
            && schema.field_with_name(SILENT).is_ok();
        let listed = sweep(self.client, self.entity, self.options.page_size, flagged.then_some(SILENT)).await?;
        let uncounted = listed.uncounted.as_deref().map(|why| uncounted(self.entity, why));
        report.note = left_out(self.entity, &listed.unreadable).or(uncounted);
        // The sweep only says which rows to ask for. What is asked for from here on is newer than what this version holds.
        let now = self.table.refresh().await?;
        let stored = self.stored(&now, flagged).await?;
        let missing: Vec<i64> = stored.iter().map(|(key, _)| *key).filter(|key| !listed.holds(*key)).collect();
        let (counted_before, counted_after) = listed.counted.unzip();
        report.swept = Some(Swept { counted_before, counted_after });
        report.listed = listed.keys.len() as u64;
        report.stored = stored.len() as u64;
        report.missing = missing.len() as u64;
        if let Some(guard) = self.guard(&listed, &missing, report).await? {
            // Rows that another run has added since the sweep are no sign of anything.
            if now.refresh().await?.version() != self.table.version() {
                return Err(Error::conflict(self.table.name()));
            }
            report.refused = Some(guard.to_string());
            return Ok(());
        }
        let gone = match self.gone(&missing, &listed, report).await? {
            Ok(gone) => gone,
            Err(guard) => {
                report.refused = Some(guard.to_string());
                return Ok(());
            }
        };
        let stale = stale(&stored, &listed);
        report.reread = stale.len() as u64;
        let nothing = stale.is_empty() && gone.is_empty();
        if !self.options.dry_run && !nothing {
            self.write(&now, &stale, gone.clone(), report).await?;
        }
        report.deleted = gone;
        Ok(())
    }

    /// What speaks against deleting anything, before any of the missing rows is asked for.
    async fn guard(&self, listed: &Sweep, missing: &[i64], report: &EntityReport) -> Result<Option<Guard>> {
        let facts = Facts {
            stored: report.stored,
            listed: listed.len(),
            missing: report.missing,
            counted: listed.counted,
            max_share: self.options.max_share,
        };
        if let Err(guard) = may_delete(&facts) {
            return Ok(Some(guard));
        }
        if missing.is_empty() || accepts_all(self.options.max_share) {
            return Ok(None);
        }
        let before = watermark(self.table).await?;
        let now = read::newest(self.client, self.entity).await?.known;
        let missing = missing.iter().map(|key| key.cast_unsigned()).collect();
        let session = self.table.lake().session()?;
        narrowed(self.table, &session, self.entity, &missing, (before, now.is_some())).await
    }

    /// The missing keys that the server confirms as gone. Before and after, a listed record has to answer: where single
    /// records can't be had at all, "not found" says nothing.
    async fn gone(
        &self,
        missing: &[i64],
        listed: &Sweep,
        report: &mut EntityReport,
    ) -> Result<Result<Vec<i64>, Guard>> {
        if missing.is_empty() {
            return Ok(Ok(Vec::new()));
        }
        if let Err(blind) = control(self.client, self.entity, &listed.keys).await {
            return Ok(Err(blind));
        }
        let answers = confirm(self.client, self.entity, missing).await;
        report.still_there =
            answers.iter().filter(|(_, answer)| *answer == Presence::There).map(|(key, _)| *key).collect();
        match verdict(&answers) {
            Ok(gone) => Ok(control(self.client, self.entity, &listed.keys).await.map(|()| gone)),
            refused => Ok(refused),
        }
    }

    /// Merges what is read again and takes out what is gone, in one commit right behind the version that it was held against.
    async fn write(&self, table: &Table, stale: &[i64], gone: Vec<i64>, report: &mut EntityReport) -> Result<()> {
        let rows = self.reread(stale, report).await?;
        let session = table.lake().session()?;
        let schema = contract::bronze(self.entity);
        let examined = upkeep::examine(table).await?;
        if let Some(doubt) = examined.and_then(|examined| examined.doubt_as(&schema)) {
            return Err(Error::not_reconciled(table.name(), doubt));
        }
        let rows = table.changed(&session, self.entity.key, CONTENT_HASH, rows).await?;
        let commit = Commit::new(&self.options.run_id).note("etlReconciled", gone.len() as u64);
        let written = table.merge(&schema, Changes::upserts(self.entity.key, rows).deleting(gone), &commit).await?;
        report.version = Some(written.version);
        (report.inserted, report.updated) = (written.inserted, written.updated);
        Ok(())
    }

    /// Keys of the table, with the property that changes silently where there is one.
    async fn stored(&self, table: &Table, flagged: bool) -> Result<Vec<(i64, Option<bool>)>> {
        if !flagged {
            let keys = table.keys(self.entity.key).await?;
            return Ok(keys.iter().map(|key| (key.cast_signed(), None)).collect());
        }
        let session = table.lake().session()?;
        let failed = |error| Error::unread(table.name()).with_source(error);
        table.register(&session, "stored").await?;
        let frame = session
            .sql(&format!("select `{}`, `{SILENT}` from stored", self.entity.key))
            .await
            .map_err(|error: datafusion::error::DataFusionError| failed(error))?;
        let mut rows = Vec::new();
        for batch in frame.collect().await.map_err(failed)? {
            let flags = batch.column(1).as_boolean_opt().cloned();
            let flag = |row| flags.as_ref().filter(|flags| flags.is_valid(row)).map(|flags| flags.value(row));
            let keys = integers(&batch, self.entity.key)?;
            rows.extend(keys.iter().enumerate().filter_map(|(row, key)| Some((key?, flag(row)))));
        }
        Ok(rows)
    }

    /// Reads records by their ids. Those that can't be rows are kept as text.
    async fn reread(&self, keys: &[i64], report: &mut EntityReport) -> Result<Vec<RecordBatch>> {
        let fault = |error| read::source_error(self.entity, error);
        let options = self.options;
        let mut decoder = Decoder::new(self.entity, &options.run_id, options.started)?.storing(options.secrets);
        let mut rows = Vec::new();
        let mut rejected = Vec::new();
        let mut unreadable: Vec<Unreadable> = Vec::new();
        for some in keys.chunks(IDS_A_REQUEST) {
            let condition = field(self.entity.key).in_(some.iter().copied());
            let list = self.client.list(self.entity.path).conditions(condition).page_size(options.page_size);
            let mut pages = Box::pin(list.skip_unreadable().pages());
            while let Some(page) = pages.try_next().await.map_err(fault)? {
                leave_out(&mut unreadable, &page).map_err(|gap| read::incomplete(self.entity, gap))?;
                for record in page.records().map_err(fault)? {
                    rejected.extend(decoder.push(record)?.err());
                }
            }
            rows.push(decoder.batch()?);
        }
        report.quarantined =
            quarantine::keep(self.table.lake(), self.entity, &rejected, &options.run_id, options.started).await?;
        report.note = report.note.take().or_else(|| left_out(self.entity, &unreadable));
        Ok(rows)
    }
}

/// Listed keys that the table lacks, or holds with another flag.
fn stale(stored: &[(i64, Option<bool>)], listed: &Sweep) -> Vec<i64> {
    let mut known = stored.to_vec();
    known.sort_unstable();
    let fresh = |row: usize, key: &i64| {
        known.binary_search_by_key(key, |(stored, _)| *stored).ok().is_some_and(|at| {
            listed.flags.as_ref().is_none_or(|flags| known.get(at).map(|(_, flag)| flag) == flags.get(row))
        })
    };
    listed.keys.iter().enumerate().filter(|(row, key)| !fresh(*row, key)).map(|(_, key)| *key).collect()
}
