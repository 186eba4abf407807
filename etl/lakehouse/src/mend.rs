//! Making a table readable again whose log or files can't be read, without deleting anything of it.
//!
//! What stands in the way goes into a folder of its own below the table, `_damaged-<time>/`, where readers of Delta tables don't
//! look: a checkpoint, the newest commits, broken data files, or the whole log. As long as that folder is there, `maintain`
//! leaves the data files that were there before it. `docs/decisions/0025-verify-and-rebuild.md` says why it isn't the table's
//! folder that moves.

use std::fmt::Write;
use std::sync::Arc;

use chrono::Utc;
use deltalake::kernel::Action;
use deltalake::protocol::{DeltaOperation, SaveMode};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};
use serde_json::json;

use super::damage::{BadFile, Checked, Log};
use super::{Commit, Lake, Table, TableName, retry_on_conflict};
use crate::error::{self, Result};
use connectwise_storage::objects::{ASIDE, HINT, LOG, commit_path, kept_until, listed};

/// Application whose number says that the rows of a table aren't to be trusted: 1 until all of them were loaded or built again.
const UNTRUSTED: &str = "connectwise-etl:untrusted";

/// Fact of a commit that says why the rows of its version aren't to be trusted.
pub(super) const DOUBT: &str = "etlDoubt";

const TIME: &str = "%Y%m%dT%H%M%SZ";

/// Faults of one table that are mended one after the other.
const ROUNDS: usize = 4;

/// What was done to a table that couldn't be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mended {
    /// What was wrong and what was done, for people.
    pub what: String,
    /// Rows in files that couldn't be read.
    pub rows: u64,
    /// Whether the newest commits, or all of them, had to go: versions are then counted from an earlier one again.
    pub went_back: bool,
    /// Whether the table has no log any more, and so no rows.
    pub is_gone: bool,
}

impl Mended {
    /// Adds what was in files that were taken out.
    fn gave_up(&mut self, files: &[BadFile]) {
        let rows = rows_in(files);
        let these = if files.len() == 1 { "this file" } else { "these files" };
        self.rows += rows;
        let _ = write!(self.what, "; {rows} rows were in {these}");
    }

    /// Whether every row is still there.
    pub fn is_whole(&self) -> bool {
        self.rows == 0 && !self.went_back && !self.is_gone
    }
}

impl Lake {
    /// Opens a table, and makes it readable before where it isn't. Where its log has another way to the newest version, nothing is
    /// lost; otherwise the newest commits go that can't be read, and files of the newest version that can't, and what is left of the
    /// table stays. Where nothing of the log can be read, the table is gone until it is written anew. Whatever went is kept.
    ///
    /// Where `refusal` says what else can be done about it, nothing is mended that a row is lost by; a table without a log is
    /// loaded as a whole by any run, and so is one that is marked ([`Lake::distrust`]) and has lost files.
    ///
    /// # Errors
    /// [`Kind::Lake`](crate::error::Kind::Lake) when the store refuses, or for the refusal.
    pub async fn mend(&self, name: &TableName, run_id: &str, refusal: Option<&str>) -> Result<(Table, Option<Mended>)> {
        let first = match self.checked_closely(name).await? {
            Checked::Sound(table) => return Ok((table, None)),
            Checked::Damaged(_) => match self.checked_closely(name).await? {
                // Nothing is set aside for what a second look doesn't find.
                Checked::Sound(table) => return Ok((table, None)),
                Checked::Damaged(first) => first,
            },
        };
        let is_loaded_anyway = first.log.is_none() && self.load(name).await?.is_untrusted().await?;
        let refused = refusal.filter(|_| !is_loaded_anyway).map(|advice| error::not_mended(name, &first, advice));
        let aside = format!("{ASIDE}{}", Utc::now().format(TIME));
        let mut mended = Mended { what: format!("{name} was damaged: {first}"), ..Mended::default() };
        let kept = match first.is_lost {
            true => "; they are kept as long as {place} is there",
            false => "; what stood in the way is kept in {place}",
        };
        let mut damage = first;
        for _ in 0..ROUNDS {
            if damage.is_lost {
                self.begin_anew(name, &aside, &mut mended).await?;
            } else if damage.log.is_some() && self.bypass(name, &aside, &mut mended).await? {
                // Nothing is lost.
            } else if let Some(refused) = refused {
                return Err(refused);
            } else if damage.log.is_some() {
                self.go_back(name, &aside, &mut mended).await?;
            } else {
                self.give_up_files(name, &damage.files, &aside, run_id).await?;
                mended.gave_up(&damage.files);
            }
            damage = match self.checked_closely(name).await? {
                Checked::Damaged(damage) => damage,
                Checked::Sound(table) => {
                    mended.what.push_str(&kept.replace("{place}", &self.place(name, &aside)?));
                    return Ok((table, Some(mended)));
                }
            };
        }
        Err(error::unmendable(name, damage, &self.url(name)?))
    }

