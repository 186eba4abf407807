//! What happens to tables.

use std::fs;
use std::path::{Path, PathBuf};

use connectwise_lakehouse::{Lake, TableName};

use super::place;

/// What happens to a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Harm {
    FileMissing,
    FileCut,
    FileEmpty,
    /// All files of the table have other bytes, as many as they had.
    FileGarbage,
    /// The same, but for what Parquet files end with.
    PagesGarbage,
    CommitCut,
    CommitEmpty,
    CommitBinary,
    CommitMissing,
    CheckpointBroken,
    HintWrong,
    LogMissing,
}

impl Harm {
    /// All that the log or a listing tells, but a log that is gone altogether.
    pub(crate) const WITH_A_LOG: [Self; 9] = [
        Self::FileMissing,
        Self::FileCut,
        Self::FileEmpty,
        Self::CommitCut,
        Self::CommitEmpty,
        Self::CommitBinary,
        Self::CommitMissing,
        Self::CheckpointBroken,
        Self::HintWrong,
    ];

    /// Whether another way leads to all rows.
    pub(crate) fn is_harmless(self) -> bool {
        matches!(self, Self::CheckpointBroken | Self::HintWrong)
    }

    /// Whether there is something to do it to.
    pub(crate) async fn can(self, lake: &Lake, table: &TableName) -> bool {
        let files = lake.table(table).await.and_then(|table| table.files());
        let has_files = files.is_ok_and(|files| !files.is_empty());
        has_files && fs::read_dir(place(lake, table).join("_delta_log")).unwrap().count() > 1
    }

    pub(crate) fn is_of_files(self) -> bool {
        matches!(self, Self::FileMissing | Self::FileCut | Self::FileEmpty)
    }

    pub(crate) async fn does(self, lake: &Lake, table: &TableName) {
        let folder = place(lake, table);
        let file = || async {
            let files = lake.table(table).await.unwrap().files().unwrap();
            let uri = files.iter().next().unwrap().clone();
            folder.join(uri.rsplit('/').next().unwrap())
        };
        let commits = commits(&folder);
        let newest = commits.last().unwrap().clone();
        let cut = |path: &Path| {
            let bytes = fs::read(path).unwrap();
            fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
        };
        match self {
            Self::FileMissing => fs::remove_file(file().await).unwrap(),
            Self::FileCut => cut(&file().await),
            Self::FileEmpty => fs::write(file().await, b"").unwrap(),
            Self::FileGarbage | Self::PagesGarbage => {
                for uri in lake.table(table).await.unwrap().files().unwrap() {
                    let path = folder.join(uri.rsplit('/').next().unwrap());
                    let mut bytes = fs::read(&path).unwrap();
                    let footer = u32::from_le_bytes(bytes[bytes.len() - 8..][..4].try_into().unwrap()) as usize + 8;
                    let end = bytes.len() - if self == Self::PagesGarbage { footer } else { 0 };
                    bytes[4..end].fill(0xff);
                    fs::write(path, bytes).unwrap();
                }
            }
            Self::CommitCut => cut(&newest),
            Self::CommitEmpty => fs::write(newest, b"").unwrap(),
            Self::CommitBinary => fs::write(newest, [0_u8, 159, 146, 150, 255, 10, 7]).unwrap(),
            Self::CommitMissing => fs::remove_file(&commits[0]).unwrap(),
            Self::CheckpointBroken => {
                let version = commits.len() - 1;
                fs::write(folder.join(format!("_delta_log/{version:020}.checkpoint.parquet")), b"PAR1nothingPAR1")
                    .unwrap();
                fs::write(folder.join("_delta_log/_last_checkpoint"), format!("{{\"version\":{version},\"size\":9}}"))
                    .unwrap();
            }
            Self::HintWrong => {
                fs::write(folder.join("_delta_log/_last_checkpoint"), b"{\"version\":99,\"size\":9}").unwrap();
            }
            Self::LogMissing => fs::remove_dir_all(folder.join("_delta_log")).unwrap(),
        }
    }
}

/// The commits of a table, oldest first.
fn commits(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(folder.join("_delta_log"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
        .collect();
    found.sort();
    assert!(found.len() > 1, "{} has only one version", folder.display());
    found
}
