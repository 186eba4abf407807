//! Whether a table is as this program left it, and if it isn't, why it has to be rebuilt.
//!
//! Watermarks and input versions are application transactions, which survive what others do to the rows: a RESTORE puts old
//! rows back and leaves the watermark. So the log is asked who changed rows last. Each commit of this program names its run
//! and the version that it was made upon ([`Basis`]); whatever is not from it and changes rows makes the table doubtful.
//! `docs/decisions/0024-tables-changed-by-others.md` says why this is enough.

use std::fmt;

use arrow::datatypes::Schema;
use chrono::{DateTime, Utc};
use connectwise_lakehouse::{Basis, Table, TableState, columns};
use object_store::ObjectStoreExt;
use object_store::path::Path;
use serde::Deserialize;
use serde_json::{Map, Value};
use twox_hash::XxHash3_64;

use crate::error::Result;

/// Commits that are looked at: a table that others change more often than that has to be read again anyway.
const AT_MOST: u64 = 1_000;

/// A number that is another one when the table or the commit is.
fn identity(state: &TableState, commit: &[u8]) -> i64 {
    XxHash3_64::oneshot(commit).cast_signed() ^ state.identity
}

/// Why what a table holds isn't gone on from, so that it has to be rebuilt. Every reason is a clause that goes on the table's
/// name: "bronze/bronze_cw_company was changed by another writer (...)".
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Doubt {
    /// Somebody else changed its rows, or put an older version of them back.
    Foreign(Foreign),
    /// No commit of this program is found that changed its rows.
    Unknown,
    /// Its columns, partitions or properties aren't those that it is written with.
    Layout(String),
}

/// A commit of somebody else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Foreign {
    /// What it was, as the log names it.
    pub operation: String,
    /// The version that it made.
    pub version: u64,
    /// When.
    pub time: Option<DateTime<Utc>>,
    /// User and engine, where the log names them.
    pub by: Vec<String>,
    /// Commits of others before it and behind the last one of this program.
    pub others: u64,
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Foreign(foreign) => write!(f, "was changed by another writer ({foreign})"),
            Self::Unknown => {
                f.write_str("has a log that doesn't reach back to the last commit of this program that changed rows")
            }
            Self::Layout(what) => f.write_str(what),
        }
    }
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, version {}", self.operation, self.version)?;
        if let Some(time) = self.time {
            write!(f, ", {}", time.format("%Y-%m-%d %H:%M UTC"))?;
        }
        for by in &self.by {
            write!(f, ", {by}")?;
        }
        match self.others {
            0 => Ok(()),
            1 => f.write_str(", and one commit before it"),
            others => write!(f, ", and {others} commits before it"),
        }
    }
}

/// What a table is at, and whether it is to be believed.
#[derive(Debug, Clone)]
pub struct Examined {
    /// Version and columns.
    pub state: TableState,
    /// Why it has to be rebuilt, `None` where it is as this program left it.
    pub doubt: Option<Doubt>,
    /// The newest version whose rows are as this program left them, which may be cleared away.
    pub trusted: Option<u64>,
    /// A number of the commit that made the version, for [`has_commit`].
    pub commit: i64,
}

impl Examined {
    /// Why the table has to be rebuilt, other columns than those that it is to have included.
    pub fn doubt_as(&self, declared: &Schema) -> Option<Doubt> {
        self.doubt.clone().or_else(|| columns(&self.state.schema, declared).map(Doubt::Layout))
    }
}

/// What a line of a commit says of rows. The rest of it isn't looked at.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    commit_info: Option<Map<String, Value>>,
    add: Option<Change>,
    remove: Option<Change>,
    cdc: Option<serde::de::IgnoredAny>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Change {
    #[serde(default = "yes")]
    data_change: bool,
}

fn yes() -> bool {
    true
}

/// A commit as far as it matters here.
#[derive(Debug, Default)]
struct LogCommit {
    info: Map<String, Value>,
    changes_rows: bool,
}

impl LogCommit {
    fn parse(text: &[u8]) -> Self {
        let mut commit = Self::default();
        for line in text.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()) {
            // What can't be read may be anything.
            let Ok(line) = serde_json::from_slice::<Line>(line) else {
                commit.changes_rows = true;
                continue;
            };
            let changes = |change: Option<Change>| change.is_some_and(|change| change.data_change);
            commit.changes_rows |= changes(line.add) | changes(line.remove) | line.cdc.is_some();
            commit.info.extend(line.commit_info.into_iter().flatten());
        }
        commit
    }

    fn is_own(&self) -> bool {
        self.info.get("etlRunId").is_some_and(Value::is_string)
    }

    /// Whether it wrote rows, if none of them: an empty list is a table too.
    fn is_write(&self) -> bool {
        self.info.get("operation").and_then(Value::as_str) == Some("WRITE")
    }

    fn foreign(&self, version: u64) -> Foreign {
        let text = |name: &str| self.info.get(name).and_then(Value::as_str).map(plain).filter(|text| !text.is_empty());
        let user = text("userName").or_else(|| text("userId"));
        let engine = text("engineInfo").or_else(|| text("clientVersion"));
        let time = self.info.get("timestamp").and_then(Value::as_i64).and_then(DateTime::from_timestamp_millis);
        Foreign {
            operation: text("operation").unwrap_or_else(|| "a commit without a name".to_owned()),
            version,
            time,
            by: user.map(|user| format!("by {user}")).into_iter().chain(engine).collect(),
            others: 0,
        }
    }
}

