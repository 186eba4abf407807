//! The client for programs without async: each call returns when its answer is there.
//!
//! ```no_run
//! use connectwise_sdk::{Config, blocking::Client, fields::time_entry, models::TimeEntry};
//!
//! # fn main() -> connectwise_sdk::Result<()> {
//! let client = Client::new(Config::from_env()?)?;
//! for entry in client.resource::<TimeEntry>().list().conditions(time_entry::NOTES.contains("printer")).records() {
//!     let hours = entry?.actual_hours;
//! }
//! # Ok(())
//! # }
//! ```
//!
//! What has no method here is [waited for](Client::wait): operations, untyped requests, bundles.
//!
//! Requests are made on the thread that calls, and never within tokio's runtime, whose other tasks would wait, too: there every
//! call is an error, in `spawn_blocking` as well, and [`crate::Client`] is the one to use. A client may be made and dropped there.

mod driver;
mod iter;

use std::fmt;
use std::sync::Arc;

use crate::conditions::Untyped;
use crate::resource::{self, Count, Create, Delete, Get, List, Placed, Replace, Resource, Under};
use crate::{ConditionsOf, Config, FieldsOf, ListRequest, OrderOf, Page, Patch, Result};
use driver::Driver;

pub use iter::Iter;

/// A client of one server that waits for each answer. Clones are cheap and share connections, counters and the limiter, and
/// several threads may ask at once.
#[derive(Clone)]
pub struct Client {
    client: crate::Client,
    driver: Arc<Driver>,
}

impl Client {
    /// A client with these settings. Nothing is sent yet.
    ///
    /// # Errors
    /// When this machine's TLS or its timers and sockets can't be set up.
    pub fn new(config: Config) -> Result<Self> {
        Self::of(crate::Client::new(config)?)
    }

    /// A client that asks as `client` does, and counts with it.
    ///
    /// # Errors
    /// When this machine's timers and sockets can't be set up.
    pub fn of(client: crate::Client) -> Result<Self> {
        Ok(Self { client, driver: Arc::new(Driver::new()?) })
    }

    /// The client that isn't waited for: for [`wait`](Self::wait) and [`pages`](Self::pages), settings and counters.
    #[must_use]
    pub fn client(&self) -> &crate::Client {
        &self.client
    }

    /// The records of a resource.
    #[must_use]
    pub fn resource<R: Resource>(&self) -> Api<R, R::Place> {
        Api { api: self.client.resource::<R>(), driver: self.driver.clone() }
    }

    /// Waits for what the other client was asked for:
    /// `client.wait(client.client().request(Method::Get, "/system/info").send())?`.
    ///
    /// # Errors
    /// Those of the request, and one when it is called within tokio's runtime.
    pub fn wait<T>(&self, request: impl Future<Output = Result<T>>) -> Result<T> {
        self.driver.wait(request)?
    }

    /// The pages of a listing without types, [`crate::Client::list`].
    pub fn pages(&self, list: ListRequest) -> Iter<Page> {
        Iter::new(list.pages(), &self.driver)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.client.fmt(f)
    }
}

/// The records of one resource, as [`crate::Api`].
#[derive(Debug)]
pub struct Api<R, P = Placed> {
    api: crate::Api<R, P>,
    driver: Arc<Driver>,
}

impl<R: Resource, P> Api<R, Under<P>> {
    /// As [`crate::Api::under`].
    #[must_use]
    pub fn under(self, parent: impl Into<i64>) -> Api<R, P> {
        Api { api: self.api.under(parent), driver: self.driver }
    }
}

impl<R, P> Api<R, P> {
    /// As [`crate::Api::query`].
    #[must_use]
    pub fn query(self, name: &str, value: impl Into<String>) -> Self {
        Self { api: self.api.query(name, value), ..self }
    }

    /// As [`crate::Api::version`].
    #[must_use]
    pub fn version(self, version: impl Into<String>) -> Self {
        Self { api: self.api.version(version), ..self }
    }
}

impl<R: List> Api<R> {
    /// As [`crate::Api::list`].
    pub fn list(&self) -> ItemList<R> {
        ItemList { list: self.api.list(), driver: self.driver.clone() }
    }
}

impl<R: Count> Api<R> {
    /// As [`crate::Api::count`].
    ///
    /// # Errors
    /// Those of [`crate::Api::count`], and one when it is called within tokio's runtime.
    pub fn count(&self) -> Result<u64> {
        self.driver.wait(self.api.count())?
    }
}

impl<R: Get> Api<R> {
    /// As [`crate::Api::get`].
    ///
    /// # Errors
    /// Those of [`crate::Api::get`], and one when it is called within tokio's runtime.
    pub fn get(&self, id: impl Into<i64>) -> Result<R::Record> {
        self.driver.wait(self.api.get(id))?
    }

