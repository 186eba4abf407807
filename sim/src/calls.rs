//! What a program asks of a simulator that it has started: the same as the routes below `/_sim`, without HTTP.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::error::Kind;
use crate::faults::{self, FaultRule};
use crate::latency::Latency;
use crate::role::Role;
use crate::state::Requests;
use crate::{Error, Simulator, advance, calendar, drift::Drift, plant, truth};

/// A request as a simulator saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenRequest {
    /// `GET`, `POST` and so on.
    pub method: String,
    /// Path below the API's root, as `/time/entries`.
    pub path: String,
    /// Query, as it came.
    pub query: String,
    /// Status of the answer.
    pub status: u16,
}

/// What happens in a list while a client reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Changes {
    /// Rows that are edited.
    pub edit: u64,
    /// Rows that are added.
    pub insert: u64,
    /// Rows that are deleted.
    pub delete: u64,
    /// Rows that are merged into others, which leaves no trace in `lastUpdated`.
    pub merge: u64,
}

impl Simulator {
    /// Lets requests fail.
    ///
    /// ```
    /// use connectwise_sim::{FaultRule, Simulator};
    ///
    /// # tokio::runtime::Runtime::new()?.block_on(async {
    /// let simulator = Simulator::builder().scale(25).start().await?;
    /// simulator.fault(FaultRule::status(429).retry_after(2).at("/time/entries").nth(2).times(3))?;
    /// simulator.fault(FaultRule::cut().with_method("GET"))?;
    /// assert!(simulator.fault(FaultRule::status(200)).is_err());
    /// # Ok::<_, connectwise_sim::Error>(()) })?;
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// When the rule makes no sense, as one with a status of success.
    pub fn fault(&self, rule: FaultRule) -> Result<(), Error> {
        let rule = rule.checked().map_err(Kind::Refused)?;
        self.state.faults().add(rule);
        Ok(())
    }

    /// Lets requests fail as a script says, JSON or TOML as [`Builder::faults`](crate::Builder::faults) takes it.
    ///
    /// # Errors
    /// When there is no rule in it, or one that makes no sense.
    pub fn fault_script(&self, script: &str) -> Result<(), Error> {
        let rules = faults::read(script.as_bytes()).map_err(Kind::Refused)?;
        rules.into_iter().for_each(|rule| self.state.faults().add(rule));
        Ok(())
    }

    /// Takes all faults back.
    pub fn clear_faults(&self) {
        self.state.faults().clear();
    }

    /// How often each sort of fault has bitten: `rate_limit`, `status`, `cut` and so on.
    #[must_use]
    pub fn bitten(&self) -> BTreeMap<String, u64> {
        self.state.faults().bitten.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
    }

    /// All rows of a list as they are now: by the name of the record (`TimeEntry`) or by path, `/finance/agreements/7/additions`, or
    /// `/finance/agreements/*/additions` for those of all agreements, with `_parentId`.
    ///
    /// # Errors
    /// When there is no such list.
    pub fn truth(&self, list: &str) -> Result<Vec<Value>, Error> {
        self.told(list, None)
    }

    /// The same as of a moment (`2026-01-20T00:00:00Z`), deleted rows too, with `_deletedAt`.
    ///
    /// # Errors
    /// When there is no such list, or `at` is no instant.
    pub fn truth_at(&self, list: &str, at: &str) -> Result<Vec<Value>, Error> {
        self.told(list, Some(at))
    }

    fn told(&self, list: &str, at: Option<&str>) -> Result<Vec<Value>, Error> {
        let text = truth::text(&self.state, list, at).map_err(Kind::Refused)?;
        serde_json::from_slice(&text).map_err(|error| Kind::Refused(error.to_string()).into())
    }

    /// The clock, `2026-01-15T08:00:00Z` at the start.
    #[must_use]
    pub fn now(&self) -> String {
        let mut now = String::new();
        calendar::push(&mut now, self.state.now());
        now
    }

