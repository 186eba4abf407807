//! Goes on with what a load staged that was cut off.

use chrono::{DateTime, TimeDelta, Utc};
use connectwise_extract::contract;
use connectwise_extract::decode::Decoder;
use connectwise_extract::read::{self, Counting, Pages, Scope};
use connectwise_lakehouse::{Changes, DataFile, Head, SpillBuffer, Staged};
use connectwise_sdk::catalog::Load;
use connectwise_sdk::conditions::field;
use twox_hash::XxHash3_64;

use super::super::Target;
use super::super::range::{Piece, between, pieces};
use super::{Read, Stage};
use crate::error::{Error, Result};
use crate::tenant;

impl Target<'_> {
    /// What a load that begins now would depend on. `None` where changes have no time: what was staged couldn't be brought
    /// up to date.
    pub(super) fn stage(&self) -> Option<Head> {
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
    pub(super) async fn resumable(&self, notes: &mut Vec<String>) -> Result<Option<Staged>> {
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
    pub(super) async fn resume(&self, staged: &Staged) -> Result<(Read, String)> {
        let (Some(head), Load::Incremental { .. }) = (&staged.head, self.entity.load) else {
            return Err(Error::not_resumable(self.entity));
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

    /// Brings staged rows up to date: what changed since `watermark`, up to the last staged key.
    async fn catch_up(&self, watermark: DateTime<Utc>, last: i64, files: Vec<DataFile>) -> Result<Vec<DataFile>> {
        let Load::Incremental { watermark: path, .. } = self.entity.load else { return Ok(files) };
        let reading = self.request.dates.of(self.client, self.entity, path, self.measured.newest).await;
        let reading = reading.map_err(|error| read::source_error(self.entity, error))?;
        let Some(dates) = reading.dates() else {
            return Err(Error::no_dates(self.entity));
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
            return Err(Error::changed_and_unreadable(self.entity));
        }
        if rows.is_empty() {
            return Ok(files);
        }
        let changes = Changes::upserts(self.entity.key, rows);
        let patched = self.table.patch_files(&schema, files, changes).await?;
        // Counts agreed, and yet there is a row more: so there is one less somewhere.
        patched.ok_or_else(|| Error::unexpected_row(self.entity))
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
