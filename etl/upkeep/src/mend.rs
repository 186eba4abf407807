//! Making a table readable again whose log or files can't be read, without deleting anything of it.
//!
//! What stands in the way goes into a folder of its own below the table, `_damaged-<time>/`, where readers of Delta tables don't
//! look: a checkpoint, the newest commits, broken data files, or the whole log. As long as that folder is there, `maintain`
//! leaves the data files that were there before it. `docs/decisions/0025-verify-and-rebuild.md` says why it isn't the table's
//! folder that moves.

use std::fmt::Write;
use std::sync::Arc;

use chrono::Utc;
use connectwise_lakehouse::{Commit, Lake, Table};
use connectwise_storage::TableName;
use connectwise_storage::objects::{ASIDE, HINT, LOG, commit_path, delete, kept_until, listed};
use deltalake::kernel::Action;
use deltalake::protocol::DeltaOperation;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};
use serde_json::json;

use crate::damage::{BadFile, Checked, Log, checked_closely};
use crate::error::{self, Result};

const TIME: &str = "%Y%m%dT%H%M%SZ";

/// Faults of one table that are mended one after the other.
const ROUNDS: usize = 4;

/// What was done to a table that couldn't be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mended {
    /// What was wrong and what was done, for people.
    pub what: String,
    /// Rows in files that couldn't be read, `None` where nobody knows how many.
    pub rows: Option<u64>,
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
        self.rows = self.rows.zip(rows).map(|(before, now)| before + now);
        let _ = match rows {
            Some(rows) => write!(self.what, "; {rows} rows were in {these}"),
            None => write!(self.what, "; its log doesn't say how many rows were in {these}"),
        };
    }

    /// Whether every row is still there.
    pub fn is_whole(&self) -> bool {
        self.rows == Some(0) && !self.went_back && !self.is_gone
    }
}

/// Opens a table, and makes it readable before where it isn't. Where its log has another way to the newest version, nothing is
/// lost; otherwise the newest commits go that can't be read, and files of the newest version that can't, and what is left of the
/// table stays. Where nothing of the log can be read, the table is gone until it is written anew. Whatever went is kept.
///
/// Where `refusal` says what else can be done about it, nothing is mended that a row is lost by; a table without a log is
/// loaded as a whole by any run, and so is one that is marked ([`Lake::distrust`](connectwise_lakehouse::Lake::distrust)) and has lost files.
///
/// # Errors
/// [`Kind::Lake`](connectwise_lakehouse::error::Kind::Lake) when the store refuses, or for the refusal.
pub async fn mend(
    lake: &Lake,
    name: &TableName,
    run_id: &str,
    refusal: Option<&str>,
) -> Result<(Table, Option<Mended>)> {
    let first = match checked_closely(lake, name).await? {
        Checked::Sound(table) => return Ok((table, None)),
        Checked::Damaged(_) => match checked_closely(lake, name).await? {
            // Nothing is set aside for what a second look doesn't find.
            Checked::Sound(table) => return Ok((table, None)),
            Checked::Damaged(first) => first,
        },
    };
    let is_loaded_anyway = first.log.is_none() && lake.load(name).await?.is_untrusted().await?;
    let refused = refusal.filter(|_| !is_loaded_anyway).map(|advice| error::not_mended(name, &first, advice));
    let aside = format!("{ASIDE}{}", Utc::now().format(TIME));
    let what = format!("{name} was damaged: {first}");
    let mut mended = Mended { what, rows: Some(0), went_back: false, is_gone: false };
    let kept = match first.is_lost {
        true => "; they are kept as long as {place} is there",
        false => "; what stood in the way is kept in {place}",
    };
    let mut damage = first;
    for _ in 0..ROUNDS {
        if damage.is_lost {
            begin_anew(lake, name, &aside, &mut mended).await?;
        } else if damage.log.is_some() && bypass(lake, name, &aside, &mut mended).await? {
            // Nothing is lost.
        } else if let Some(refused) = refused {
            return Err(refused);
        } else if damage.log.is_some() {
            go_back(lake, name, &aside, &mut mended).await?;
        } else {
            give_up_files(lake, name, &damage.files, &aside, run_id).await?;
            mended.gave_up(&damage.files);
        }
        damage = match checked_closely(lake, name).await? {
            Checked::Damaged(damage) => damage,
            Checked::Sound(table) => {
                mended.what.push_str(&kept.replace("{place}", &place(lake, name, &aside)?));
                return Ok((table, Some(mended)));
            }
        };
    }
    Err(error::unmendable(name, damage, &lake.url(name)?))
}

