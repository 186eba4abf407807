//! Whether the lakehouse holds what it has to: every file of every table is read, and each layer held against the one below.
//!
//! Nothing is changed by it, unless it is asked to leave word with the tables that something was found of: the next run then
//! loads or builds all of them.

mod finding;

use std::collections::BTreeSet;
use std::time::Instant;

use chrono::Utc;
use connectwise_extract::catalog;
use connectwise_extract::extra::ExtraColumns;
use connectwise_extract::privacy::Privacy;
use connectwise_extract::progress::Progress;
use connectwise_lakehouse::{Lake, Layer, TableName};
use connectwise_sdk::catalog::Entity;
use connectwise_upkeep::{self as upkeep, Found};
use serde::Serialize;

use crate::damage;
use crate::error::Result;
use crate::gold::{self, GoldConfig};
use crate::maintain::key;
use crate::silver::history;
use crate::silver::verify::{Compared, compare};
use crate::tables::known_tables;
pub use finding::Finding;

/// What is verified, and how.
#[derive(Debug, Clone)]
pub struct VerificationRequest<'a> {
    /// Name of the run, for commits that leave word.
    pub run_id: String,
    /// Layers whose tables are looked at.
    pub layers: Vec<Layer>,
    /// What becomes of secrets and personal data, which decides what silver holds.
    pub privacy: &'a Privacy,
    /// Columns of silver for properties that the interface document lacks.
    pub extra: &'a ExtraColumns,
    /// How gold is computed.
    pub gold: &'a GoldConfig,
    /// Whether tables that something was found of are marked, so that the next run loads or builds all of them.
    pub repair: bool,
}

/// What was found.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VerificationReport {
    /// Name of the run.
    pub run_id: String,
    /// Each table that is there.
    pub tables: Vec<Verified>,
    /// What is wrong. Nothing, when the lakehouse is what it has to be.
    pub findings: Vec<Finding>,
    /// What couldn't be compared, and why.
    pub notes: Vec<String>,
    /// Tables that the next run loads or builds as a whole for what was found.
    pub marked: Vec<String>,
    /// Seconds that it took.
    pub seconds: f64,
}

/// A table that was read.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verified {
    /// Layer and name.
    pub table: String,
    /// Its files.
    pub files: u64,
    /// Its rows.
    pub rows: u64,
}

