//! Generator of the SDK: reads the ConnectWise PSA interface facts, repairs their known faults, and renders the table
//! catalogue, the models and the resources that `connectwise-sdk` includes at build time.
//!
//! | module | what it does |
//! |---|---|
//! | [`Document`] | the document as `openapiv3` has it, read piece by piece: complaints name the operation and the JSON pointer |
//! | [`fixups`] | named repairs, each of which must bite |
//! | [`Api`], [`Lake`] | `api.toml` and `lake.toml` |
//! | [`import`], [`facts`] | any document into the facts form |
//! | [`check`], [`report`] | what differs, and what is covered |
//! | [`diff`] | what changes from one version to another, and for whom |
//! | [`generate`] | everything together: what `sdk/build.rs` calls |
//!
//! Output depends on the input alone: no clock, no network, ordered maps.

mod api;
mod catalog;
mod check;
mod collisions;
mod described;
mod diff;
mod document;
mod error;
mod figures;
pub mod fixups;
mod foreign;
mod generate;
mod import;
mod json;
mod lake;
mod meaning;
mod names;
mod operation;
mod parent;
mod pattern;
mod problems;
mod reading;
mod render;
mod report;
mod resolved;
mod resource;
mod schema;
mod secrets;
mod selection;
mod verb;

pub use api::{Api, Exclusion, LookAlikes, Models, Pin};
pub use check::{Checked, check, check_and_write};
pub use diff::{Change, Diff, Severity, diff, unreadable};
pub use document::Document;
pub use error::{Error, Result};
pub use figures::Figures;
pub use generate::{Generated, MAX_LINES, Sources, generate};
pub use import::{Imported, facts, import};
pub use lake::{Drain, Entity, Lake, Load, Parent, Shared};
pub use report::{ModuleReport, OperationReport, Report, report};
pub use selection::Selection;
