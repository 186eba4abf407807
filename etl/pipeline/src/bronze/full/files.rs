//! Reads the list, or pieces of it, into files, and stages them as they are finished.

use std::sync::atomic::Ordering;

use chrono::Utc;
use connectwise_extract::read::{self, Count, Counting, Extraction, Scope, Seen};
use connectwise_lakehouse::Chunk;
use futures::stream::{self, StreamExt, TryStreamExt};

use super::super::Target;
use super::super::range::{Piece, Range, between, bundled, pieces_of, split};
use super::super::ranged::add;
use super::{Read, Stage};
use crate::error::{Kind, Result};
use crate::quarantine;
use crate::telemetry::Chunk as Safe;

impl Target<'_> {
    /// Reads the whole list from the start; a large one by several key ranges at once.
    pub(super) async fn afresh(&self, notes: &mut Vec<String>) -> Result<Read> {
        let stage = self.stage().map(|head| Stage { name: uuid::Uuid::now_v7().to_string(), head });
        let mut counting = Counting::Asked;
        if self.at_once() > 1 {
            let count = self.count(None).await?;
            // A server that doesn't count is read from one end to the other.
            let records = count.records.unwrap_or(0);
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

    /// Reads pieces, several at a time where that is wanted, and proves that together they are the list.
    pub(super) async fn read_pieces(
        &self,
        pieces: Vec<Piece>,
        stage: Option<&Stage>,
        counted: Option<Count>,
    ) -> Result<Read> {
        let before = match counted {
            Some(counted) => counted,
            None => self.recount(None).await?,
        };
        self.meter.expect(before.records);
        let has_pages = !pieces.iter().any(|piece| matches!(piece, Piece::Bundled(_)));
        let work = pieces.into_iter().map(async |piece| match piece {
            Piece::Keep(chunk) => {
                self.meter.advance(chunk.file.rows);
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
                after = Some(to);
                rescued = seen.rescued;
                told = quarantined;
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
}
