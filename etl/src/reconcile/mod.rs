//! Reconcile: rows that are gone at the source leave bronze, and rows that changed without a new change time are read again.
//!
//! An incremental load can't see a deletion: the API has no tombstones. So the ids of the whole list are swept and held
//! against the table, and what is missing is asked for one by one. Only a row that the server says is not found is deleted,
//! and only when nothing speaks for a read that saw too little ([`Guard`]). A row that answers, because it came back, was
//! late, or left the list's filter, stays.
//!
//! | module | what it holds |
//! |---|---|
//! | `decide` | whether what was found may be believed: pure |
//! | `sweep` | the ids of a list, proven whole |
//! | `confirm` | single records: there, gone, or no answer |
//! | `report` | what was found and done |

pub(crate) mod confirm;
mod decide;
mod report;
mod sweep;

use std::time::Instant;

use arrow::array::{Array, AsArray};
use chrono::{DateTime, Utc};
use connectwise_sdk::Client;
use connectwise_sdk::catalog::{Entity, Kind as Type, Load};
use connectwise_sdk::conditions::field;
use futures::TryStreamExt;

pub use decide::{Answer, Facts, Guard, MAX_SHARE, may_delete, verdict};
pub use report::{EntityReport, Report, Swept};

use crate::contract::CONTENT_HASH;
use crate::decode::Decoder;
use crate::error::{Error, Kind, Result};
use crate::lake::{Commit, Lake, TableName, Written, integers};
use crate::privacy::SecretStorage;
use confirm::{confirm, control};
use sweep::{Sweep, sweep};

/// Property that the API flips without a new change time, when companies are merged.
const SILENT: &str = "deletedFlag";

/// Ids of one request for single records: well below the length that a URL may have.
const IDS_A_REQUEST: usize = 100;

/// What a reconcile is told.
#[derive(Debug, Clone)]
pub struct Request {
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
}

impl Request {
    /// A run that starts now, with the default limit.
    pub fn new(dry_run: bool) -> Self {
        Self {
            run_id: uuid::Uuid::now_v7().to_string(),
            started: Utc::now(),
            page_size: 1000,
            max_share: MAX_SHARE,
            dry_run,
            secrets: SecretStorage::default(),
        }
    }
}

