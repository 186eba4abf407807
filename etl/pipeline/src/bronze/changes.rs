//! Reading a scope of a list and writing the rows that differ: what changed since the watermark, or a whole list that is compared.

use arrow::datatypes::SchemaRef;
use connectwise_extract::read::{self, Counting, Extraction, ReadFrom, Scope, Seen};
use connectwise_lakehouse::{Changes, Commit, Keys, SpillBuffer, Written, integers};
use connectwise_sdk::catalog::{Load, Window};
use datafusion::common::ScalarValue;
use datafusion::prelude::{Expr, SessionContext, ident, lit};
use futures::TryStreamExt;

use super::{Done, Target, deletion_guard, range};
use crate::error::{Kind, Result, sql_error};
use crate::quarantine;

/// What a read of a list gave.
pub(super) struct Listed {
    pub(super) schema: SchemaRef,
    /// Rows that the table doesn't hold in this form.
    pub(super) changed: SpillBuffer,
    /// The keys of all rows.
    pub(super) keys: Keys,
    pub(super) seen: Seen,
    pub(super) quarantined: u64,
}

impl Target<'_> {
    /// Reads a scope of the list, or takes the records that were read before, and writes the rows that differ.
    pub(super) async fn changes(&self, scope: &Scope) -> Result<Done> {
        let (listed, note) = self.read_all(scope).await?;
        let seen = listed.seen.clone();
        let quarantined = listed.quarantined;
        let (written, refused) = match scope {
            Scope::All => self.compare(listed).await?,
            _ => (self.merge(listed).await?, None),
        };
        let notes = note.into_iter().collect();
        Ok(Done { whole: seen.unreadable.is_empty(), seen, written, quarantined, refused, notes })
    }

    /// Reads a scope of the list to its end, in the way that takes fewest requests one after the other. A note says where bundles
    /// didn't give all of it.
    async fn read_all(&self, scope: &Scope) -> Result<(Listed, Option<String>)> {
        let (gathered, note) = self.gathered(scope).await?;
        if let Some(listed) = gathered {
            return Ok((listed, note));
        }
        let condition = read::condition(self.entity, scope);
        let mut counting = Counting::Asked;
        let mut notes = note;
        if self.at_once() > 1 && !self.was_listed(condition.as_ref()) {
            let count = self.count(condition.as_ref()).await?;
            // A server that cuts lists in bundles without a word does it every time.
            let (listed, note) = self.by_ranges(condition.as_ref(), &count, notes.is_none()).await?;
            notes = notes.or(note);
            if let Some(listed) = listed {
                return Ok((listed, notes));
            }
            counting = Counting::Known(count);
        }
        let extraction = self.extract(scope, counting).await?;
        self.meter.expect(extraction.seen().counted);
        Ok((self.listed(extraction, self.session).await?, notes))
    }

    /// Starts to read a scope by bundles of key ranges, which are cut from the keys of the table. `None` if the survey read it
    /// already or doesn't know how long it is, it fits on one page, the keys of the table don't resemble it, or it is a part of the list that is
    /// so long that its ranges are counted.
    async fn gather(&self, scope: &Scope) -> Result<Option<Extraction>> {
        let entity = self.entity;
        let request = self.request;
        let condition = read::condition(entity, scope);
        let counted = match &self.counted {
            Some((counted, records)) if *counted == self.part(condition.as_ref()).condition => Some(*records),
            // Its load began before the survey counted anything.
            _ if self.is_early && condition.is_none() => None,
            _ => return Ok(None),
        };
        let whole_pages = request.page_size == connectwise_sdk::MAX_PAGE_SIZE;
        if entity.bundle.is_none() || !whole_pages || self.was_listed(condition.as_ref()) {
            return Ok(None);
        }
        let page_size = u64::from(request.page_size);
        let is_counted = condition.is_some() && range::pieces_of(counted.unwrap_or_default(), request.page_size, 2) > 1;
        if is_counted || counted.is_some_and(|records| records < page_size) {
            return Ok(None);
        }
        let keys = match scope {
            Scope::All => self.table.keys(entity.key).await?,
            _ => self.keys_in_windows().await?,
        };
        let Some(ranges) = range::filled(&keys, counted.unwrap_or_else(|| keys.len())) else { return Ok(None) };
        Ok(Some(self.extract_ranges(ranges, condition.as_ref(), Some(counted))?))
    }

    /// Keys of the rows that lie in the business-date windows: of a run in which little changed, most that it reads.
    async fn keys_in_windows(&self) -> Result<Keys> {
        let mut found = Keys::new();
        let (Load::Incremental { windows, .. }, ReadFrom::Watermark(watermark, _)) =
            (self.entity.load, self.measured.reads_from())
        else {
            return Ok(found);
        };
        let from = |window: &Window| {
            let from = self.request.window.business(watermark, window.days).timestamp_micros();
            ident(window.field).gt_eq(lit(ScalarValue::TimestampMicrosecond(Some(from), Some("UTC".into()))))
        };
        let Some(in_any) = windows.iter().map(from).reduce(Expr::or) else { return Ok(found) };
        let session = self.table.lake().session()?;
        if !self.table.register(&session, "stored").await? {
            return Ok(found);
        }
        let rows = session.table("stored").await.and_then(|rows| rows.filter(in_any));
        let rows = rows.and_then(|rows| rows.select(vec![ident(self.entity.key)])).map_err(sql_error)?;
        let mut batches = rows.execute_stream().await.map_err(sql_error)?;
        while let Some(batch) = batches.try_next().await.map_err(sql_error)? {
            found.extend(integers(&batch, self.entity.key)?.iter().flatten().map(i64::cast_unsigned));
        }
        Ok(found)
    }

    /// Reads a scope by bundles of key ranges. No list if that isn't possible; a note beside it if the read was
    /// incomplete: a server that truncates lists in bundles unnoticed does so in every run, so the list is then read page by
    /// page.
    async fn gathered(&self, scope: &Scope) -> Result<(Option<Listed>, Option<String>)> {
        let Some(extraction) = self.gather(scope).await? else { return Ok((None, None)) };
        self.meter.expect(extraction.seen().counted.or(self.table.logged_rows()));
        match self.listed(extraction, self.session).await {
            Ok(listed) => Ok((Some(listed), None)),
            Err(error) if error.kind() == Kind::Incomplete => {
                tracing::info!("{error}");
                self.meter.begin_again();
                Ok((None, Some(self.not_by_bundle())))
            }
            Err(error) => Err(error),
        }
    }

    /// Reads to the end: the rows that the table doesn't hold in this form, and the keys of all. Rejected records are kept before
    /// the commit that moves the watermark past them: a run that dies between the two keeps a record twice in vain, never not at
    /// all.
    pub(super) async fn listed(&self, mut extraction: Extraction, session: &SessionContext) -> Result<Listed> {
        let entity = self.entity;
        let request = self.request;
        let mut comparison = self.comparison(session);
        let mut keys = Keys::new();
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
}
