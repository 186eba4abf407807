//! What the requests of one simulator share.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use crate::faults::Faults;
use crate::kind::Kind;
use crate::overlay::Tenant;
use crate::samples::Samples;
use crate::table::Table;

/// Where rows come from.
#[derive(Debug)]
pub(crate) enum Source {
    Generated(Box<Tenant>),
    Samples(Samples),
}

impl Source {
    pub(crate) fn table(&self, kind: Kind) -> Box<dyn Table + '_> {
        match self {
            Self::Generated(tenant) => Box::new(tenant.table(kind)),
            Self::Samples(samples) => Box::new(samples.table(kind)),
        }
    }
}

/// Who may ask.
pub(crate) struct Credentials {
    /// `company+publicKey`
    pub(crate) username: String,
    pub(crate) password: String,
}

impl Credentials {
    /// The company of the user name.
    pub(crate) fn company(&self) -> &str {
        self.username.split('+').next().unwrap_or_default()
    }
}

/// A request as it was asked and answered.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) status: u16,
}

/// Counters of all requests, and the last ones in full.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    pub(crate) total: u64,
    pub(crate) counts: BTreeMap<(String, u16), u64>,
    pub(crate) recent: VecDeque<Asked>,
}

/// Requests and paths that are kept; a client that asks for ever new paths can't fill the memory.
const KEPT: usize = 1_000;

impl Requests {
    pub(crate) fn add(&mut self, asked: Asked) {
        self.total += 1;
        let key = (asked.path.clone(), asked.status);
        if self.counts.len() < KEPT || self.counts.contains_key(&key) {
            *self.counts.entry(key).or_default() += 1;
        }
        if self.recent.len() == KEPT {
            self.recent.pop_front();
        }
        self.recent.push_back(asked);
    }
}

/// The state of a simulator.
pub(crate) struct State {
    source: RwLock<Arc<Source>>,
    faults: Mutex<Faults>,
    requests: Mutex<Requests>,
    pub(crate) credentials: Credentials,
}

impl State {
    pub(crate) fn new(source: Source, credentials: Credentials) -> Self {
        Self {
            source: RwLock::new(Arc::new(source)),
            faults: Mutex::default(),
            requests: Mutex::default(),
            credentials,
        }
    }

    /// The rows as they are now; they stay so for whoever holds them.
    pub(crate) fn source(&self) -> Arc<Source> {
        Arc::clone(&self.source.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the tenant; `None` where the rows come from files, which don't change.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut Tenant) -> T) -> Option<T> {
        let mut source = self.source.write().unwrap_or_else(PoisonError::into_inner);
        let Source::Generated(tenant) = source.as_ref() else { return None };
        let mut tenant = tenant.clone();
        let changed = change(&mut tenant);
        *source = Arc::new(Source::Generated(tenant));
        Some(changed)
    }

    pub(crate) fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn requests(&self) -> MutexGuard<'_, Requests> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