/// The entities of `all` that need it. Snapshots are compared as a whole by every load, and so is each list that hangs on a
/// row when it is read.
pub fn wanted(all: impl IntoIterator<Item = &'static Entity>) -> Vec<&'static Entity> {
    all.into_iter().filter(|entity| matches!(entity.load, Load::Incremental { .. })).collect()
}

/// Reconciles entities one after the other. One that is refused or fails doesn't stop the others, and is left as it was.
pub async fn run(lake: &Lake, client: &Client, entities: &[&'static Entity], request: &Request) -> Report {
    let mut reports = Vec::new();
    for entity in entities {
        let clock = Instant::now();
        let mut report = EntityReport::new(entity);
        let work = Work { lake, client, entity, request, table: TableName::bronze(entity.table) };
        if let Err(error) = work.reconcile(&mut report).await {
            tracing::error!(entity = entity.name, error = %error.report(), "reconcile failed");
            report.refused = Some(error.report());
        }
        report.seconds = clock.elapsed().as_secs_f64();
        reports.push(report);
    }
    Report { run_id: request.run_id.clone(), dry_run: request.dry_run, entities: reports }
}

/// Whether the server says of every missing key that it is gone, and of listed ones that they are there.
pub(crate) async fn confirmed(client: &Client, entity: &Entity, missing: &[i64], listed: &[i64]) -> bool {
    control(client, entity, listed).await
        && confirm(client, entity, missing).await.iter().all(|(_, answer)| *answer == Answer::Gone)
        && control(client, entity, listed).await
}

struct Work<'a> {
    lake: &'a Lake,
    client: &'a Client,
    entity: &'static Entity,
    request: &'a Request,
    table: TableName,
}

impl Work<'_> {
    async fn reconcile(&self, report: &mut EntityReport) -> Result<()> {
        let Some(state) = self.lake.state(&self.table).await? else {
            report.note = Some("there is no bronze table yet: run a load first".to_owned());
            return Ok(());
        };
        let flagged = self.entity.columns.iter().any(|column| column.name == SILENT && column.kind == Type::Boolean)
            && state.schema.field_with_name(SILENT).is_ok();
        let listed = sweep(self.client, self.entity, self.request.page_size, flagged.then_some(SILENT)).await?;
        let stored = self.stored(flagged).await?;
        let missing: Vec<i64> = stored.iter().map(|(key, _)| *key).filter(|key| !listed.holds(*key)).collect();
        let (counted_before, counted_after) = listed.counted.unzip();
        report.swept = Some(Swept { counted_before, counted_after });
        report.listed = listed.keys.len() as u64;
        report.stored = stored.len() as u64;
        report.missing = missing.len() as u64;
        let facts = Facts {
            stored: report.stored,
            listed: report.listed,
            missing: report.missing,
            counted: listed.counted,
            max_share: self.request.max_share,
        };
        if let Err(guard) = may_delete(&facts) {
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
        if !self.request.dry_run {
            if !stale.is_empty() {
                let written = self.reread(&stale).await?;
                report.version = Some(written.version);
                (report.inserted, report.updated) = (written.inserted, written.updated);
            }
            if !gone.is_empty() {
                let session = self.lake.session()?;
                let commit = Commit::new(&self.request.run_id).note("etlReconciled", gone.len() as u64);
                let written = self.lake.delete(&self.table, self.entity.key, &gone, &session, &commit).await?;
                report.version = Some(written.version);
            }
        }
        report.deleted = gone;
        Ok(())
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
        if !control(self.client, self.entity, &listed.keys).await {
            return Ok(Err(Guard::Blind));
        }
        let answers = confirm(self.client, self.entity, missing).await;
        report.still_there =
            answers.iter().filter(|(_, answer)| *answer == Answer::There).map(|(key, _)| *key).collect();
        let gone = verdict(&answers);
        if gone.is_ok() && !control(self.client, self.entity, &listed.keys).await {
            return Ok(Err(Guard::Blind));
        }
        Ok(gone)
    }

    /// Keys of the table, with the property that changes silently where there is one.
    async fn stored(&self, flagged: bool) -> Result<Vec<(i64, Option<bool>)>> {
        let session = self.lake.session()?;
        if !flagged {
            let keys = self.lake.keys(&session, &self.table, self.entity.key).await?;
            return Ok(keys.into_iter().map(|key| (key, None)).collect());
        }
        let failed = |error| Error::new(Kind::Sql, format!("{} can't be read", self.table)).with_source(error);
        self.lake.register(&session, "stored", &self.table).await?;
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

    /// Reads records by their ids and merges those that differ. The watermark stays: this says nothing about other rows.
    async fn reread(&self, keys: &[i64]) -> Result<Written> {
        let fault = |error| Error::new(Kind::Source, format!("{} can't be read", self.entity.name)).with_source(error);
        let mut decoder =
            Decoder::new(self.entity, &self.request.run_id, self.request.started)?.storing(self.request.secrets);
        let mut rows = Vec::new();
        for some in keys.chunks(IDS_A_REQUEST) {
            let condition = field(self.entity.key).in_(some.iter().copied()).map_err(fault)?;
            let list = self.client.list(self.entity.path).conditions(condition).page_size(self.request.page_size);
            let mut pages = Box::pin(list.pages());
            while let Some(page) = pages.try_next().await.map_err(fault)? {
                for record in page.records().map_err(fault)? {
                    // A record that can't be a row is the business of the loads, which keep its text.
                    let _kept = decoder.push(record)?;
                }
            }
            rows.push(decoder.batch()?);
        }
        let session = self.lake.session()?;
        let changed = self.lake.changed(&session, &self.table, self.entity.key, CONTENT_HASH, rows).await?;
        let commit = Commit::new(&self.request.run_id);
        self.lake.upsert(&self.table, decoder.schema(), self.entity.key, changed, &session, &commit).await
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
