//! Every list: the rows take the place of what was there.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use connectwise_extract::contract::PARENT_ID;
use connectwise_extract::read::{self, Seen};
use connectwise_lakehouse::{Commit, Source, Written, as_of_today, integers};
use datafusion::prelude::SessionContext;
use futures::stream::{self, StreamExt};
use tokio::sync::mpsc;

use super::progress::{MAX_PENDING, Progress};
use super::rows::ChildRows;
use super::{ChildWork, together};
use crate::bronze::{Loaded, WATERMARK};
use crate::error::{Error, Result, sql_error};
use crate::quarantine::{self, Held, Record, Settled};
use crate::tenant;

/// Batches between the reader and the writer.
const AHEAD: usize = 2;

/// Times that a load starts over because a list failed: what is left out has to be known before the commit begins.
const TIMES: usize = 3;

/// Name of the stored rows in queries.
const KEPT: &str = "kept";

impl ChildWork<'_> {
    pub(super) async fn full(&self, stored: &Progress, next: Progress, in_quarantine: Held) -> Result<Loaded> {
        let found = self.all().await?;
        let all: BTreeSet<i64> = found.ids.into_iter().chain(self.hidden(&found.unreadable).await?).collect();
        let all: Vec<i64> = all.into_iter().collect();
        let unlisted = read::left_out(self.above, &found.unreadable);
        let mut left_out: Vec<(i64, String)> = Vec::new();
        for _ in 0..TIMES {
            let next =
                Progress { round: 0, pending: left_out.iter().map(|(parent, _)| *parent).collect(), ..next.clone() };
            let (written, mut rows) = self.replaced(&all, stored, &next).await?;
            let Some(written) = written else {
                if let Some(error) = rows.shut(self) {
                    return Err(error);
                }
                left_out.append(&mut rows.failed);
                if left_out.len() > MAX_PENDING || left_out.len() == all.len() {
                    break;
                }
                continue;
            };
            let seen = rows.seen(left_out.is_empty() && unlisted.is_none());
            let quarantined = self.quarantined(&seen).await?;
            let whole = left_out.is_empty() && unlisted.is_none();
            let settled = self.settle(in_quarantine, &seen, |_| whole).await?;
            let incomplete = together([self.left_out(&left_out), unlisted, settled.open.clone()]);
            let warnings = self.warnings(&seen, quarantined, settled, rows.notes());
            let watermark_before = stored.watermark;
            let watermark = next.watermark;
            return Ok(Loaded { seen, written, quarantined, watermark_before, watermark, warnings, incomplete });
        }
        Err(self.given_up(&left_out))
    }

    /// Reads all lists but those that are pending anyway, and commits them unless one fails. The rows of what is pending stay.
    async fn replaced(&self, all: &[i64], stored: &Progress, next: &Progress) -> Result<(Option<Written>, ChildRows)> {
        let session = self.table.lake().session()?;
        let parents: Vec<i64> = all.iter().copied().filter(|parent| !next.pending.contains(parent)).collect();
        let mut rows = ChildRows::new(self)?;
        for (parent, stored) in self.stored(&session).await? {
            rows.holds(parent, stored);
        }
        let schema = rows.schema();
        let kept = match next.pending.is_empty() {
            true => Vec::new(),
            false => self.kept(&session, &schema, &format!("`{PARENT_ID}` in ({})", list(&next.pending))).await?,
        };
        let (sender, receiver) = mpsc::channel::<Result<RecordBatch>>(AHEAD);
        let batches =
            stream::unfold(receiver, |mut receiver| async move { receiver.recv().await.map(|b| (b, receiver)) });
        // A reader that falls silent before it is through is no end of the rows.
        let through = Arc::new(AtomicBool::new(false));
        let done = through.clone();
        let last = stream::once(async move {
            let done = done.load(Ordering::Acquire);
            if done { None } else { Some(Err(Error::reader_stopped())) }
        });
        let batches = stream::iter(kept.into_iter().map(Ok)).chain(batches).chain(last.filter_map(std::future::ready));
        let source = Source::stream(&session, schema.clone(), batches.boxed())?;
        let commit = next.transactions(Commit::new(&self.request.run_id), stored);
        let commit = tenant::signed(commit, self.request.owner, self.moved);
        // A number can't be taken back, and that of another tenant must not hold: this one is no time.
        let commit =
            if self.moved && next.watermark.is_none() { commit.transaction(WATERMARK, i64::MIN) } else { commit };
        let writing = self.table.overwrite(&schema, source, &commit);
        let reading = async {
            let read = async {
                self.send(&parents, &mut rows, &sender).await?;
                rows.still_believed(self)?;
                self.keep_rejected(&session, &rows, &sender).await
            };
            let read = read.await;
            through.store(read.is_ok() && rows.failed.is_empty(), Ordering::Release);
            drop(sender);
            read
        };
        let (written, read) = futures::join!(writing, reading);
        // What the reader says is the cause of what the writer says.
        read?;
        match written {
            Err(_) if !rows.failed.is_empty() => Ok((None, rows)),
            written => Ok((Some(written?), rows)),
        }
    }

    async fn send(
        &self,
        parents: &[i64],
        rows: &mut ChildRows,
        sender: &mpsc::Sender<Result<RecordBatch>>,
    ) -> Result<()> {
        let mut rest = parents;
        while !rest.is_empty() {
            let some;
            (some, rest) = rest.split_at(rows.at_once(self).min(rest.len()));
            let batch = rows.of(self, some).await?;
            if batch.num_rows() > 0 && sender.send(Ok(batch)).await.is_err() {
                // The writer failed first; its error is the one to tell.
                return Ok(());
            }
        }
        Ok(())
    }

    /// Keeps what can't be a row, before the commit that moves on past it. It is in its list, so a stored row of it stays.
    async fn keep_rejected(
        &self,
        session: &SessionContext,
        rows: &ChildRows,
        sender: &mpsc::Sender<Result<RecordBatch>>,
    ) -> Result<()> {
        let rejected = &rows.rejected;
        if rejected.is_empty() {
            return Ok(());
        }
        let request = self.request;
        quarantine::keep(self.table.lake(), self.entity, rejected, &request.run_id, request.started).await?;
        let keys: BTreeSet<i64> =
            rejected.iter().filter_map(|record| record.key).filter(|key| !rows.keys.contains_key(key)).collect();
        let parents: BTreeSet<i64> =
            rejected.iter().filter(|record| record.key.is_none()).filter_map(|record| record.parent).collect();
        let mut stays = Vec::new();
        if !keys.is_empty() {
            stays.push(format!("`{}` in ({})", self.entity.key, list(&keys)));
        }
        if !parents.is_empty() {
            let read: BTreeSet<i64> =
                rows.keys.iter().filter(|(_, parent)| parents.contains(parent)).map(|(key, _)| *key).collect();
            let others = if read.is_empty() {
                String::new()
            } else {
                format!(" and `{}` not in ({})", self.entity.key, list(&read))
            };
            stays.push(format!("(`{PARENT_ID}` in ({}){others})", list(&parents)));
        }
        if stays.is_empty() {
            return Ok(());
        }
        for batch in self.kept(session, &rows.schema(), &stays.join(" or ")).await? {
            if sender.send(Ok(batch)).await.is_err() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// How many rows of each parent the table holds.
    async fn stored(&self, session: &SessionContext) -> Result<HashMap<i64, usize>> {
        const ROWS: &str = "rows_below";
        let mut stored = HashMap::new();
        let query = format!("select `{PARENT_ID}`, count(*) as {ROWS} from {KEPT} group by `{PARENT_ID}`");
        for batch in &self.select(session, &query).await? {
            let parents = integers(batch, PARENT_ID)?;
            let rows = integers(batch, ROWS)?;
            // A row without a parent is of no list.
            for (parent, rows) in parents.iter().zip(rows.iter()).filter_map(|(parent, rows)| parent.zip(rows)) {
                stored.insert(parent, rows as usize);
            }
        }
        Ok(stored)
    }

    /// Stored rows that meet a condition, as rows of today's schema.
    async fn kept(&self, session: &SessionContext, schema: &SchemaRef, condition: &str) -> Result<Vec<RecordBatch>> {
        let found = self.select(session, &format!("select * from {KEPT} where {condition}")).await?;
        found.iter().map(|batch| Ok(as_of_today(self.table.name(), schema, batch)?)).collect()
    }

    /// The result of a query over the stored rows, which it calls [`KEPT`]; empty where there are none, or those of another tenant.
    async fn select(&self, session: &SessionContext, query: &str) -> Result<Vec<RecordBatch>> {
        if self.moved || !self.table.register(session, KEPT).await? {
            return Ok(Vec::new());
        }
        let found = session.sql(query).await.map_err(sql_error)?.collect().await.map_err(sql_error)?;
        session.deregister_table(KEPT).map_err(sql_error)?;
        Ok(found)
    }

    /// Records that can't be rows are kept as text.
    pub(super) async fn quarantined(&self, seen: &Seen) -> Result<u64> {
        quarantine::keep(self.table.lake(), self.entity, &seen.rejected, &self.request.run_id, self.request.started)
            .await
    }

    /// What becomes of the records in quarantine, once the rows are in the table.
    pub(super) async fn settle(&self, held: Held, seen: &Seen, asked: impl Fn(&Record) -> bool) -> Result<Settled> {
        let request = self.request;
        held.settle(self.table.lake(), self.entity, &seen.rejected, asked, (&request.run_id, request.started)).await
    }

    pub(super) fn warnings(
        &self,
        seen: &Seen,
        quarantined: u64,
        settled: Settled,
        mut notes: Vec<String>,
    ) -> Vec<String> {
        notes.extend(settled.closed);
        if let Some(first) = seen.rejected.first().filter(|_| settled.open.is_none()) {
            notes.push(format!(
                "{quarantined} records are in {} and acknowledged: {}",
                quarantine::table(),
                first.reason
            ));
        }
        notes
    }

    /// The error of a load that so many lists end.
    pub(super) fn given_up(&self, failed: &[(i64, String)]) -> Error {
        match self.left_out(failed) {
            Some(what) => Error::left_out(self.entity, &what),
            None => Error::internal(&format!("the load of {} was given up with no list that failed", self.entity.name)),
        }
    }

    /// Which lists couldn't be read, in words for people.
    pub(super) fn left_out(&self, failed: &[(i64, String)]) -> Option<String> {
        let (_, why) = failed.first()?;
        let parents: Vec<String> = failed.iter().map(|(parent, _)| parent.to_string()).collect();
        Some(format!(
            "the lists of {} {} can't be read, and rows of them that didn't come are as they were; the next run asks for them \
             first ({why})",
            self.above.name,
            parents.join(", ")
        ))
    }
}

fn list(ids: &BTreeSet<i64>) -> String {
    ids.iter().map(i64::to_string).collect::<Vec<_>>().join(", ")
}