/// Verifies tables, one after the other. One that can't be read doesn't stop the others.
///
/// # Errors
/// [`Kind::Lake`](crate::error::Kind::Lake) when the store refuses, or a table can't be marked.
pub async fn run(
    lake: &Lake,
    request: &VerificationRequest<'_>,
    progress: &dyn Progress,
) -> Result<VerificationReport> {
    let clock = Instant::now();
    let mut report = VerificationReport {
        run_id: request.run_id.clone(),
        tables: Vec::new(),
        findings: Vec::new(),
        notes: Vec::new(),
        marked: Vec::new(),
        seconds: 0.0,
    };
    let mut broken: BTreeSet<TableName> = BTreeSet::new();
    let mut unproved = Found::default();
    let known = known_tables()?.into_iter().chain(request.gold.models.tables()).chain(gold::remembered());
    let known: Vec<TableName> = known.filter(|table| request.layers.contains(&table.layer)).collect();
    let compared = catalog::entities().iter().filter(|_| request.layers.contains(&Layer::Silver));
    let has_gold = request.layers.contains(&Layer::Gold);
    progress.planned(known.len() + compared.clone().count() + usize::from(has_gold));
    for table in known {
        let is_whole = files(lake, &table, &mut report, &mut unproved).await?;
        progress.done(&table.to_string());
        if !is_whole {
            broken.insert(table);
        }
    }
    if unproved.count > 0 {
        let more = match unproved.count - unproved.examples.len() as u64 {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        report.notes.push(format!(
            "{}{more} have files without a checksum in their name, as others or an older version of this program wrote them: whether \
             values in these were changed can't be told until a full load writes them anew",
            unproved.examples.join(", ")
        ));
    }
    for entity in compared {
        let tables = [TableName::bronze(entity.table), TableName::silver(entity.table)];
        if tables.iter().all(|table| !broken.contains(table)) {
            layers(lake, entity, request, &mut report).await;
        }
        if entity.history && !broken.contains(&tables[1]) && !broken.contains(&history::table(entity)) {
            versions(lake, entity, &mut report).await;
        }
        progress.done(&tables[1].to_string());
    }
    if has_gold {
        models(lake, request.gold, &mut report).await;
        progress.done(Layer::Gold.name());
    }
    if request.repair {
        mark(lake, &mut report).await?;
    }
    report.seconds = clock.elapsed().as_secs_f64();
    Ok(report)
}

/// Reads the files of a table. False when not all can be.
async fn files(
    lake: &Lake,
    table: &TableName,
    report: &mut VerificationReport,
    unproved: &mut Found<String>,
) -> Result<bool> {
    if let Some(damage) = upkeep::damage(lake, table).await? {
        report.findings.push(Finding::new(table, "unreadable", damage.files().max(1), damage.to_string()));
        return Ok(false);
    }
    let opened = lake.table(table).await?;
    if !opened.exists() {
        return Ok(true);
    }
    let seen = upkeep::inspect(&opened, key(table)).await?;
    report.tables.push(Verified { table: table.to_string(), files: seen.files, rows: seen.rows });
    let mut add = |finding: &'static str, count: u64, what: String| {
        if count > 0 {
            report.findings.push(Finding::new(table, finding, count, what));
        }
    };
    let texts =
        |what: &str, found: &connectwise_upkeep::Found<String>| format!("{what}: {}", found.examples.join("; "));
    add("unreadable", seen.unreadable.count, texts("files can't be read", &seen.unreadable));
    add("miscounted", seen.miscounted.count, texts("files hold other rows than the log says", &seen.miscounted));
    add("statistics", seen.outside.count, texts("files hold keys that the log rules out", &seen.outside));
    let what = "files don't have the bytes that were written, so that somebody may have changed values";
    add("altered", seen.altered.count, texts(what, &seen.altered));
    add("checkpoint", seen.disputed.count, texts("checkpoint and commits disagree on files", &seen.disputed));
    let sound = seen.unreadable.count == 0;
    if table.layer == Layer::Bronze && key(table).is_some() && seen.unproved > 0 {
        unproved.add(table.to_string());
    }
    if seen.twice.count > 0 {
        report.findings.push(Finding::of_keys(table, "duplicate", &seen.twice, "keys are there more than once"));
    }
    Ok(sound)
}

/// Holds silver against bronze.
async fn layers(lake: &Lake, entity: &Entity, request: &VerificationRequest<'_>, report: &mut VerificationReport) {
    let table = TableName::silver(entity.table);
    match compare(lake, entity, request.privacy, request.extra).await {
        Ok(Compared::Not(why)) => {
            // Nothing of both is no news.
            if lake.table(&table).await.is_ok_and(|table| table.exists()) {
                report.notes.push(format!("{table} wasn't compared with bronze: {why}"));
            }
        }
        Ok(Compared::OtherColumns) => report.findings.push(Finding::new(
            &table,
            "columns",
            1,
            "its columns aren't those of its contract under the privacy policy".to_owned(),
        )),
        Ok(Compared::Differences(found)) => {
            for (finding, found, what) in [
                ("missing", &found.missing, "rows of bronze are missing, or marked as deleted"),
                ("extra", &found.extra, "rows that aren't deleted have none in bronze"),
                ("values", &found.other, "rows have other values than bronze gives"),
            ] {
                if found.count > 0 {
                    report.findings.push(Finding::of_keys(&table, finding, found, what));
                }
            }
        }
        Err(error) => report.findings.push(Finding::new(&table, "uncomparable", 1, error.report())),
    }
}

