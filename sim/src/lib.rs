//! A PSA server on loopback: what a ConnectWise integration needs to be tested without a tenant.
//!
//! Eight entities of the ConnectWise PSA REST API are listed over real HTTP, with the API's credentials, query language, paging
//! modes, error bodies and oddities. The data is made up from a seed: the same seed gives the same bytes on any machine, and
//! no row is kept in memory. There is no clock: it is 2026-01-15T08:00:00Z until `POST /_sim/advance` makes it a day later.
//!
//! ```
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! let simulator = connectwise_sim::Simulator::builder().seed(1).scale(100).start().await?;
//! let count = format!("{}/time/entries/count", simulator.base_url());
//! assert!(count.starts_with("http://127.0.0.1:"));
//! simulator.shutdown().await;
//! # Ok::<_, connectwise_sim::Error>(()) })?;
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! Where what:
//! - `data/` makes rows: a row is a pure function of seed, entity and row number, told once and read by two visitors.
//! - `json` writes rows, `query/` reads `conditions`, `fields` and `orderBy` and picks out the values that they need.
//! - `table` is what a listing sees of an entity; `overlay` has the generated rows and what advances did to them, `samples` the
//!   rows of recorded answers.
//! - `server` has the routes, `gate` who is let in, `listing` and `paging` make pages, `answer` the shapes of answers.
//! - `control`, `faults` and `truth` are the simulator's own routes below `/_sim`.
//!
//! It shares no code with the SDK or the pipeline, so that one can't hide the other's mistakes.

mod answer;
mod calendar;
mod control;
mod data;
mod error;
mod faults;
mod gate;
mod json;
mod kind;
mod listing;
mod overlay;
mod paging;
mod query;
mod samples;
mod server;
mod simulator;
mod state;
mod table;
mod truth;

pub use error::Error;
pub use simulator::{Builder, Simulator};

/// The largest scale, in time entries.
pub const LARGEST_SCALE: u64 = 10_000_000;
