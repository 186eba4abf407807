//! What the requests of one simulator share.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use tokio::sync::watch;

use crate::callbacks::Callbacks;
use crate::data::plan::Maker;
use crate::document::{Document, Release};
use crate::drift::Drift;
use crate::faults::{Faults, Minute};
use crate::files::Files;
use crate::kind::Kind;
use crate::latency::Latency;
use crate::place::Place;
use crate::query::{Grammar, Names};
use crate::role::{Role, Shown};
use crate::samples::Samples;
use crate::switches::{Switch, Switches};
use crate::table::{Empty, Table};
use crate::tenant::Tenant;
use crate::tickets::Both;
use crate::traffic::Traffic;

/// Where rows come from.
#[derive(Debug)]
pub(crate) enum Source {
    Generated(Box<Tenant>),
    Samples(Samples),
}

impl Source {
    /// All rows of a list.
    pub(crate) fn table(&self, document: &Document, place: Place) -> Box<dyn Table + '_> {
        match self {
            Self::Generated(tenant) => Box::new(tenant.table(place)),
            Self::Samples(samples) => match Kind::at(document.resources[place.resource].template) {
                Some(kind) => Box::new(samples.table(kind)),
                None => Box::new(Empty),
            },
        }
    }

    /// The same as of a moment.
    fn table_at(&self, document: &Document, place: Place, at: Option<i64>) -> Box<dyn Table + '_> {
        match (self, at) {
            (Self::Generated(tenant), Some(at)) => Box::new(tenant.table_at(place, at)),
            _ => self.table(document, place),
        }
    }

    /// The rows that a list shows, now or as of a moment: of service tickets it may be all tickets.
    pub(crate) fn listed(
        &self,
        document: &Document,
        place: Place,
        switches: &Switches,
        at: Option<i64>,
    ) -> Box<dyn Table + '_> {
        let table = self.table_at(document, place, at);
        let project = document.resource_at("/project/tickets").map(|found| Place::flat(found.number));
        match project {
            Some(project)
                if document.resources[place.resource].template == "/service/tickets"
                    && switches.is(Switch::ServiceTickets, "all") =>
            {
                let withheld = switches.is(Switch::RecordType, "service").then_some("recordType");
                let project: Box<dyn Table> = match (self, at) {
                    (Self::Generated(tenant), None) => {
                        Box::new(tenant.table(project).shown_as(place.resource, withheld))
                    }
                    (Self::Generated(tenant), Some(at)) => {
                        Box::new(tenant.table_at(project, at).shown_as(place.resource, withheld))
                    }
                    (Self::Samples(_), _) => Box::new(Empty),
                };
                Box::new(Both { service: table, project })
            }
            _ => table,
        }
    }

    /// The rows of a list that a role finds by their ids. Set-up tables and what hangs on a row are everybody's.
    pub(crate) fn table_for(&self, document: &Document, place: Place, role: &Role) -> Box<dyn Table + '_> {
        self.narrowed(self.table(document, place), place, role)
    }

    /// The rows that a list shows to a role.
    pub(crate) fn listed_for(
        &self,
        document: &Document,
        place: Place,
        role: &Role,
        switches: &Switches,
    ) -> Box<dyn Table + '_> {
        self.narrowed(self.listed(document, place, switches, None), place, role)
    }

    fn narrowed<'a>(&'a self, table: Box<dyn Table + 'a>, place: Place, role: &Role) -> Box<dyn Table + 'a> {
        let Self::Generated(tenant) = self else { return table };
        let narrowed = role.hides_rows() && place.parents().is_empty();
        match tenant.world().plan(place).maker {
            Maker::Hand(_) | Maker::Own(_) if narrowed => {
                let document = tenant.world().document;
                let Some(schema) = document.schemas.get(document.resources[place.resource].schema) else {
                    return table;
                };
                let names = Names::of(document, schema, Grammar::default());
                let own = document.resources[place.resource].template == Kind::Member.path();
                Box::new(Shown::new(table, names, own, tenant.member_of_key(), role))
            }
            _ => table,
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
    /// Answers by status, and the bytes of lists.
    pub(crate) statuses: BTreeMap<u16, u64>,
    pub(crate) bytes: u64,
}

/// Requests and paths that are kept; a client that asks for ever new paths can't fill the memory.
const KEPT: usize = 1_000;

impl Requests {
    pub(crate) fn add(&mut self, asked: Asked) {
        self.total += 1;
        *self.statuses.entry(asked.status).or_default() += 1;
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
    role: RwLock<Role>,
    drift: Mutex<Option<Drift>>,
    files: Mutex<Files>,
    switches: RwLock<Switches>,
    minute: Mutex<Minute>,
    latency: RwLock<Latency>,
    traffic: Mutex<Traffic>,
    pub(crate) credentials: Credentials,
    pub(crate) document: &'static Document,
    pub(crate) callbacks: Callbacks,
    /// True when the simulator stops; bodies that would never end do then.
    pub(crate) stopping: watch::Receiver<bool>,
}

impl State {
    pub(crate) fn new(
        source: Source,
        credentials: Credentials,
        document: &'static Document,
        callbacks: Callbacks,
        stopping: watch::Receiver<bool>,
    ) -> Self {
        Self {
            source: RwLock::new(Arc::new(source)),
            faults: Mutex::default(),
            requests: Mutex::default(),
            role: RwLock::default(),
            drift: Mutex::default(),
            files: Mutex::default(),
            switches: RwLock::default(),
            minute: Mutex::default(),
            latency: RwLock::default(),
            traffic: Mutex::default(),
            credentials,
            document,
            callbacks,
            stopping,
        }
    }

    pub(crate) fn release(&self) -> Release {
        self.document.release
    }

    pub(crate) fn role(&self) -> Role {
        self.role.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_role(&self, role: Role) {
        *self.role.write().unwrap_or_else(PoisonError::into_inner) = role;
    }

    pub(crate) fn switches(&self) -> Switches {
        self.switches.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_switches(&self, switches: Switches) {
        let touch = switches.is(Switch::ChildrenTouchParents, "yes");
        let doubled = switches.is(Switch::DoubleSlashes, "everywhere");
        // Samples have no children to touch anything, and their addresses are as they were recorded.
        let _ = self.change(|tenant| {
            tenant.children_touch_parents(touch);
            tenant.double_slashes(doubled);
        });
        *self.switches.write().unwrap_or_else(PoisonError::into_inner) = switches;
    }

    pub(crate) fn minute(&self) -> MutexGuard<'_, Minute> {
        self.minute.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn latency(&self) -> Latency {
        *self.latency.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_latency(&self, latency: Latency) {
        *self.latency.write().unwrap_or_else(PoisonError::into_inner) = latency;
    }

    pub(crate) fn traffic(&self) -> MutexGuard<'_, Traffic> {
        self.traffic.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What draws begin with that are none of the data.
    pub(crate) fn seed(&self) -> u64 {
        match self.source().as_ref() {
            Source::Generated(tenant) => tenant.world().seed,
            Source::Samples(_) => 0,
        }
    }

    pub(crate) fn drift(&self) -> MutexGuard<'_, Option<Drift>> {
        self.drift.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn files(&self) -> MutexGuard<'_, Files> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The rows as they are now; they stay so for whoever holds them.
    pub(crate) fn source(&self) -> Arc<Source> {
        Arc::clone(&self.source.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The clock.
    pub(crate) fn now(&self) -> i64 {
        match self.source().as_ref() {
            Source::Generated(tenant) => tenant.now(),
            Source::Samples(_) => crate::data::world::NOW,
        }
    }

    /// Changes the tenant; `None` where the rows come from files, which don't change.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut Tenant) -> T) -> Option<T> {
        let mut source = self.source.write().unwrap_or_else(PoisonError::into_inner);
        // Where nobody reads just now nothing has to be kept as it was.
        if let Some(Source::Generated(tenant)) = Arc::get_mut(&mut source) {
            return Some(change(tenant));
        }
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
