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
//! # What is served
//! Below [`Simulator::base_url`], with Basic credentials and a `clientId` header: the lists `/time/entries`, `/finance/agreements`,
//! `/company/companies`, `/expense/entries`, `/procurement/products`, `/finance/invoices`, `/system/members` and
//! `/finance/accounting/unpostedinvoices`, of each also `/count` and `/{id}`, and `/system/info`. Below [`Simulator::url`], without
//! credentials, `/login/companyinfo/{company}`. Lists take `conditions`, `fields`, `orderBy`, `page`, `pageSize` and `pageId`, and
//! forward-only paging. Where the live server is known to do one of two things, this one does the harsher: a page size above
//! 1,000 is cut without a word, `Link` addresses name a host of their own, and a full last page names a next one that is empty.
//!
//! # The simulator's own routes
//! Below [`Simulator::url`], without credentials:
//!
//! | route | |
//! |---|---|
//! | `GET /_sim/truth/{entity}` | all rows as they are now, one JSON array; the entity in any case |
//! | `GET /_sim/truth/{entity}/count` | `{"count":N}` |
//! | `POST /_sim/advance` | a day passes: `{"TimeEntry":{"edit":5,"insert":3,"delete":1}}`; answers with the ids that changed |
//! | `POST /_sim/faults` | adds a rule; `GET` counts the rules, `DELETE` clears them |
//! | `GET /_sim/requests` | requests by path and status, and the last ones in full; `DELETE` forgets them |
//!
//! A fault rule has a `path` below the API's root (`*` at its end stands for anything; absent = every path), `nth` (from which
//! request on, 1 by default) and `times` (how many, 1 by default), and a `status` with perhaps `retryAfter` and `html`, or `cut`
//! for a body that ends half-way. With `holdsId` it bites list answers that hold that record, as one bad row does.
//!
//! # Where what is
//! - `data/` makes rows: a row is a pure function of seed, entity and row number, told once and read by two visitors.
//! - `json` writes rows, `query/` reads `conditions`, `fields` and `orderBy` and picks out the values that they need.
//! - `table` is what a listing sees of an entity; `overlay` has the generated rows and what advances did to them, `samples` the
//!   rows of recorded answers.
//! - `server` has the routes, `gate` who is let in, `listing` and `paging` make pages, `answer` the shapes of answers.
//! - `control`, `faults` and `truth` are the simulator's own routes below `/_sim`.
//!
//! It shares no code with the SDK or the pipeline, so that one can't hide the other's mistakes.

mod advance;
mod answer;
mod api;
mod calendar;
mod callbacks;
mod control;
mod data;
mod document;
mod drift;
mod error;
mod faults;
mod files;
mod gate;
mod json;
mod kind;
mod listing;
mod paging;
mod place;
mod query;
mod role;
mod samples;
mod server;
mod simulator;
mod state;
mod table;
mod tenant;
mod tree;
mod truth;
mod wire;

pub use error::Error;
pub use simulator::{Builder, Simulator};

/// The largest scale, in time entries.
pub const LARGEST_SCALE: u64 = 10_000_000;
