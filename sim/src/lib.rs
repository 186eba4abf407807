//! A PSA server on loopback: what a ConnectWise integration needs to be tested without a tenant.
//!
//! Every resource of the ConnectWise PSA REST API is served over real HTTP, with the API's credentials, query language, paging
//! modes, error bodies and oddities. The data is made up from a seed: the same seed gives the same bytes on any machine, and
//! no row is kept in memory but those that clients wrote. It is 2026-01-15T08:00:00Z until somebody moves the clock.
//!
//! # Test your ConnectWise integration without a tenant
//! Start one in a test, on a free port, and point your client at it:
//!
//! ```
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! let simulator = connectwise_sim::Simulator::builder().seed(1).scale(100).start().await?;
//! let count = format!("{}/time/entries/count", simulator.base_url());
//! assert!(count.starts_with("http://127.0.0.1:"));
//! // Your client, with `simulator.username()`, `simulator.password()` and any `clientId`.
//! simulator.shutdown().await;
//! # Ok::<_, connectwise_sim::Error>(()) })?;
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! Or start the program, for an integration in any language; it prints what a client needs as a `.env` file:
//!
//! ```text
//! connectwise-sim --port 8080 --scale 1000000 --role mine --faults faults.toml
//! ```
//!
//! Then ask what a tenant would never let you ask:
//!
//! - *Do we get everything?* Compare your rows with `GET /_sim/truth/TimeEntry`, which needs no credentials and no paging.
//! - *Do we keep up?* `POST /_sim/advance {"days":1}` makes a day: edits, inserts, hard deletes, invoices that are batched,
//!   bursts that share one second, companies whose merge leaves no trace in `lastUpdated`. Load, compare, repeat.
//! - *What do we lose while rows move?* `POST /_sim/drift {"every":1,"delete":1}` changes rows between two pages.
//! - *Do we notice a lost right?* `POST /_sim/role {"role":"mine"}` gives fewer rows and no error, `{"role":"without:location/id=2"}` a few less.
//! - *Do we survive its worst days?* A fault script, by file or by `POST /_sim/faults`:
//!
//! ```toml
//! [[rule]]            # one request in twenty, always the same ones
//! path = "/time/*"
//! probability = 0.05
//! seed = 7
//! status = 502
//! html = true
//!
//! [[rule]]            # the third list of companies breaks off
//! path = "/company/companies"
//! nth = 3
//! cut = true
//!
//! [[rule]]            # as the guide says
//! perMinute = 1000
//! ```
//!
//! # What is served
//! Below [`Simulator::base_url`], with Basic credentials and a `clientId` header, the paths of the interface document that
//! the SDK is generated from (or of [`Builder::api_version`], or a [`Builder::document`] of your own): lists, counts and single rows, below other
//! rows too; POST, PUT, PATCH (JSON Patch) and DELETE, which change what is read afterwards; `POST /service/tickets/search` and
//! `/project/tickets/search`; `POST /system/bundles`; documents and pictures; callbacks, which are delivered to loopback
//! addresses. Below [`Simulator::url`], without credentials, `/login/companyinfo/{company}`.
//!
//! Lists take `conditions`, `childConditions`, `customFieldConditions`, `fields`, `orderBy`, `page`, `pageSize` and `pageId`, and
//! forward-only paging. `Link` addresses name a host of their own. Copies, conversions, bulk writes (207), sheets that are
//! submitted and approved, tickets that are merged or bundled, invoices that are batched and three reports do what they say; the
//! other operations of the document are answered with 501, and `GET /_sim/unsupported` lists them with the reasons.
//!
//! # Where the facts are uncertain
//! Both behaviours are there, behind a named switch; the harsher one is in force, so that a client that passes is a client that
//! is safe. [`Builder::switch`], `--switch name=value` and `POST /_sim/switches` choose, [`switches`] tells them all. Two
//! defaults aren't the harshest: requests a minute are limited only if asked for, as that depends on the wall clock, and an
//! unknown key is 401, as documented, though the cloud may answer 404 or hang up.
//!
//! # What business it is
//! The provider has so many people that their time entries fill about four fifths of their working hours; three fifths are billable.
//! About one company in six is a client, which gets an invoice for the work of each month in the first days of the next one, two of
//! three with the flat fee of an agreement, which is due every month, quarter or year. The other invoices are down payments, what
//! completes their projects, and credit memos. Invoices are paid within two months, but for a few. What nobody billed in its time was
//! written off. Tickets are answered, planned and resolved in working hours, mostly within the targets of their priority, and show
//! that on the next day; one edit in a hundred opens a closed one again.
//!
//! # What time does
//! A day touches every list that tables are made of: work most (little on a weekend), tickets, payments and opportunities as they
//! fall due, set-up tables a few times a year, lists below rows in a few of the rows. Half of a day's changes share one second. Rows
//! are deleted without a trace, but neither lines that are on an invoice nor set-up records that others refer to; a merged company is
//! flagged and its `lastUpdated` stays. A change below a row is none of that row (`children-touch-parents`). What hangs on an
//! inserted row has its second, and goes with it.
//!
//! Invoices are the sums of the time (`extendedInvoiceAmount`), expenses (`invoiceAmount`) and products (`extPrice`) that name
//! them, their agreement's fee and tax. A new one bills a client's late lines that were on none, and is unposted at first: its `id` is the
//! `billingLogId` of the unposted one. Batching takes that away and gives the created one its `glBatch`. Rows that clients write
//! are kept as they were given; no total follows them.
//!
//! Eight entities that reports are made of are told property by property; tickets, contacts, projects, phases, sales,
//! configurations, calendar entries, additions, notes, sites, boards and what hangs on them have meanings of their own on top
//! of the document; set-up tables have the records that others refer to; all else is made from its schema. References lead to
//! rows that are there, but for a known share of deleted ones.
//!
//! # The simulator's own routes
//! Below [`Simulator::url`], without credentials:
//!
//! | route | |
//! |---|---|
//! | `GET /_sim/truth/{entity}` | all rows as they are now, one JSON array; the entity in any case; with `?at=<instant>` as they were then, deleted ones with `_deletedAt` |
//! | `GET /_sim/truth/{path}` | the same of a list by its path, `/_sim/truth/finance/agreements/7/additions`; with `*` for the ids of all rows that it hangs on, in one array, each row with its `_parentId` (and `_grandParentId`); `?path=` takes a path, too |
//! | `GET /_sim/truth/{entity or path}/count` | `{"count":N}` |
//! | `POST /_sim/advance` | an ordinary day or more, `{"days":3}`, or what is said: `{"TimeEntry":{"edit":5,"insert":3,"delete":1}}`, also `merge`, also by list path; answers with the ids that changed |
//! | `GET`, `POST /_sim/clock` | `{"now":"2026-02-01T00:00:00Z"}`; it never goes back |
//! | `POST /_sim/plant` | a row that no client could write: `{"path":"/time/entries","id":7,"set":{"_info/lastUpdated":"2099-01-01T00:00:00Z"}}`, or the whole row as a `text` that need not be JSON, until `"text":null` |
//! | `POST /_sim/drift` | changes after every so many list answers: `{"every":2,"edit":1,"insert":1,"delete":1,"path":"/time/entries"}`; `DELETE` stops |
//! | `GET`, `POST /_sim/switches` | all switches; sets some: `{"last-link":"exact","bundle-limit":7}` |
//! | `GET /_sim/unsupported` | the operations that are answered with 501, and why |
//! | `POST /_sim/role` | `{"role":"mine,no-info"}`, see [`Builder::role`]; answers with the member of the key |
//! | `POST /_sim/faults` | adds rules; `GET` counts them and what has bitten, `DELETE` clears them |
//! | `GET`, `POST /_sim/latency` | how long answers are on their way: `{"request":"400ms","row":"0.5ms"}`, see [`Builder::latency`] |
//! | `GET /_sim/requests` | requests by path and status, the last ones in full, how many were under way at once (`mostUnderWay`) and came in any second (`mostInASecond`); `DELETE` forgets them |
//! | `GET /_sim/metrics` | counters for Prometheus |
//! | `GET /_sim/callbacks` | `{"delivered":..,"retried":..,"lost":..}` |
//!
//! A fault rule has a `path` below the API's root (`*` at its end stands for anything; absent = every path) and perhaps a
//! `method`; `nth` (from which request on, 1 by default) and `times` (how many, 1 by default), or a `probability` with a `seed`;
//! and one effect: `status` with perhaps `retryAfter`, and `html` or a `body`; `cut`, a body that ends half-way; `stall`, one that stops;
//! `slow`, bytes a second; `close`, a connection without an answer; `refuse`, no connection at all; `missing` and `duplicate`,
//! a row lost or shown twice between two pages; `contentType`; `perMinute`, a limit (`silent` = without `Retry-After`). With
//! `holdsId` it bites list answers that hold that record, as one bad row does.
//!
//! # Where what is
//! - `document/` reads the interface document: schemas, resources, paths and their roles.
//! - `data/` makes rows: a row is a pure function of seed, list and row number, told once and read by two visitors. `plan` says
//!   who makes the rows of which resource, `made` makes them from schemas, `own` says what entities mean.
//! - `json` writes rows, `query/` reads `conditions`, `fields` and `orderBy` and picks out the values that they need.
//! - `switches` has what is uncertain. `table` is what a listing sees of a list, `tickets` of two of them; `tenant/` has the
//!   generated rows and what time and clients did to them, `tenant/lists` which lists a day changes, `tenant/billing` invoices,
//!   `samples` the rows of recorded answers, `role` what a role leaves of them.
//! - `server` has the routes, `gate` who is let in, `api/` what a request leads to, `listing` and `paging` make pages, `answer`
//!   the shapes of answers, `latency` how long they are on their way, `traffic` how many at once, `wire` the connections,
//!   `callbacks/` the messages.
//! - `control`, `advance`, `faults/`, `drift` and `truth` are behind the simulator's own routes below `/_sim`.
//!
//! It shares no code with the SDK or the pipeline, so that one can't hide the other's mistakes.

mod advance;
mod answer;
mod api;
mod calendar;
mod callbacks;
mod calls;
mod control;
mod data;
mod document;
mod drift;
mod error;
mod faults;
mod files;
mod gate;
mod input;
mod json;
mod kind;
mod latency;
mod listing;
mod origin;
mod paging;
mod place;
mod plant;
mod query;
mod role;
mod samples;
mod server;
mod simulator;
mod state;
mod switches;
mod table;
mod tenant;
mod tickets;
mod traffic;
mod tree;
mod truth;
mod wire;

pub use calls::{Changes, SeenRequest};
pub use error::Error;
pub use faults::FaultRule;
pub use latency::duration;
pub use query::parse_condition;
pub use simulator::{Builder, Simulator, switches};

/// The largest scale, in time entries.
pub const LARGEST_SCALE: u64 = 10_000_000;