    /// Leaves word with a table why its rows aren't to be trusted, as a clause that goes on its name, so that the next build or
    /// load does all of it. No table, no commit.
    ///
    /// # Errors
    /// [`Kind::Lake`](crate::error::Kind::Lake) when it can't be written.
    pub async fn distrust(&self, name: &TableName, why: &str, run_id: &str) -> Result<()> {
        retry_on_conflict(name, async || {
            let table = self.table(name).await?;
            if !table.exists() {
                return Ok(());
            }
            let commit = Commit::new(run_id).transaction(UNTRUSTED, 1).note(DOUBT, why);
            let operation = DeltaOperation::Write { mode: SaveMode::Append, partition_by: None, predicate: None };
            table.commit(Vec::new(), operation, json!({}), &commit).await.map(drop)
        })
        .await
    }

    /// Takes that back, once all of them were.
    ///
    /// # Errors
    /// [`Kind::Lake`](crate::error::Kind::Lake) when it can't be written.
    pub async fn trust(&self, name: &TableName, run_id: &str) -> Result<()> {
        retry_on_conflict(name, async || {
            let table = self.table(name).await?;
            if !table.is_untrusted().await? {
                return Ok(());
            }
            table.commit_transactions(&Commit::new(run_id).transaction(UNTRUSTED, 0)).await.map(drop)
        })
        .await
    }

    /// Whether something of a table was set aside because it couldn't be read.
    ///
    /// # Errors
    /// [`Kind::Lake`](crate::error::Kind::Lake) when the store can't be listed.
    pub async fn was_set_aside(&self, table: &TableName) -> Result<bool> {
        Ok(kept_until(&listed(table, &self.objects(table)?).await?).is_some())
    }

    /// Where something of a table is, for people.
    fn place(&self, table: &TableName, folder: &str) -> Result<String> {
        let url = self.url(table)?;
        Ok(match url.to_file_path() {
            Ok(path) => path.join(folder).display().to_string(),
            Err(()) => format!("{url}{folder}"),
        })
    }

    /// Gives the log another way to its newest version, where there is one: checkpoints only repeat what commits say, so that
    /// going without one loses nothing as long as its commits are there.
    async fn bypass(&self, table: &TableName, aside: &str, mended: &mut Mended) -> Result<bool> {
        let store = self.objects(table)?;
        let all = listed(table, &store).await?;
        let log = Log::of(&all);
        let newest = log.newest();
        let mut moved = move_aside(table, &store, &all, aside, |path| path == HINT).await?;
        for version in log.checkpoints().iter().rev() {
            if moved > 0 && self.reaches(table, newest).await {
                break;
            }
            let name = format!("{LOG}/{version:020}.checkpoint.");
            moved += move_aside(table, &store, &all, aside, |path| path.starts_with(&name)).await?;
        }
        if moved == 0 {
            return Ok(false);
        }
        if self.reaches(table, newest).await {
            mended.what.push_str("; the commits say all that it said, so nothing is lost");
            return Ok(true);
        }
        // Without commits before them they are all that is known of older versions.
        move_back(table, &store, aside).await?;
        Ok(false)
    }

    /// Lets the newest commits go, down to one that can be read, or the whole log.
    async fn go_back(&self, table: &TableName, aside: &str, mended: &mut Mended) -> Result<()> {
        let store = self.objects(table)?;
        let all = listed(table, &store).await?;
        let mut next = Log::of(&all).newest_commit();
        let mut gone = 0;
        while let Some(version) = next {
            let name = commit_path(version);
            gone += move_aside(table, &store, &all, aside, |path| path == name.as_ref()).await?;
            next = version.checked_sub(1);
            if let Some(now) = self.load(table).await.ok().and_then(|table| table.version()) {
                mended.went_back = true;
                let _ = write!(mended.what, "; it is at version {now} again, without the {gone} newest commits");
                return Ok(());
            }
        }
        move_aside(table, &store, &all, aside, |path| path.starts_with(LOG)).await?;
        mended.is_gone = true;
        mended.what.push_str("; no version of it can be read, so it begins anew");
        Ok(())
    }

