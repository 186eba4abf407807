//! The crate's error: what happened, to what, and what state is left.

use std::fmt;

use crate::shortage::{full_disk, shortage};

/// What went wrong, as far as a caller has to tell cases apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The call itself: an unknown entity, layer or column, a malformed option.
    Usage,
    /// Configuration: a missing credential, a bad URL, a file that can't be read.
    Config,
    /// The API refused, failed or could not be reached.
    Source,
    /// A read that can't prove it is whole. Nothing was replaced and no watermark moved.
    Incomplete,
    /// A value that doesn't fit its contract, or a schema that isn't the expected one.
    Contract,
    /// Another run changed a table between the read and the write. Nothing was written.
    Conflict,
    /// The lakehouse could not be read or written.
    Lake,
    /// SQL that doesn't parse, plan or run.
    Sql,
    /// The local file system.
    Io,
}

/// An error of the ETL.
///
/// `Display` is one sentence without the source; [`Error::report`] adds the chain of sources.
pub struct Error {
    kind: Kind,
    message: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// Result of the ETL.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: without_backtrace(message.into()), source: None }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    pub(crate) fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        let source = source.into();
        // Whatever it was that had no memory or no disk left, what to do about it is the same.
        let why = shortage(source.as_ref()).or_else(|| full_disk(source.as_ref()).map(str::to_owned));
        match why {
            Some(why) => self.message = format!("{}: {why}", self.message),
            None => self.source = Some(source),
        }
        self
    }

    /// What went wrong.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Whether the caller asked for something that can't be done, before anything was touched.
    pub fn is_usage(&self) -> bool {
        matches!(self.kind, Kind::Usage | Kind::Config)
    }

    /// The error of the SDK behind it, where one is.
    pub(crate) fn of_sdk(&self) -> Option<&connectwise_sdk::Error> {
        let mut next = std::error::Error::source(self);
        while let Some(source) = next {
            if let Some(found) = source.downcast_ref() {
                return Some(found);
            }
            next = source.source();
        }
        None
    }

    /// Whether a disk was full.
    pub(crate) fn is_full_disk(&self) -> bool {
        full_disk(self).is_some()
    }

    /// Whether the server says that the role may not read what was asked for (403), or shows it as if it weren't there (404).
    pub(crate) fn is_shut(&self) -> bool {
        self.of_sdk().is_some_and(|error| error.is_forbidden() || error.is_not_found())
    }

    /// The sentence with every source behind it, on one line.
    pub fn report(&self) -> String {
        let mut text = self.message.clone();
        let mut next = std::error::Error::source(self);
        while let Some(source) = next {
            let part = without_backtrace(source.to_string());
            // Wrapped errors often repeat the text of what they wrap.
            if !text.contains(&part) {
                text.push_str(": ");
                text.push_str(&part);
            }
            next = source.source();
        }
        on_one_line(&text)
    }
}

/// A text whose lines stand one behind the other: libraries write lists of columns and the like below their sentences.
fn on_one_line(text: &str) -> String {
    let lines: Vec<&str> = text.split(['\n', '\r']).map(str::trim).filter(|line| !line.is_empty()).collect();
    lines.join(" ")
}

/// A text without the backtraces that libraries write into theirs when `RUST_BACKTRACE` is set: messages are for people, and go
/// into the ledger and the report.
fn without_backtrace(text: String) -> String {
    let is_frame = |line: &str| {
        let inner = line.trim_start();
        let number = inner.bytes().take_while(u8::is_ascii_digit).count();
        let numbered = number > 0 && inner.get(number..).is_some_and(|rest| rest.starts_with(": "));
        line.len() > inner.len() && (numbered || inner.starts_with("at "))
    };
    let is_heading = |line: &str| {
        let line = line.trim_start();
        line.starts_with("backtrace:") || line.starts_with("stack backtrace:")
    };
    if !text.lines().any(|line| is_heading(line) || is_frame(line)) {
        return text;
    }
    let kept: Vec<&str> = text.lines().filter(|line| !is_heading(line) && !is_frame(line)).collect();
    kept.join("\n").trim_end().to_owned()
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.kind, self.report())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As DataFusion and the Delta kernel write it with `RUST_BACKTRACE=1`.
    const TRACED: &str = "Arrow error: Cast error: Cannot cast string 'x'\n\nbacktrace:    0: std::backtrace_rs::backtrace::trace\n             at /rustc/0/library/std/src/lib.rs:66:5\n   1: datafusion_common::error::get_back_trace\n  12: main\n";

    #[test]
    fn no_message_holds_a_backtrace() {
        let plain = "Arrow error: Cast error: Cannot cast string 'x'";
        let error = Error::new(Kind::Lake, "the table can't be read").with_source(std::io::Error::other(TRACED));
        assert_eq!(error.report(), format!("the table can't be read: {plain}"));
        assert_eq!(format!("{error:?}"), format!("Lake: the table can't be read: {plain}"));
        let error = Error::new(Kind::Sql, format!("the query failed: {TRACED}"));
        assert_eq!(error.to_string(), format!("the query failed: {plain}"));
        let kernel = "No such file\n   0: kernel::read\n             at /src/lib.rs:1:2\n   1: main";
        assert_eq!(Error::new(Kind::Lake, kernel).to_string(), "No such file");
    }

    #[test]
    fn a_report_is_one_line() {
        let planned = "Schema error: No field named left.\nValid fields are f.\"notes\".";
        let error = Error::new(Kind::Sql, "it can't be computed").with_source(std::io::Error::other(planned));
        assert_eq!(
            error.report(),
            "it can't be computed: Schema error: No field named left. Valid fields are f.\"notes\"."
        );
        assert_eq!(Error::usage("two\r\n\n  lines\n").report(), "two lines");
    }

    #[test]
    fn other_lines_stay() {
        let text = "the model is wrong in line 2:\n  select 1\n10: not a frame, as it isn't indented";
        assert_eq!(Error::usage(text).to_string(), text);
    }
}
