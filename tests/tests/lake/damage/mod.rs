//! Tables that can't be read: whatever of a table is missing, cut off or overwritten, the next run, or the next `run --full`, ends
//! with what the server has, or says what to do; and nothing of the old table is thrown away.

mod above;
mod bronze;
mod content;
mod harm;
mod leftovers;
mod lost;
mod tenant;
mod verified;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use connectwise_lakehouse::{Lake, TableName};
use connectwise_pipeline::run::{RunReport, StepOutcome};

pub(crate) use harm::Harm;
use tenant::{Tenant, run};

fn place(lake: &Lake, table: &TableName) -> PathBuf {
    lake.root().to_file_path().unwrap().join(table.layer.name()).join(&table.name)
}

/// Size of each file below a folder, by its name: names are unique in a table but for those of its log.
fn files(folder: &Path) -> BTreeMap<String, BTreeSet<u64>> {
    let mut found: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else {
                let name = entry.file_name().to_string_lossy().into_owned();
                found.entry(name).or_default().insert(entry.metadata().unwrap().len());
            }
        }
    }
    found
}

/// All that a report says.
fn said(report: &RunReport) -> String {
    let steps = report.steps.iter().flat_map(|step| {
        let why = match &step.outcome {
            StepOutcome::Failed(why) | StepOutcome::Incomplete(why) => Some(why.clone()),
            _ => None,
        };
        step.warnings.iter().cloned().chain(why)
    });
    report.warnings.iter().cloned().chain(steps).collect::<Vec<_>>().join("\n")
}

/// Tables that were harmed, with the files that they had after it.
struct Harmed(Vec<(TableName, BTreeMap<String, BTreeSet<u64>>)>);

impl Harmed {
    async fn by(harm: Harm, lake: &Lake, tables: &[TableName]) -> Self {
        let mut harmed = Vec::new();
        for table in tables {
            harm.does(lake, table).await;
            harmed.push((table.clone(), files(&place(lake, table))));
        }
        Self(harmed)
    }

    /// A run ends well and tells of each table what was wrong and where the old files are, and each of those still is somewhere
    /// below its table. Gives what is told, by table.
    fn assert_mended(&self, report: &RunReport, lake: &Lake, when: &str) -> BTreeMap<TableName, String> {
        let said = said(report);
        assert_eq!(report.exit_code(), 0, "{when}: {said}");
        let told = self.0.iter().map(|(table, _)| {
            let told = said.lines().find(|line| line.starts_with(&format!("{table} was damaged: ")));
            let told = told.unwrap_or_else(|| panic!("{when}: nothing is told of {table}: {said}"));
            assert!(told.contains("_damaged-"), "{when}: {told}");
            (table.clone(), told.to_owned())
        });
        let told = told.collect();
        self.assert_kept(lake, when);
        told
    }

    fn assert_kept(&self, lake: &Lake, when: &str) {
        for (table, before) in &self.0 {
            let now = files(&place(lake, table));
            for (name, sizes) in before {
                let kept = now.get(name).is_some_and(|now| now.is_superset(sizes));
                assert!(kept, "{when}: {name} of {table}, {sizes:?} bytes, is gone");
            }
        }
    }
}
