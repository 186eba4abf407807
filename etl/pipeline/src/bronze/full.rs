//! A full load: every record of the list, file by file, put in place by one commit.
//!
//! Files are staged as they are finished. When a load dies, the next one takes them over: what it still has to read is the
//! list behind the last staged key, and what changed since the dead load began. A staged range whose count isn't that of
//! the server any more (rows were deleted) is read again. `docs/decisions/0013-staging.md` says why this is enough.

use std::sync::atomic::Ordering;

use arrow::compute::filter_record_batch;
use arrow::datatypes::SchemaRef;
use chrono::{DateTime, TimeDelta, Utc};
use connectwise_extract::contract;
use connectwise_extract::decode::Decoder;
use connectwise_extract::read::{self, Count, Counting, Extraction, Pages, Scope, Seen, incomplete};
use connectwise_lakehouse::{
    Changes, Chunk, Commit, DataFile, Doubt, Head, SpillBuffer, Staged, Written, as_of_today, integers, unfit,
};
use connectwise_sdk::catalog::Load;
use connectwise_sdk::conditions::field;
use futures::stream::{self, StreamExt, TryStreamExt};
use twox_hash::XxHash3_64;

use super::deletion_guard::kept;
use super::range::{Piece, Range, between, bundled, pieces, pieces_of, split};
use super::ranged::add;
use super::{Done, Target};
use crate::error::{Error, Kind, Result, sql_error};
use crate::quarantine;
use crate::telemetry::Chunk as Safe;
use crate::tenant;

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
            (Some(_), Some(trusted)) => self.table.whole_at(trusted).await,
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

    /// Reads the whole list from the start; a large one by several key ranges at once.
    async fn afresh(&self, notes: &mut Vec<String>) -> Result<Read> {
        let stage = self.stage().map(|head| Stage { name: uuid::Uuid::now_v7().to_string(), head });
        let mut counting = Counting::Asked;
        if self.at_once() > 1 {
            let count = self.count(None).await?;
            let records = count.records.unwrap_or_default();
            let pieces = pieces_of(records, self.request.page_size, self.at_once());
            // The bounds of the keys and a bundle are two requests.
            if records >= 2 * u64::from(self.request.page_size) {
                match self.by_bundles(&count, stage.as_ref()).await {
                    Ok(Some(read)) => return Ok(read),
                    Ok(None) => {}
                    // A server that cuts lists in bundles without a word does it every time.
                    Err(error) if error.kind() == Kind::Incomplete => {
                        notes.push(self.not_by_bundle());
                        tracing::info!("{error}");
                        self.begin_again(stage.as_ref()).await?;
                    }
                    Err(error) => return Err(error),
                }
            }
            if pieces > 1
                && let Some(keys) = read::key_bounds(self.client, &self.part(None)).await?
            {
                let pieces = split(keys, pieces).into_iter().map(|(after, last)| Piece::Read { after, last });
                return self.read_pieces(pieces.collect(), stage.as_ref(), Some(count)).await;
            }
            counting = Counting::Known(count);
        }
        let read = self.read((None, None), stage.as_ref(), counting).await?;
        self.meter.expect(read.seen.counted);
        Ok(read)
    }

    /// Reads the whole list by bundles of key ranges. `None` if bundles have no name for it, or weren't seen to work, or pages are
    /// smaller than their ranges.
    async fn by_bundles(&self, counted: &Count, stage: Option<&Stage>) -> Result<Option<Read>> {
        let whole_pages = self.request.page_size == connectwise_sdk::MAX_PAGE_SIZE;
        let (Some((None, records)), true) = (&self.counted, whole_pages) else { return Ok(None) };
        let Some(keys) = read::Bundles::new(self.client).key_bounds(&self.part(None)).await else { return Ok(None) };
        let pieces = bundled(keys, *records, self.at_once());
        self.read_pieces(pieces, stage, Some(counted.clone())).await.map(Some)
    }

    /// Discards the staged files and the progress of a read that wasn't complete.
    async fn begin_again(&self, stage: Option<&Stage>) -> Result<()> {
        self.meter.begin_again();
        if let Some(stage) = stage {
            self.table.unstage(&stage.name).await?;
        }
        // It went with the files, and has to be written with the next one.
        self.head_written.store(0, Ordering::Relaxed);
        Ok(())
    }

    /// What a load that begins now would depend on. `None` where changes have no time: what was staged couldn't be brought
    /// up to date.
    fn stage(&self) -> Option<Head> {
        let watermark = self.measured.next().filter(|_| matches!(self.entity.load, Load::Incremental { .. }))?;
        let schema = contract::bronze(self.entity);
        // What was staged with secrets must not come into a table that is to have none.
        let secrets = self.request.secrets;
        let depends = format!(
            "{} {} {} {} {secrets:?} {schema:?}",
            connectwise_sdk::API_VERSION,
            tenant::of(self.client),
            self.client.base_url(),
            self.entity.path
        );
        let identity = format!("{:016x}", XxHash3_64::oneshot(depends.as_bytes()));
        Some(Head { started: Utc::now(), identity, watermark })
    }

    /// The newest staged load that this one can go on with. Others are forgotten.
    async fn resumable(&self, notes: &mut Vec<String>) -> Result<Option<Staged>> {
        let current = self.stage();
        let limit = TimeDelta::hours(i64::from(self.request.options.staging_hours));
        let mut usable: Option<Staged> = None;
        for staged in self.table.staged().await? {
            let given_up = match unusable(&staged, current.as_ref(), limit) {
                Some(why) => Some((staged, why)),
                None if usable.as_ref().is_none_or(|other| other.chunks.len() < staged.chunks.len()) => {
                    usable.replace(staged).map(|other| (other, "fewer than those of another"))
                }
                None => Some((staged, "fewer than those of another")),
            };
            if let Some((staged, why)) = given_up {
                let files = staged.chunks.len();
                notes.push(format!("{files} files that an earlier load had staged are given up: they are {why}"));
                self.table.unstage(&staged.name).await?;
            }
        }
        Ok(usable)
    }

    /// Goes on with a staged load.
    async fn resume(&self, staged: &Staged) -> Result<(Read, String)> {
        let stale = || incomplete(self.entity, "it can't be gone on with");
        let (Some(head), Load::Incremental { .. }) = (&staged.head, self.entity.load) else {
            return Err(stale().into());
        };
        let mut kept = Vec::new();
        for piece in pieces(&staged.chunks) {
            // Equal counts are what any read of a list has for proof; `reconcile` finds what they can't tell.
            let reread = match &piece {
                Piece::Keep(chunk) => {
                    let range = between(self.entity.key, chunk.after, Some(chunk.last)).map(|range| range.to_string());
                    let counted = read::count(self.client, self.entity, range.as_deref()).await;
                    let counted = counted.map_err(|error| read::source_error(self.entity, error))?;
                    counted.records != Some(chunk.file.rows)
                }
                Piece::Read { .. } | Piece::Bundled(_) => false,
            };
            kept.push(if reread { piece.into_read() } else { piece });
        }
        let files = kept.iter().filter(|piece| matches!(piece, Piece::Keep(_))).count();
        let staged_to = kept.iter().filter_map(Piece::kept_to).max();
        let stage = Stage { name: staged.name.clone(), head: head.clone() };
        let mut read = self.read_pieces(kept, Some(&stage), None).await?;
        if let Some(last) = staged_to {
            read.files = self.catch_up(head.watermark, last, read.files).await?;
        }
        let rows: u64 = read.files.iter().map(|file| file.rows).sum();
        let note = format!(
            "{files} files of a load that was cut off at {} were taken over, so part of {rows} rows wasn't read again",
            head.started.format("%Y-%m-%d %H:%M UTC")
        );
        Ok((read, note))
    }

    /// Reads pieces, several at a time where that is wanted, and proves that together they are the list.
    async fn read_pieces(&self, pieces: Vec<Piece>, stage: Option<&Stage>, counted: Option<Count>) -> Result<Read> {
        let before = match counted {
            Some(counted) => counted,
            None => self.recount(None).await?,
        };
        self.meter.expect(before.records);
        let has_pages = !pieces.iter().any(|piece| matches!(piece, Piece::Bundled(_)));
        let work = pieces.into_iter().map(async |piece| match piece {
            Piece::Keep(chunk) => {
                self.meter.advance(usize::try_from(chunk.file.rows).unwrap_or_default());
                let seen = Seen { records: chunk.file.rows, rescued: chunk.rescued, ..Seen::default() };
                Ok(Read { files: vec![chunk.file], seen, quarantined: 0 })
            }
            Piece::Read { after, last } => self.read((after, last), stage, Counting::Elsewhere).await,
            Piece::Bundled(ranges) => {
                let after = ranges.first().and_then(|(after, _)| *after);
                let last = ranges.last().and_then(|(_, last)| *last);
                self.store(self.extract_ranges(ranges, None, None)?, (after, last), stage).await
            }
        });
        let mut reads = stream::iter(work).buffered(self.at_once());
        let mut all = Read::default();
        while let Some(mut read) = reads.try_next().await? {
            all.files.append(&mut read.files);
            add(&mut all.seen, read.seen);
            all.quarantined += read.quarantined;
        }
        let after = self.recount(None).await?;
        self.prove_together(&mut all.seen, (before, after), has_pages)?;
        Ok(all)
    }

    /// Reads one range into files.
    async fn read(&self, (after, last): Range, stage: Option<&Stage>, counting: Counting) -> Result<Read> {
        let scope = &between(self.entity.key, after, last).map_or(Scope::All, Scope::Where);
        let extraction = self.extract(scope, counting).await?;
        if matches!(scope, Scope::All) {
            self.meter.expect(extraction.seen().counted);
        }
        self.store(extraction, (after, last), stage).await
    }

    /// Writes the rows of a range into files, which are staged as they are finished. The last of an open range isn't: behind it may
    /// come more.
    async fn store(&self, mut extraction: Extraction, (after, last): Range, stage: Option<&Stage>) -> Result<Read> {
        let request = self.request;
        let schema = extraction.schema().clone();
        let number = self.meter.begin_read(extraction.seen());
        let mut writer = self.table.file_writer(&schema, self.entity.key).await?;
        let mut files = Vec::new();
        let mut after = after;
        let mut rescued = 0;
        let mut quarantined = 0;
        let mut told = 0;
        loop {
            let rows = extraction.next().await;
            self.meter.saw(number, extraction.seen());
            let Some(batch) = rows? else { break };
            self.meter.batch(self.entity, &batch);
            writer.write(&batch)?;
            if writer.pending() < request.options.chunk_rows && !writer.is_full() {
                continue;
            }
            let Some(file) = writer.finish().await? else { continue };
            let seen = extraction.seen();
            // What can't be a row is behind the staged key too, and a load that goes on never sees it.
            quarantined =
                quarantine::keep(self.table.lake(), self.entity, &seen.rejected, &request.run_id, request.started)
                    .await?;
            if let (Some(stage), Some((_, to))) = (stage, file.keys) {
                let chunk = Chunk { after, last: to, rescued: seen.rescued - rescued, file: file.clone() };
                self.stage_chunk(stage, &chunk, quarantined.saturating_sub(told)).await?;
                (after, rescued, told) = (Some(to), seen.rescued, quarantined);
            }
            files.push(file);
        }
        let rest = writer.finish().await?;
        let seen = extraction.seen().clone();
        if !seen.rejected.is_empty() {
            quarantined =
                quarantine::keep(self.table.lake(), self.entity, &seen.rejected, &request.run_id, request.started)
                    .await?;
        }
        if let (Some(stage), Some(file), Some(last)) = (stage, &rest, last) {
            let chunk = Chunk { after, last, rescued: seen.rescued - rescued, file: file.clone() };
            self.stage_chunk(stage, &chunk, quarantined.saturating_sub(told)).await?;
        }
        files.extend(rest);
        Ok(Read { files, seen, quarantined })
    }

    /// Remembers a finished file. What the load was goes with the first, and again each minute: who takes the load for one that was
    /// given up removes it.
    async fn stage_chunk(&self, stage: &Stage, chunk: &Chunk, quarantined: u64) -> Result<()> {
        let minute = self.begun.elapsed().as_secs() / 60 + 1;
        if self.head_written.fetch_max(minute, Ordering::Relaxed) < minute {
            self.table.stage_head(&stage.name, &stage.head).await?;
        }
        self.table.stage_chunk(&stage.name, chunk).await?;
        let number = self.chunks.fetch_add(1, Ordering::Relaxed) + 1;
        let rows = chunk.file.rows;
        let rescued = chunk.rescued;
        let last_key = Some(chunk.last);
        let ended = Utc::now();
        let safe = Safe { number, rows, last_key, rescued, quarantined, ended, ..Safe::default() };
        self.meter.chunk(safe, self.client.stats());
        Ok(())
    }

    /// Brings staged rows up to date: what changed since `watermark`, up to the last staged key.
    async fn catch_up(&self, watermark: DateTime<Utc>, last: i64, files: Vec<DataFile>) -> Result<Vec<DataFile>> {
        let Load::Incremental { watermark: path, .. } = self.entity.load else { return Ok(files) };
        let reading = self.request.dates.of(self.client, self.entity, path, self.measured.newest).await;
        let reading = reading.map_err(|error| read::source_error(self.entity, error))?;
        let Some(dates) = reading.dates() else {
            return Err(incomplete(self.entity, "no date in a condition finds what changed since").into());
        };
        let since = Scope::Since { watermark, window: self.request.window, dates };
        let Some(changed) = read::condition(self.entity, &since) else { return Ok(files) };
        let scope = Scope::Where(changed & field(self.entity.key).le(last));
        let decoder =
            Decoder::new(self.entity, &self.request.run_id, self.request.started)?.storing(self.request.secrets);
        let schema = decoder.schema().clone();
        let pages = Pages { size: self.request.page_size, counting: Counting::Asked };
        let mut changed = read::extract(self.client, self.entity, &scope, pages, decoder).await?;
        let mut rows = SpillBuffer::default();
        while let Some(batch) = changed.next().await? {
            rows.push(batch)?;
        }
        if !changed.seen().unreadable.is_empty() {
            return Err(incomplete(self.entity, "a record that changed meanwhile can't be given").into());
        }
        if rows.is_empty() {
            return Ok(files);
        }
        let changes = Changes::upserts(self.entity.key, rows);
        let patched = self.table.patch_files(&schema, files, changes).await?;
        // Counts agreed, and yet there is a row more: so there is one less somewhere.
        Ok(patched.ok_or_else(|| incomplete(self.entity, "a row came where none was missing"))?)
    }
}

/// Why a load that begins as `current` can't go on with what was staged.
fn unusable(staged: &Staged, current: Option<&Head>, limit: TimeDelta) -> Option<&'static str> {
    match (&staged.head, current) {
        (None, _) => Some("not readable"),
        (_, None) => Some("of a table whose changes have no time"),
        (Some(head), Some(now)) if head.identity != now.identity => {
            Some("of another schema, API version, tenant or privacy policy")
        }
        (Some(head), Some(now)) if now.started - head.started > limit => Some("too old"),
        _ => None,
    }
}
