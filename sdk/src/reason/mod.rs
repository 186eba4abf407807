//! Every way to fail.

mod sentence;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::{
    ApiError, ErrorKind, RecordFacts, Violations, broken::Broken, conditions::Unsaid, nearly_json::Form,
    response::Asked,
};

#[derive(Debug)]
pub(crate) enum Reason {
    /// A setting that has no default.
    Missing {
        variable: &'static str,
        hint: &'static str,
    },
    /// A setting with a value that can't be used.
    Invalid {
        variable: &'static str,
        problem: &'static str,
    },
    /// Two variables of one setting with different values.
    Disagree {
        one: &'static str,
        other: &'static str,
    },
    /// The TLS or HTTP set-up of this machine.
    Transport,
    /// Nobody who computes TLS.
    NoCrypto,
    /// The runtime of the blocking client.
    #[cfg(feature = "blocking")]
    Runtime,

    /// A part of a condition for which the query language has no words.
    Unsaid(Unsaid),
    /// `in` where the API doesn't allow it.
    InNotAllowed {
        parameter: &'static str,
    },

    /// A company that the server doesn't know.
    UnknownCompany {
        company: String,
    },
    /// A codebase that can't be part of a path.
    Codebase {
        codebase: String,
    },

    /// A record that breaks rules of the interface document.
    Violations(Violations),
    Path {
        path: String,
        problem: &'static str,
    },
    UrlTooLong {
        length: usize,
        limit: usize,
    },
    PageSize {
        size: u32,
    },
    OrderNotAllowed {
        mode: &'static str,
    },
    /// An order for a listing that is asked for in pieces.
    OrderOfPieces,
    Header {
        name: String,
    },
    Serialize,
    /// A parameter that is missing, or whose value can't be sent.
    Argument {
        problem: String,
    },

    Connect {
        /// Host and port that were tried.
        host: Option<String>,
    },
    Timeout,
    Cut,
    Status {
        status: u16,
        api: ApiError,
        retry_after: Option<Duration>,
        /// The longest wait that is obeyed, where the server asks for a longer one.
        longest_wait: Option<Duration>,
        asked: Arc<Asked>,
    },

    NotJson {
        form: Form,
        content_type: Option<String>,
        excerpt: String,
        asked: Arc<Asked>,
    },
    /// An error with a status of success.
    Refusal {
        api: ApiError,
        asked: Arc<Asked>,
    },
    /// JSON that breaks off or turns into something else, in a record as likely as not.
    BrokenJson {
        broken: Broken,
    },
    NotArray,
    Shape {
        json_path: String,
        expected: Option<String>,
    },
    Record {
        record: RecordFacts,
    },

    /// Bytes of the largest answer of this kind.
    TooLarge {
        limit: usize,
    },
    /// A page with more elements than pages have.
    TooManyRecords {
        limit: usize,
    },
    /// Too few bytes in a minute.
    TooSlow,
    /// A file that a download was to become.
    File {
        path: PathBuf,
    },

    NextUnreadable,
    /// Pages in a row without a record, none of which is the last.
    EmptyPages {
        pages: u32,
    },
    /// A listing that goes on beyond what there can be.
    MoreThanCounted {
        counted: u64,
        records: u64,
    },
    /// A listing that goes on beyond what any list has.
    MoreThanAnyList {
        most: u64,
    },
    PageIdStuck {
        page_id: u64,
    },
    /// A next page that begins among the records of this one.
    PageIdBehind {
        page_id: u64,
        last: i64,
    },
    PageRepeats {
        page: u64,
    },
    KeyOutOfOrder {
        key: i64,
    },
    KeyMissing,
    ForeignContinuation,

    TooMany {
        limit: usize,
    },
    /// Waiting where other tasks would have to wait, too.
    #[cfg(feature = "blocking")]
    WithinRuntime,

    /// A record on which the server fails every time, while others come.
    Unreadable {
        id: Option<i64>,
        after: Option<i64>,
    },

    /// A record that can't be a row.
    #[cfg(feature = "arrow")]
    NoRow {
        /// What its type is called.
        name: &'static str,
        record: RecordFacts,
    },
    /// A row that is no record of the type.
    #[cfg(feature = "arrow")]
    Row {
        name: &'static str,
        /// Number of the row in its batch, from 0.
        number: usize,
        record: RecordFacts,
    },
    /// A batch that lacks a column of the record type, or has it with another type.
    #[cfg(feature = "arrow")]
    ForeignBatch {
        record: &'static str,
        column: String,
        expected: String,
        found: Option<String>,
    },
    /// A batch that can't be built or read as a whole.
    #[cfg(feature = "arrow")]
    Batch {
        record: &'static str,
    },
}

impl Reason {
    /// Whether a write that failed so may have been carried out: it had left, and nothing that came back says no.
    pub(crate) fn leaves_writes_open(&self) -> bool {
        match self {
            Self::Status { status, .. } => *status == 408 || *status >= 500,
            _ => matches!(
                self.kind(),
                ErrorKind::Timeout | ErrorKind::Interrupted | ErrorKind::TooLarge | ErrorKind::Decode
            ),
        }
    }

    pub(crate) fn kind(&self) -> ErrorKind {
        match self {
            Self::Missing { .. }
            | Self::Invalid { .. }
            | Self::Disagree { .. }
            | Self::Transport
            | Self::NoCrypto
            | Self::UnknownCompany { .. }
            | Self::Codebase { .. } => ErrorKind::Config,
            #[cfg(feature = "blocking")]
            Self::Runtime => ErrorKind::Config,
            #[cfg(feature = "blocking")]
            Self::WithinRuntime => ErrorKind::Request,
            Self::Unsaid(_) | Self::InNotAllowed { .. } => ErrorKind::Condition,
            Self::Violations(_)
            | Self::Path { .. }
            | Self::UrlTooLong { .. }
            | Self::PageSize { .. }
            | Self::OrderNotAllowed { .. }
            | Self::OrderOfPieces
            | Self::Header { .. }
            | Self::Serialize
            | Self::Argument { .. } => ErrorKind::Request,
            Self::Connect { .. } => ErrorKind::Connect,
            Self::Timeout | Self::TooSlow => ErrorKind::Timeout,
            Self::TooLarge { .. } | Self::TooManyRecords { .. } => ErrorKind::TooLarge,
            Self::Cut => ErrorKind::Interrupted,
            Self::File { .. } => ErrorKind::File,
            Self::Status { status: 429, .. } => ErrorKind::RateLimited,
            Self::Status { .. } => ErrorKind::Status,
            Self::NotJson { .. }
            | Self::Refusal { .. }
            | Self::BrokenJson { .. }
            | Self::NotArray
            | Self::Shape { .. }
            | Self::Record { .. } => ErrorKind::Decode,
            Self::NextUnreadable
            | Self::EmptyPages { .. }
            | Self::MoreThanCounted { .. }
            | Self::MoreThanAnyList { .. }
            | Self::PageIdStuck { .. }
            | Self::PageIdBehind { .. }
            | Self::PageRepeats { .. }
            | Self::KeyOutOfOrder { .. }
            | Self::KeyMissing
            | Self::ForeignContinuation => ErrorKind::Paging,
            Self::TooMany { .. } => ErrorKind::Limit,
            Self::Unreadable { .. } => ErrorKind::Unreadable,
            #[cfg(feature = "arrow")]
            Self::NoRow { .. } | Self::Row { .. } | Self::ForeignBatch { .. } | Self::Batch { .. } => ErrorKind::Table,
        }
    }
}