/// Whether something of a table was set aside because it couldn't be read.
///
/// # Errors
/// [`Kind::Lake`](connectwise_lakehouse::error::Kind::Lake) when the store can't be listed.
pub async fn was_set_aside(lake: &Lake, table: &TableName) -> Result<bool> {
    Ok(kept_until(&listed(table, &lake.objects(table)?).await?).is_some())
}

/// Where something of a table is, for people.
fn place(lake: &Lake, table: &TableName, folder: &str) -> Result<String> {
    let url = lake.url(table)?;
    Ok(match url.to_file_path() {
        Ok(path) => path.join(folder).display().to_string(),
        Err(()) => format!("{url}{folder}"),
    })
}

/// Gives the log another way to its newest version, where there is one: checkpoints only repeat what commits say, so that
/// going without one loses nothing as long as its commits are there.
async fn bypass(lake: &Lake, table: &TableName, aside: &str, mended: &mut Mended) -> Result<bool> {
    let store = lake.objects(table)?;
    let all = listed(table, &store).await?;
    let log = Log::of(&all);
    let newest = log.newest();
    let mut moved = move_aside(table, &store, &all, aside, |path| path == HINT).await?;
    for version in log.checkpoints().iter().rev() {
        if moved > 0 && reaches(lake, table, newest).await {
            break;
        }
        let name = format!("{LOG}/{version:020}.checkpoint.");
        moved += move_aside(table, &store, &all, aside, |path| path.starts_with(&name)).await?;
    }
    if moved == 0 {
        return Ok(false);
    }
    if reaches(lake, table, newest).await {
        mended.what.push_str("; the commits say all that it said, so nothing is lost");
        return Ok(true);
    }
    // Without commits before them they are all that is known of older versions.
    move_back(table, &store, aside).await?;
    Ok(false)
}

/// Lets the newest commits go, down to one that can be read, or the whole log.
async fn go_back(lake: &Lake, table: &TableName, aside: &str, mended: &mut Mended) -> Result<()> {
    let store = lake.objects(table)?;
    let all = listed(table, &store).await?;
    let mut next = Log::of(&all).newest_commit();
    let mut gone = 0;
    while let Some(version) = next {
        let name = commit_path(version);
        gone += move_aside(table, &store, &all, aside, |path| path == name.as_ref()).await?;
        next = version.checked_sub(1);
        if let Some(now) = lake.load(table).await.ok().and_then(|table| table.version()) {
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
async fn begin_anew(lake: &Lake, table: &TableName, aside: &str, mended: &mut Mended) -> Result<()> {
    let text = format!("{}. They stay where they are as long as this folder is there.\n", mended.what);
    let told = lake.objects(table)?.put(&Path::from_iter([aside, "lost-log.txt"]), text.into()).await;
    told.map_err(|error| error::unnoted(table).with_source(error))?;
    mended.is_gone = true;
    mended.what.push_str("; no version of it can be read, so it begins anew");
    Ok(())
}

/// Whether the table can be opened at a version.
async fn reaches(lake: &Lake, table: &TableName, version: Option<u64>) -> bool {
    lake.load(table).await.is_ok_and(|table| table.exists() && table.version() >= version)
}

/// Takes files out of a table that can't be read, in one commit.
async fn give_up_files(lake: &Lake, name: &TableName, files: &[BadFile], aside: &str, run_id: &str) -> Result<()> {
    let table = lake.load(name).await?;
    let rows = rows_in(files);
    // Until all of it was built or loaded again, rows are missing.
    let why = match rows {
        Some(rows) => format!("has lost {rows} rows in files that can't be read"),
        None => "has lost rows in files that can't be read".to_owned(),
    };
    let commit = Commit::new(run_id).distrusting(&why);
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

/// Rows in files, where the log says of each how many.
fn rows_in(files: &[BadFile]) -> Option<u64> {
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
    delete(store, from).await.map_err(fault)?;
    Ok(true)
}
