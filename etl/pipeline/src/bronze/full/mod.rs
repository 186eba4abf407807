//! A full load: every record of the list, file by file, put in place by one commit.
//!
//! Files are staged as they are finished. When a load dies, the next one takes them over: what it still has to read is the
//! list behind the last staged key, and what changed since the dead load began. A staged range whose count isn't that of
//! the server any more (rows were deleted) is read again. `docs/decisions/0013-staging.md` says why this is enough.
//!
//! | module | what it does |
//! |---|---|
//! | `files` | reads the list, or pieces of it, into files, and stages them |
//! | `resume` | goes on with what a load staged that was cut off |

mod files;
mod resume;

use arrow::compute::filter_record_batch;
use arrow::datatypes::SchemaRef;
use connectwise_extract::contract;
use connectwise_extract::read::Seen;
use connectwise_lakehouse::{Changes, Commit, DataFile, Head, SpillBuffer, Written, as_of_today, integers, unfit};
use connectwise_upkeep::{self as upkeep, Doubt};
use futures::TryStreamExt;

use super::deletion_guard::kept;
use super::{Done, Target};
use crate::error::{Error, Kind, Result, sql_error};

const HIDDEN: &str = "__hidden";

/// What was read of the list, and the files that it is in.
#[derive(Default)]
struct Read {
    files: Vec<DataFile>,
    seen: Seen,
    quarantined: u64,
}

/// Stored rows that a load takes out.
enum Leaving {
    /// All that weren't read.
    AllElse,
    /// Those with these keys.
    These(Vec<i64>),
}

/// Where finished files are remembered.
#[derive(Debug, Clone)]
struct Stage {
    name: String,
    head: Head,
}

