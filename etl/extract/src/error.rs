//! The crate's error: what happened, to what, and what state is left.

mod asked;
mod gap;
mod read;

use std::fmt;

pub use gap::Gap;
pub use read::{incomplete, source_error};

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
    /// A case that can't be: a fault of this program. Nothing was written.
    Internal,
}

/// An error of reading ConnectWise PSA.
///
/// `Display` is one sentence without the source; [`Error::report`] adds the chain of sources.
pub struct Error {
    kind: Kind,
    message: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// Result of reading.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    /// A broken assumption of the program itself, as a bug causes it; going on could write wrong rows.
    pub(crate) fn internal(what: &str) -> Self {
        Self::new(
            Kind::Internal,
            format!("{what}, which is a fault of this program: please report it with this sentence"),
        )
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    pub(crate) fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
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

    /// The kind, the sentence and what is behind it, for an error that takes this one's place.
    pub fn into_parts(self) -> (Kind, String, Option<Box<dyn std::error::Error + Send + Sync>>) {
        (self.kind, self.message, self.source)
    }

    /// The sentence with every source behind it, on one line.
    pub fn report(&self) -> String {
        let mut text = self.message.clone();
        let mut next = std::error::Error::source(self);
        while let Some(source) = next {
            let part = source.to_string();
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
