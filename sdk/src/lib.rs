//! Typed client of the ConnectWise PSA REST API, and the table catalogue made from the same interface document.

mod api_error;
mod base_url;
pub mod catalog;
mod client;
mod clock;
mod config;
mod error;
pub mod lake;
mod link;
mod list;
mod page;
mod paging;
mod reason;
mod request;
pub mod resource;
mod response;
mod retry;
mod stats;

pub use api_error::{ApiError, FieldError};
pub use client::Client;
pub use clock::{Clock, SystemClock};
pub use config::{API_VERSION, Config, ConfigParts, Credentials, MAX_PAGE_SIZE};
pub use error::{Error, ErrorKind, RecordFacts, RequestFacts, Result};
pub use list::ListRequest;
pub use page::{Continuation, Page};
pub use paging::PagingMode;
pub use request::{Method, RequestBuilder};
pub use response::Response;
pub use retry::{Decision, Outcome, RetryAfter, RetryPolicy, decide};
pub use stats::ClientStats;