impl Target<'_> {
    /// Reads all of the list and makes it the table's content.
    pub(super) async fn full(&self) -> Result<Done> {
        let mut notes = Vec::new();
        let mut whole = true;
        let read = match self.resumable(&mut notes).await? {
            None => self.afresh(&mut notes).await?,
            Some(staged) => match self.resume(&staged).await {
                Ok((read, note)) => {
                    notes.push(note);
                    whole = false;
                    read
                }
                Err(error) if error.kind() == Kind::Incomplete => {
                    self.table.unstage(&staged.name).await?;
                    notes.push(format!("what an earlier load had staged doesn't fit the server any more: {error}"));
                    self.afresh(&mut notes).await?
                }
                Err(error) => return Err(error),
            },
        };
        let (refused, leaving) = self.guard(&read).await?;
        if let Some(why) = refused.as_deref().filter(|_| self.moved) {
            return Err(Error::unmoved(self.table.name(), Some(why)));
        }
        if let (Some(why), Some(doubt @ Doubt::Layout(_))) = (&refused, &self.doubt) {
            return Err(Error::not_replaced(self.table.name(), doubt, why));
        }
        let refused = refused.map(kept);
        // Before the commit: a file must never be in the table and staged at once, or a later load could bring it back.
        for staged in self.table.staged().await? {
            self.table.unstage(&staged.name).await?;
        }
        let schema = contract::bronze(self.entity);
        whole &= read.seen.unreadable.is_empty();
        if whole
            && read.seen.rejected.is_empty()
            && let Err(error) = self.tell_ids(&read.files, &read.seen).await
        {
            tracing::info!("loads of child lists ask for the ids of {} themselves: {error}", self.entity.name);
        }
        let commit = self.commit(&read.seen.unreadable);
        let written = match (&refused, leaving) {
            (None, Leaving::AllElse) => {
                let mut files = read.files;
                if self.doubt.is_some() && !self.moved {
                    files.extend(self.hidden(&schema, &files, &read.seen).await?);
                }
                self.table.overwrite_with_files(&schema, &files, &commit).await?
            }
            (None, Leaving::These(gone)) => self.update(&read.files, gone, &commit).await?,
            // Who doesn't see all rows doesn't see all changes, so the watermark stays.
            (Some(_), _) => self.update(&read.files, Vec::new(), &self.unmarked()).await?,
        };
        Ok(Done { seen: read.seen, written, quarantined: read.quarantined, refused, whole, notes })
    }

    /// Whether rows that weren't listed may leave, or why not; and which rows that are, where some stay all the same.
    async fn guard(&self, read: &Read) -> Result<(Option<String>, Leaving)> {
        if !self.table.exists() {
            return Ok((None, Leaving::AllElse));
        }
        let listed = self.table.keys_of(self.entity.key, &read.files).await?;
        let believed = match (&self.doubt, self.trusted) {
            // What others put in or took out is no sign of what the server has.
            (Some(_), Some(trusted)) => upkeep::whole_at(self.table, trusted).await?,
            _ => None,
        };
        let stored = believed.as_ref().unwrap_or(self.table).keys(self.entity.key).await?;
        let refused = self.check_deletions(&stored, &listed, &read.seen).await?;
        let gone = self.gone(&stored, &listed).await?;
        let leaving = match () {
            // Nothing of another tenant stays, and nothing as somebody else left it.
            () if self.moved || self.doubt.is_some() => Leaving::AllElse,
            // What the server can't give is in the list all the same, so a stored row of it stays, and any that may be it.
            () if !read.seen.unreadable.is_empty() => Leaving::These(Vec::new()),
            () if (gone.len() as u64) < (&stored - &listed).len() => Leaving::These(gone),
            () => Leaving::AllElse,
        };
        Ok((refused, leaving))
    }

    /// The stored rows of records that the server can't give or that can't be rows, for a table that is replaced all the same. They are asked for
    /// again by the next run.
    async fn hidden(&self, schema: &SchemaRef, files: &[DataFile], seen: &Seen) -> Result<Option<DataFile>> {
        let held = self.held().await?;
        if seen.unreadable.is_empty() && held.is_empty() {
            return Ok(None);
        }
        let listed = self.table.keys_of(self.entity.key, files).await?;
        let mut writer = self.table.file_writer(schema, self.entity.key).await?;
        if !self.table.register(self.session, HIDDEN).await? {
            return Ok(None);
        }
        let mut rows =
            self.session.table(HIDDEN).await.map_err(sql_error)?.execute_stream().await.map_err(sql_error)?;
        while let Some(batch) = rows.try_next().await.map_err(sql_error)? {
            let keys = integers(&batch, self.entity.key)?;
            let stays = |key: Option<i64>| {
                key.is_some_and(|key| {
                    let unreadable = || seen.unreadable.iter().any(|record| record.place().may_be(key));
                    !listed.contains(key.cast_unsigned()) && (unreadable() || held.holds(key))
                })
            };
            let some = filter_record_batch(&batch, &keys.iter().map(|key| Some(stays(key))).collect())
                .map_err(|error| unfit(self.table.name(), error))?;
            if some.num_rows() > 0 {
                writer.write(&as_of_today(self.table.name(), schema, &some)?)?;
            }
        }
        self.session.deregister_table(HIDDEN).map_err(sql_error)?;
        Ok(writer.finish().await?)
    }

    /// Merges the rows of files, takes out those with these keys and leaves the others.
    async fn update(&self, files: &[DataFile], gone: Vec<i64>, commit: &Commit) -> Result<Written> {
        let mut comparison = self.comparison(self.session);
        let mut all = SpillBuffer::default();
        for file in files {
            let mut rows = self.table.rows_of(file).await?;
            while let Some(batch) = rows.try_next().await? {
                // The hash of a row that somebody changed may be that of what it was.
                if self.doubt.is_some() { all.push(batch)? } else { comparison.push(batch).await? }
            }
        }
        let rows = if self.doubt.is_some() { all } else { comparison.differing().await? };
        let changes = Changes::upserts(self.entity.key, rows).deleting(gone);
        Ok(self.table.merge(&contract::bronze(self.entity), changes, commit).await?)
    }
}