/// What somebody else wrote into a log, as a sentence can hold it.
fn plain(text: &str) -> String {
    let short: String = text.chars().filter(|letter| !letter.is_control()).take(80).collect();
    short.trim().to_owned()
}

/// What the log says of a table.
#[derive(Debug, Default, PartialEq, Eq)]
struct Told {
    foreign: Option<Foreign>,
    trusted: Option<u64>,
}

/// Walks back from the newest commit, one after the other, as far as is needed.
#[derive(Debug, Default)]
struct Walk {
    told: Told,
    /// The version down to which commits have to be looked at, once one of this program's is found.
    floor: Option<u64>,
}

impl Walk {
    /// Takes the next older commit. True when nothing older matters.
    fn take(&mut self, version: u64, commit: &LogCommit) -> bool {
        if commit.is_own() {
            let basis = Basis::read(&commit.info);
            let vouches = match basis {
                Some(Basis::Doubtful) => None,
                Some(Basis::Nothing) => Some(version),
                Some(Basis::Version(upon)) => Some(upon),
                // Versions of this program before it noted what it builds upon.
                None => (commit.changes_rows || commit.is_write()).then(|| version.saturating_sub(1)),
            };
            if let Some(floor) = vouches {
                self.told.trusted.get_or_insert(version);
                self.floor = Some(self.floor.map_or(floor, |known| known.min(floor)));
                return basis == Some(Basis::Nothing) || self.is_through(version);
            }
        } else if commit.changes_rows {
            match &mut self.told.foreign {
                Some(foreign) => foreign.others += 1,
                None => self.told.foreign = Some(commit.foreign(version)),
            }
            // It is below a commit of ours that didn't know of it.
            (self.told.trusted, self.floor) = (None, None);
        }
        self.is_through(version)
    }

    fn is_through(&self, version: u64) -> bool {
        version == 0 || self.floor.is_some_and(|floor| version <= floor.saturating_add(1))
    }
}

/// Whether the rows of the snapshot are those that this program left. The newest commit is read, and older ones as long as
/// they change no rows.
///
/// # Errors
/// [`Kind::Lake`](connectwise_lakehouse::error::Kind::Lake) when the store can't be read.
pub async fn examine(table: &Table) -> Result<Option<Examined>> {
    let Some(state) = table.state() else { return Ok(None) };
    let commit = table.entry(state.version).await?.map_or(state.identity, |entry| identity(&state, &entry));
    let Told { foreign, trusted } = told(table, state.version).await?;
    let doubt = match (foreign, trusted) {
        (Some(foreign), _) => Some(Doubt::Foreign(foreign)),
        (None, None) => Some(Doubt::Unknown),
        (None, Some(_)) => table.demands().map(Doubt::Layout),
    };
    Ok(Some(Examined { state, doubt, trusted, commit }))
}

/// Whether the version of this table is still the one that was examined when `noted` was its [`Examined::commit`]. A folder that
/// was put back from a backup and written again has the same version numbers, and other commits. Where the log is cleared away,
/// as it is behind checkpoints, it tells nothing else.
///
/// # Errors
/// [`Kind::Lake`](connectwise_lakehouse::error::Kind::Lake) when the store can't be read.
pub async fn has_commit(table: &Table, version: u64, noted: i64) -> Result<bool> {
    let Some(state) = table.state().filter(|state| version <= state.version) else { return Ok(false) };
    // Versions of this program before it told commits apart noted the table.
    if noted == state.identity {
        return Ok(true);
    }
    let entry = table.entry(version).await?;
    Ok(entry.map_or(version < state.version, |entry| identity(&state, &entry) == noted))
}

async fn told(table: &Table, newest: u64) -> Result<Told> {
    let mut walk = Walk::default();
    for version in (newest.saturating_sub(AT_MOST)..=newest).rev() {
        let Some(entry) = table.entry(version).await? else { break };
        if walk.take(version, &LogCommit::parse(&entry)) {
            break;
        }
    }
    Ok(walk.told)
}

/// What a doubtful table is rebuilt from beside its input: the newest version that is believed, where all of its files are
/// still there, else what it is now. `None` where nothing in it is of this program.
///
/// # Errors
/// [`Kind::Lake`](connectwise_lakehouse::error::Kind::Lake) when the store can't be read.
pub async fn believed(table: &Table, examined: &Examined) -> Result<Option<Table>> {
    match (&examined.doubt, examined.trusted) {
        (None, _) => Ok(Some(table.clone())),
        (Some(_), None) => Ok(None),
        (Some(_), Some(trusted)) => Ok(Some(whole_at(table, trusted).await?.unwrap_or_else(|| table.clone()))),
    }
}