    /// As [`crate::Api::get_opt`].
    ///
    /// # Errors
    /// Those of [`crate::Api::get_opt`], and one when it is called within tokio's runtime.
    pub fn get_opt(&self, id: impl Into<i64>) -> Result<Option<R::Record>> {
        self.driver.wait(self.api.get_opt(id))?
    }
}

impl<R: Create> Api<R> {
    /// As [`crate::Api::create`].
    ///
    /// # Errors
    /// Those of [`crate::Api::create`], and one when it is called within tokio's runtime.
    pub fn create(&self, record: &R::Record) -> Result<R::Record> {
        self.driver.wait(self.api.create(record))?
    }
}

impl<R: Replace> Api<R> {
    /// As [`crate::Api::replace`].
    ///
    /// # Errors
    /// Those of [`crate::Api::replace`], and one when it is called within tokio's runtime.
    pub fn replace(&self, id: impl Into<i64>, record: &R::Record) -> Result<R::Record> {
        self.driver.wait(self.api.replace(id, record))?
    }
}

impl<R: resource::Patch> Api<R> {
    /// As [`crate::Api::patch`].
    ///
    /// # Errors
    /// Those of [`crate::Api::patch`], and one when it is called within tokio's runtime.
    pub fn patch(&self, id: impl Into<i64>, patch: &Patch) -> Result<R::Record> {
        self.driver.wait(self.api.patch(id, patch))?
    }
}

impl<R: Delete> Api<R> {
    /// As [`crate::Api::delete`].
    ///
    /// # Errors
    /// Those of [`crate::Api::delete`], and one when it is called within tokio's runtime.
    pub fn delete(&self, id: impl Into<i64>) -> Result<()> {
        self.driver.wait(self.api.delete(id))?
    }
}

/// A listing of a resource, as [`crate::ItemList`].
#[derive(Debug)]
#[must_use = "a listing does nothing until it is read"]
pub struct ItemList<R> {
    list: crate::ItemList<R>,
    driver: Arc<Driver>,
}

impl<R: List> ItemList<R> {
    /// With what else a listing takes: `with(|list| list.skip_unreadable())`.
    pub fn with(self, change: impl FnOnce(crate::ItemList<R>) -> crate::ItemList<R>) -> Self {
        Self { list: change(self.list), ..self }
    }

    /// As [`crate::ItemList::conditions`].
    pub fn conditions(self, conditions: impl ConditionsOf<R::Record>) -> Self {
        self.with(|list| list.conditions(conditions))
    }

    /// As [`crate::ItemList::child_conditions`].
    pub fn child_conditions(self, conditions: impl ConditionsOf<R::Record>) -> Self {
        self.with(|list| list.child_conditions(conditions))
    }

    /// As [`crate::ItemList::custom_field_conditions`].
    pub fn custom_field_conditions(self, conditions: impl ConditionsOf<Untyped>) -> Self {
        self.with(|list| list.custom_field_conditions(conditions))
    }

    /// As [`crate::ItemList::fields`].
    pub fn fields(self, fields: impl FieldsOf<R::Record>) -> Self {
        self.with(|list| list.fields(fields))
    }

    /// As [`crate::ItemList::order_by`].
    pub fn order_by(self, order: impl OrderOf<R::Record>) -> Self {
        self.with(|list| list.order_by(order))
    }

    /// As [`crate::ItemList::page_size`].
    pub fn page_size(self, size: u32) -> Self {
        self.with(|list| list.page_size(size))
    }

    /// As [`crate::ItemList::limit`].
    pub fn limit(self, records: u32) -> Self {
        self.with(|list| list.limit(records))
    }

    /// As [`crate::ItemList::first`].
    ///
    /// # Errors
    /// Those of [`crate::ItemList::first`], and one when it is called within tokio's runtime.
    pub fn first(self) -> Result<Option<R::Record>> {
        self.driver.wait(self.list.first())?
    }

    /// As [`crate::ItemList::collect`].
    ///
    /// # Errors
    /// Those of [`crate::ItemList::collect`], and one when it is called within tokio's runtime.
    pub fn collect(self, limit: usize) -> Result<Vec<R::Record>> {
        self.driver.wait(self.list.collect(limit))?
    }

    /// The records, as [`crate::ItemList::stream`] has them: each page is asked for when its first record is taken.
    pub fn records(self) -> Iter<R::Record> {
        Iter::new(self.list.stream(), &self.driver)
    }

    /// The pages of the list, one after the other: see [`crate::ItemList::pages`].
    pub fn pages(self) -> Iter<Page> {
        Iter::new(self.list.pages(), &self.driver)
    }
}

impl<R: List + Count> ItemList<R> {
    /// As [`crate::ItemList::count`].
    ///
    /// # Errors
    /// Those of [`crate::ItemList::count`], and one when it is called within tokio's runtime.
    pub fn count(&self) -> Result<u64> {
        self.driver.wait(self.list.count())?
    }
}
