//! Typed client of the ConnectWise PSA REST API, and the table catalogue made from the same interface document.
//!
//! | to | use |
//! |---|---|
//! | say where the server is and who asks | [`Config`], [`Credentials`] |
//! | read and change records with types | [`Client::resource`], which gives an [`Api`]; the types are in [`models`], by module in [`modules`] |
//! | read a list route without types, and be able to go on after a failure | [`Client::list`], [`Page`], [`Continuation`] |
//! | ask for records under a parent, or one of several collections of the same records | [`Api`], [`resources`] |
//! | check a record before it is written, change only what differs | [`Record::validate`], [`Patch::between`] |
//! | copy, convert, merge, change in bulk, search by body, move documents | [`operations`]: a method of the client each |
//! | know what became of each item of a bulk change | [`Bulk`] |
//! | read many lists below different parents in one request | [`Client::bundle_of`], or [`Client::bundle`] and [`BundledList`] without types |
//! | say which records | [`conditions`] over the typed paths in [`fields`], which a listing of other records doesn't take, or text in the API's own query language |
//! | ask from a program without async | the module `blocking`, with the feature of that name |
//! | turn records into Arrow batches and back | the module `arrow`, with the feature of that name |
//! | know what the server can't give | [`ListRequest::skip_unreadable`], [`UnreadableRecord`] |
//! | call anything else, upload and download | [`Client::request`], [`RequestBuilder`] |
//! | keep within what the server allows | [`Config::with_concurrency`], [`Config::with_rate`], [`RetryPolicy`] |
//! | go through a proxy, believe an authority of one's own, have another name | [`Config::with_proxy`], [`Config::with_root_certificates`], [`Config::with_user_agent`] |
//! | test code without a server, send requests with another HTTP client | [`Config::with_transport`], [`transport`] |
//! | count requests and times | [`Client::stats`], [`Observer`] |
//! | find out what failed and what to do | [`Error`], [`ErrorKind`] |
//! | know which tables a lakehouse gets, with which columns | [`lake`], [`catalog`] |
//!
//! # Features
//!
//! | feature | brings |
//! |---|---|
//! | `lake` (default) | models and resources of the entities that become tables, and their catalogue |
//! | `company`, `configurations`, `expense`, `finance`, `marketing`, `procurement`, `project`, `sales`, `schedule`, `service`, `system`, `time` | every operation of that module, with its models |
//! | `full` | all of them |
//! | `ring` (default) | TLS computed by [ring](https://docs.rs/ring) |
//! | `aws-lc` | TLS computed by [aws-lc](https://docs.rs/aws-lc-rs), also beside `ring`; two minutes more to build from cold |
//! | `arrow` | [Arrow batches](https://docs.rs/arrow-array) of records, and records of batches |
//! | `blocking` | a client for scripts without async, which waits for each answer |
//! | `raw` | each operation of the enabled modules by itself, also verbs of resources: half a million lines with `full` |
//!
//! Everything generated is made at build time from the interface document in `openapi/`; the folder `examples` has one
//! program a module.
//!
//! # What holds for every request
//!
//! Failed requests are repeated as [`RetryPolicy`] says: reads when it may help, writes only when the server can't have
//! carried them out. A listing is complete if and only if it yields [its last page](Page::is_last) and reports no
//! [unreadable records](Page::unreadable).
//!
//! ```no_run
//! use connectwise_sdk::{Client, Config, Credentials, conditions::field, models::TimeEntry};
//! use futures::TryStreamExt as _;
//!
//! # async fn example() -> connectwise_sdk::Result<()> {
//! let credentials = Credentials::new("acme+publicKey", "privateKey", "11111111-2222-3333-4444-555555555555")?;
//! let client = Client::new(Config::new("https://na.myconnectwise.net", credentials)?)?;
//!
//! let entries = client.resource::<TimeEntry>();
//! let mut billed = std::pin::pin!(entries.list().conditions(field("invoice/id").is_not_null()).stream());
//! while let Some(entry) = billed.try_next().await? {
//!     // ...
//! }
//! # Ok(())
//! # }
//! ```

#![cfg_attr(docsrs, feature(doc_cfg))]

mod api;
mod api_error;
#[cfg(feature = "arrow")]
pub mod arrow;
mod attempts;
mod base_url;
#[cfg(feature = "blocking")]
pub mod blocking;
mod body;
mod broken;
mod bulk;
mod bundle;
mod bundle_of;
pub mod catalog;
mod client;
mod clock;
pub mod conditions;
mod config;
mod credentials;
mod decimal;
mod discovery;
mod download;
mod error;
mod extra;
pub mod fields;
mod items;
#[cfg(feature = "lake")]
pub mod lake;
mod limiter;
mod link;
mod list;
mod listing;
mod mismatch;
pub mod models;
pub mod modules;
mod multipart;
mod nearly_json;
mod network;
mod observer;
mod of_record;
mod open_enum;
pub mod operation;
pub mod operations;
mod page;
mod page_size;
mod paging;
mod patch;
pub mod path;
mod properties;
mod reason;
mod record;
mod record_text;
mod redact;
mod request;
pub mod resource;
pub mod resources;
mod response;
mod retry;
mod rules;
mod sender;
mod setters;
mod split;
mod stats;
mod timestamp;
mod tls;
pub mod transport;
mod unreadable;

pub use api::Api;
pub use api_error::{ApiError, FieldError};
pub use bulk::{Bulk, BulkItem};
pub use bundle::{Bundle, BundledAnswer, BundledList};
pub use client::Client;
pub use clock::{Clock, SystemClock};
pub use conditions::Condition;
pub use config::{Config, ConfigParts, MAX_PAGE_SIZE};
pub use credentials::Credentials;
pub use decimal::{Decimal, NotDecimal};
pub use discovery::CompanyInfo;
pub use download::Download;
pub use error::{Error, ErrorKind, RecordFacts, RequestFacts, Result};
pub use extra::Extra;
pub use items::ItemList;
pub use list::ListRequest;
pub use multipart::Multipart;
pub use observer::{Attempt, AttemptResult, Observer};
pub use of_record::{ConditionsOf, FieldsOf, OrderOf};
pub use page::{Continuation, Page};
pub use paging::PagingMode;
pub use patch::Patch;
pub use path::{Operand, Order, Path, RecordInfo};
pub use record::Record;
pub use record_text::RecordText;
pub use request::{Method, RequestBuilder};
pub use resource::API_VERSION;
pub use response::Response;
pub use retry::{Decision, FailedAttempt, Outcome, RetryAfter, RetryPolicy, decide};
pub use rules::{Rule, Violation, Violations, Write};
pub use stats::ClientStats;
pub use timestamp::{NotTimestamp, Timestamp};
pub use unreadable::UnreadableRecord;