/// The table at an older version, where the log still has it and all files of it are still there.
///
/// # Errors
/// [`Kind::Lake`](connectwise_lakehouse::error::Kind::Lake) when the store doesn't say whether a file is there.
pub async fn whole_at(table: &Table, version: u64) -> Result<Option<Table>> {
    // What the log no longer has can't be opened.
    let Ok(older) = table.at(version).await else { return Ok(None) };
    let store = older.store();
    for active in older.active_files("") {
        match store.head(&Path::from(active.file.entry.path.as_str())).await {
            Ok(_) => {}
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(older.unreadable().with_source(error)),
        }
    }
    Ok(Some(older))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn own(upon: &Value) -> String {
        let add = json!({ "add": { "path": "x", "dataChange": true } });
        let mut info = json!({ "operation": "MERGE", "etlRunId": "run" });
        if !upon.is_null() {
            info["etlUpon"] = upon.clone();
        }
        format!("{}\n{add}\n", json!({ "commitInfo": info }))
    }

    fn other(operation: &str, changes: bool) -> String {
        let info = json!({ "commitInfo": { "operation": operation, "timestamp": 1_700_000_000_000_i64,
            "userName": "ann\u{1b}[31m", "engineInfo": "Apache-Spark/3.5.1" } });
        format!("{info}\n{}\n", json!({ "remove": { "path": "x", "dataChange": changes } }))
    }

    /// What a log of these commits says, oldest first.
    fn told(commits: &[String]) -> Told {
        let mut walk = Walk::default();
        for (version, commit) in commits.iter().enumerate().rev() {
            if walk.take(version as u64, &LogCommit::parse(commit.as_bytes())) {
                break;
            }
        }
        walk.told
    }

    fn versions(commits: &[String]) -> (Option<u64>, Option<u64>) {
        let told = told(commits);
        (told.foreign.map(|foreign| foreign.version), told.trusted)
    }

    #[test]
    fn a_table_is_doubtful_from_the_first_rows_of_somebody_else() {
        let first = own(&json!("nothing"));
        let then = own(&json!(0));
        /// The version of the first foreign commit, and the newest one that is trusted.
        type Versions = (Option<u64>, Option<u64>);
        let cases: [(&[String], Versions); 12] = [
            (&[first.clone(), then.clone()], (None, Some(1))),
            (&[first.clone(), other("RESTORE", true)], (Some(1), Some(0))),
            (&[first.clone(), other("OPTIMIZE", false), other("VACUUM END", false)], (None, Some(0))),
            (&[first.clone(), other("DELETE", true), other("OPTIMIZE", false)], (Some(1), Some(0))),
            // A commit that was made upon version 0 didn't know of version 1.
            (&[first.clone(), other("UPDATE", true), own(&json!(0))], (Some(1), Some(0))),
            (&[first.clone(), other("UPDATE", true), own(&json!(1))], (None, Some(2))),
            (&[first.clone(), other("UPDATE", true), own(&json!("doubtful"))], (Some(1), Some(0))),
            (&[first.clone(), other("UPDATE", true), own(&json!("nothing"))], (None, Some(2))),
            // Commits of older versions of this program.
            (&[own(&Value::Null), own(&Value::Null)], (None, Some(1))),
            (&[own(&Value::Null), other("MERGE", true)], (Some(1), Some(0))),
            (&[other("WRITE", true)], (Some(0), None)),
            (&[other("CREATE TABLE", false)], (None, None)),
        ];
        for (commits, expected) in cases {
            assert_eq!(versions(commits), expected, "{commits:#?}");
        }
        // Two of ours at once, the later of which didn't know of the earlier.
        assert_eq!(versions(&[first.clone(), own(&json!(0)), own(&json!(0))]), (None, Some(2)));
        assert_eq!(versions(&[first, other("MERGE", true), own(&json!(0)), own(&json!(2))]), (None, Some(3)));
    }

    #[test]
    fn a_foreign_commit_is_told_with_all_that_the_log_says() {
        let told = told(&[own(&Value::Null), other("DELETE", true), other("RESTORE", true)]);
        let doubt = Doubt::Foreign(told.foreign.unwrap());
        assert_eq!(
            doubt.to_string(),
            "was changed by another writer (RESTORE, version 2, 2023-11-14 22:13 UTC, by ann[31m, Apache-Spark/3.5.1, and \
             one commit before it)"
        );
        let nameless = LogCommit::parse(b"{\"add\":{\"path\":\"x\"}}").foreign(3);
        assert_eq!(nameless.to_string(), "a commit without a name, version 3");
        assert!(LogCommit::parse(b"{\"add\":{\"path\":\"x\"}}").changes_rows, "dataChange is true unless said");
        assert!(LogCommit::parse(b"{\"ad").changes_rows);
    }
}