    /// Sets the clock, which never goes back.
    ///
    /// # Errors
    /// When `now` is no instant, or lies before the clock; samples have no clock.
    pub fn set_clock(&self, now: &str) -> Result<(), Error> {
        let wanted = calendar::parse(now).ok_or_else(|| Kind::Refused(format!("{now} is no instant")))?;
        match self.state.change(|tenant| tenant.set_clock(wanted)) {
            Some(true) => Ok(()),
            Some(false) => Err(Kind::Refused("the clock never goes back".to_owned()).into()),
            None => Err(Kind::Refused("samples don't change".to_owned()).into()),
        }
    }

    /// Lets ordinary days pass, with edits, inserts, deletions and invoices. The answer is that of `POST /_sim/advance`: the clock, and
    /// the ids that changed by entity.
    ///
    /// # Errors
    /// When it are none or too many; samples don't change.
    pub async fn advance_days(&self, days: u32) -> Result<Value, Error> {
        Ok(advance::ordinary(&self.state, days).await.map_err(Kind::Refused)?)
    }

    /// Lets a day pass on which a list (`TimeEntry`, or a path) changes as said, and no other does.
    ///
    /// # Errors
    /// When there is no such list; samples don't change.
    pub fn advance(&self, list: &str, changes: Changes) -> Result<Value, Error> {
        Ok(advance::one(&self.state, list, changes).map_err(Kind::Refused)?)
    }

    /// Changes rows after every so many answers of lists, until [`stop_drift`](Self::stop_drift); of one list, or of all without a path.
    ///
    /// # Errors
    /// When it are too many.
    pub fn drift(&self, every: u64, changes: Changes, path: Option<&str>) -> Result<(), Error> {
        *self.state.drift() = Some(Drift::of(every, changes, path).map_err(Kind::Refused)?);
        Ok(())
    }

    /// Ends it.
    pub fn stop_drift(&self) {
        *self.state.drift() = None;
    }

    /// Changes a row as no client could: properties by their paths, as `_info/lastUpdated`.
    ///
    /// # Errors
    /// When there is no such list or row; samples don't change.
    pub fn plant(&self, list: &str, id: i64, set: &Map<String, Value>) -> Result<(), Error> {
        Ok(plant::set(&self.state, list, id, set).map_err(Kind::Refused)?)
    }

    /// The last requests of clients, oldest first, up to 1,000; those below `/_sim` and these calls aren't among them.
    #[must_use]
    pub fn requests(&self) -> Vec<SeenRequest> {
        let seen = |asked: &crate::state::Asked| SeenRequest {
            method: asked.method.clone(),
            path: asked.path.clone(),
            query: asked.query.clone(),
            status: asked.status,
        };
        self.state.requests().recent.iter().map(seen).collect()
    }

    /// How many requests of clients there were.
    #[must_use]
    pub fn request_count(&self) -> u64 {
        self.state.requests().total
    }

    /// The most requests that ever were under way at once.
    #[must_use]
    pub fn most_under_way(&self) -> u64 {
        self.state.traffic().most_under_way
    }

    /// Forgets the requests so far.
    pub fn forget_requests(&self) {
        *self.state.requests() = Requests::default();
        self.state.traffic().forget();
    }

    /// Gives those who ask another security role, as [`Builder::role`](crate::Builder::role).
    ///
    /// # Errors
    /// When there is no such role.
    pub fn set_role(&self, role: &str) -> Result<(), Error> {
        self.state.set_role(Role::parse(role).map_err(Kind::UnknownRole)?);
        Ok(())
    }

    /// Sets a switch, `name=value`, as [`Builder::switch`](crate::Builder::switch).
    ///
    /// # Errors
    /// When there is no such switch, or no such value of it.
    pub fn set_switch(&self, switch: &str) -> Result<(), Error> {
        let mut switches = self.state.switches();
        switches.set_word(switch).map_err(Kind::BadSwitch)?;
        self.state.set_switches(switches);
        Ok(())
    }

    /// How long answers are on their way from now on, as [`Builder::latency`](crate::Builder::latency).
    pub fn set_latency(&self, per_request: Duration, per_row: Duration) {
        self.state.set_latency(Latency { per_request, per_row });
    }
}