/// Holds the history of an entity against its silver table.
async fn versions(lake: &Lake, entity: &Entity, report: &mut VerificationReport) {
    let table = history::table(entity);
    match history::differing(lake, entity).await {
        Ok((missing, twice)) => {
            if missing.count > 0 {
                let what = "rows of silver have no current version with their content";
                report.findings.push(Finding::of_keys(&table, "missing", &missing, what));
            }
            if twice.count > 0 {
                let what = "records have more than one current version";
                report.findings.push(Finding::of_keys(&table, "duplicate", &twice, what));
            }
        }
        Err(error) => report.findings.push(Finding::new(&table, "uncomparable", 1, error.report())),
    }
}

/// Computes gold and holds it against what is stored.
async fn models(lake: &Lake, config: &GoldConfig, report: &mut VerificationReport) {
    let compared = match gold::compare(lake, Utc::now(), config).await {
        Ok(compared) => compared,
        Err(error) => {
            report.notes.push(format!("gold wasn't compared with silver: {}", error.report()));
            return;
        }
    };
    let done: BTreeSet<String> = compared.tables.iter().map(|one| one.table.to_string()).collect();
    for table in report.tables.iter().filter(|table| table.table.starts_with("gold/")) {
        if !done.contains(&table.table) && table.table != gold::keys_table().to_string() {
            let why = "silver, its model, the configuration or the day has changed since it was built";
            report.notes.push(format!("{} wasn't compared with silver: {why}", table.table));
        }
    }
    for one in &compared.tables {
        for what in &one.warnings {
            report.findings.push(Finding::new(&one.table, "values", 1, what.clone()));
        }
        if let Some(error) = &one.error {
            report.findings.push(Finding::new(&one.table, "uncomparable", 1, error.clone()));
        }
    }
}

/// Leaves word with the tables that something was found of.
async fn mark(lake: &Lake, report: &mut VerificationReport) -> Result<()> {
    let mut tables: Vec<TableName> = report.findings.iter().map(|finding| finding.name.clone()).collect();
    // A row that was changed in bronze says the same of itself as before, so silver would keep what it took from it.
    let above = catalog::entities().iter().filter(|entity| tables.contains(&TableName::bronze(entity.table)));
    tables.extend(above.map(|entity| TableName::silver(entity.table)).collect::<Vec<_>>());
    tables.sort_unstable();
    tables.dedup();
    let mut marked = Vec::new();
    for table in &tables {
        let is_unreadable = |finding: &Finding| finding.name == *table && finding.finding == "unreadable";
        let is_data = table.layer != Layer::Ledger || report.findings.iter().any(is_unreadable);
        if !is_data || upkeep::damage(lake, table).await?.is_some() {
            // Runs mend those without being told.
            continue;
        }
        lake.distrust(table, "was found by maintain --verify not to hold what it has to", &report.run_id).await?;
        marked.push(table.to_string());
    }
    report.marked = marked;
    Ok(())
}

/// What to do about a finding.
pub(crate) fn advice(table: &TableName, finding: &str) -> String {
    match (table.layer, finding) {
        (Layer::Ledger, "unreadable") => {
            "`connectwise-etl maintain --verify --repair` marks it, and the next run mends it and keeps the old files"
                .to_owned()
        }
        (_, "checkpoint") => format!("remove the checkpoints of {table}, as its commits are all there"),
        (Layer::Bronze, _) => damage::advice(table),
        (Layer::Silver | Layer::Gold, "unreadable") => {
            format!("`connectwise-etl run --full --layers {}` builds it again and keeps the old files", table.layer)
        }
        (Layer::Silver | Layer::Gold, _) => {
            format!("`connectwise-etl run --full --layers {}` builds it again", table.layer)
        }
        (Layer::Ledger, _) => "nothing: the data isn't affected".to_owned(),
    }
}