    /// Begins a table anew that has lost its log. Its data files stay where they are: what says so in the folder of what was set
    /// aside keeps them from upkeep, and from being taken for those of a lost log once more.
    async fn begin_anew(&self, table: &TableName, aside: &str, mended: &mut Mended) -> Result<()> {
        let text = format!("{}. They stay where they are as long as this folder is there.\n", mended.what);
        let told = self.objects(table)?.put(&Path::from_iter([aside, "lost-log.txt"]), text.into()).await;
        told.map_err(|error| error::unnoted(table).with_source(error))?;
        mended.is_gone = true;
        mended.what.push_str("; no version of it can be read, so it begins anew");
        Ok(())
    }

    /// Whether the table can be opened at a version.
    async fn reaches(&self, table: &TableName, version: Option<u64>) -> bool {
        self.load(table).await.is_ok_and(|table| table.exists() && table.version() >= version)
    }

    /// Takes files out of a table that can't be read, in one commit.
    async fn give_up_files(&self, name: &TableName, files: &[BadFile], aside: &str, run_id: &str) -> Result<()> {
        let table = self.load(name).await?;
        let rows = rows_in(files);
        // Until all of it was built or loaded again, rows are missing.
        let why = format!("has lost {rows} rows in files that can't be read");
        let commit = Commit::new(run_id).transaction(UNTRUSTED, 1).note(DOUBT, why);
        let actions = files.iter().map(|file| Action::Remove(file.remove.clone())).collect();
        let operation = DeltaOperation::Delete { predicate: None };
        let metrics = json!({ "numRemovedFiles": files.len(), "numDeletedRows": rows });
        table.commit(actions, operation, metrics, &commit).await?;
        let store = table.store();
        for place in files.iter().filter_map(|file| file.place.as_ref()) {
            transfer(name, &store, place, &below(aside, place)).await?;
        }
        Ok(())
    }
}

impl Table {
    /// Whether all rows have to be loaded or built again: the table lost some, or somebody said so ([`Lake::distrust`]).
    ///
    /// # Errors
    /// [`Kind::Lake`](crate::error::Kind::Lake) when its log can't be read.
    pub async fn is_untrusted(&self) -> Result<bool> {
        let asked = self.memo.untrusted.get_or_try_init(async || Ok(self.transaction(UNTRUSTED).await? == Some(1)));
        asked.await.copied()
    }
}

fn rows_in(files: &[BadFile]) -> u64 {
    files.iter().map(|file| file.rows).sum()
}

fn below(aside: &str, place: &Path) -> Path {
    Path::from_iter(std::iter::once(object_store::path::PathPart::from(aside)).chain(place.parts()))
}

/// Moves objects of a log into a folder, lowest names first: a log whose first commits are missing can't be read, and one whose
/// last ones are would be taken for an older version. Gives how many there were.
async fn move_aside(
    table: &TableName,
    store: &Arc<dyn ObjectStore>,
    objects: &[ObjectMeta],
    aside: &str,
    chosen: impl Fn(&str) -> bool,
) -> Result<usize> {
    let mut places: Vec<&Path> =
        objects.iter().map(|object| &object.location).filter(|place| chosen(place.as_ref())).collect();
    places.sort_unstable();
    let mut moved = 0;
    for place in places {
        moved += usize::from(transfer(table, store, place, &below(aside, place)).await?);
    }
    Ok(moved)
}

async fn move_back(table: &TableName, store: &Arc<dyn ObjectStore>, aside: &str) -> Result<()> {
    for object in listed(table, store).await? {
        let mut parts = object.location.parts();
        if parts.next().is_some_and(|folder| folder.as_ref() == aside) {
            transfer(table, store, &object.location, &Path::from_iter(parts)).await?;
        }
    }
    Ok(())
}

/// Moves an object; false when it is gone. Not all stores can rename, or copy by themselves, so it is read and written.
async fn transfer(table: &TableName, store: &Arc<dyn ObjectStore>, from: &Path, to: &Path) -> Result<bool> {
    let fault = |error: object_store::Error| error::unmoved(table, from, to).with_source(error);
    let bytes = match store.get(from).await {
        Ok(found) => found.bytes().await.map_err(fault)?,
        Err(object_store::Error::NotFound { .. }) => return Ok(false),
        Err(error) => return Err(fault(error)),
    };
    store.put(to, bytes.into()).await.map_err(fault)?;
    match store.delete(from).await {
        Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(true),
        Err(error) => Err(fault(error)),
    }
}
