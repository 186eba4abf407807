//! What the data tests of gold tables found.

use connectwise_lakehouse::TableName;
use serde::Serialize;

use super::build::as_text;

/// What a failed test does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The table is kept as it was.
    Error,
    /// The table is written, and the run says so.
    Warn,
}

/// What one data test found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TestResult {
    /// The gold table.
    #[serde(serialize_with = "as_text")]
    pub table: TableName,
    /// What has to hold, for example `timeEntryId is unique`.
    pub test: String,
    /// What a failure does.
    pub severity: Severity,
    /// Rows, values or sums for which it doesn't hold. 0 when the test passed.
    pub failures: u64,
    /// What was found, empty when the test passed.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub found: String,
}

impl TestResult {
    /// Whether it holds.
    pub fn passed(&self) -> bool {
        self.failures == 0
    }
}
