//! Callbacks: who wants to hear of what, and what became of what was sent.

mod deliver;
mod sign;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use serde_json::{Value as Json, json};
use tokio::sync::{mpsc, watch};

use crate::calendar::DAY;
use crate::data::names;
use crate::data::rng::Draw;
use crate::place::Place;
use crate::state::{Source, State};
use crate::table::Table;

pub(crate) use deliver::is_loopback;

/// Types of callbacks by the schemas whose rows they are about. Rows below other rows have none.
const TYPES: [(&str, &str); 17] = [
    ("Ticket", "ticket"),
    ("ProjectTicket", "ticket"),
    ("Company", "company"),
    ("Contact", "contact"),
    ("Agreement", "agreement"),
    ("Activity", "activity"),
    ("CatalogItem", "productcatalog"),
    ("Company.Configuration", "configuration"),
    ("ExpenseEntry", "expense"),
    ("Invoice", "invoice"),
    ("Project", "project"),
    ("PurchaseOrder", "purchaseorder"),
    ("Opportunity", "opportunity"),
    ("ScheduleEntry", "schedule"),
    ("Member", "member"),
    ("TimeEntry", "time"),
    ("CompanySite", "site"),
];

/// A callback that keeps failing for so long is switched off.
const PATIENCE: i64 = 3 * DAY;

/// Callbacks and what became of them.
#[derive(Debug)]
pub(crate) struct Callbacks {
    queue: mpsc::UnboundedSender<Delivery>,
    outcomes: Mutex<Outcomes>,
    /// The server's own address, once it has one.
    url: OnceLock<String>,
    key: String,
    key_id: String,
}

/// Counters, and since when a callback has been failing.
#[derive(Debug, Default)]
struct Outcomes {
    counts: BTreeMap<&'static str, u64>,
    failing: BTreeMap<i64, i64>,
}

/// A message on its way.
#[derive(Debug)]
struct Delivery {
    callback: i64,
    url: String,
    body: String,
    signature: String,
    /// The clock when it was sent.
    now: i64,
}

/// What takes messages to where they are wanted.
#[derive(Debug)]
pub(crate) struct Post {
    queue: mpsc::UnboundedReceiver<Delivery>,
    /// Waits before the second and third attempt, and how long an answer may take.
    waits: [Duration; 2],
    patience: Duration,
}

impl Callbacks {
    /// `waits` are those between attempts, 2 and 4 seconds unless a test can't wait.
    pub(crate) fn new(seed: u64, waits: [Duration; 2]) -> (Self, Post) {
        let (send, receive) = mpsc::unbounded_channel();
        let (mut key, mut key_id) = (String::new(), String::new());
        names::guid(&mut key, Draw::of(seed, 97, 0), 0);
        names::guid(&mut key_id, Draw::of(seed, 97, 1), 0);
        let callbacks = Self { queue: send, outcomes: Mutex::default(), url: OnceLock::new(), key, key_id };
        (callbacks, Post { queue: receive, waits, patience: Duration::from_secs(5) })
    }

    /// Tells where the server is, once.
    pub(crate) fn listen_at(&self, url: String) {
        // A second address would be a mistake of ours that changes nothing.
        drop(self.url.set(url));
    }

    fn outcomes(&self) -> MutexGuard<'_, Outcomes> {
        self.outcomes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counters by outcome: `delivered`, `retried`, `lost`.
    pub(crate) fn counts(&self) -> BTreeMap<&'static str, u64> {
        self.outcomes().counts.clone()
    }

    /// The signing key, as `key_url` answers; `None` for another key's id.
    pub(crate) fn key(&self, id: &str) -> Option<Json> {
        id.eq_ignore_ascii_case(&self.key_id).then(|| json!({ "signing_key": self.key }))
    }

    /// Whether anybody wants to hear of anything.
    pub(crate) fn anybody(&self, state: &State) -> bool {
        let resource = state.document.resource_at("/system/callbacks");
        let source = state.source();
        resource.is_some_and(|found| source.table(state.document, Place::flat(found.number)).live() > 0)
    }

    /// Tells everybody who wants to hear of it that a row changed: `added`, `updated` or `deleted`.
    pub(crate) fn changed(&self, state: &State, schema: &str, id: i64, action: &str) {
        let Some((_, kind)) = TYPES.into_iter().find(|(name, _)| *name == schema) else { return };
        let Some(resource) = state.document.resource_at("/system/callbacks") else { return };
        let source = state.source();
        let Source::Generated(tenant) = source.as_ref() else { return };
        let place = Place::flat(resource.number);
        let table = tenant.table(place);
        for slot in (0..table.slots()).filter(|slot| table.is_live(*slot)) {
            let entry = tenant.tree(place, slot);
            let wanted = entry["type"].as_str().is_some_and(|wanted| wanted.eq_ignore_ascii_case(kind));
            if wanted && entry["inactiveFlag"] != Json::Bool(true) && self.is_patient(state, place, &entry) {
                self.send(state, &entry, (schema, kind), id, action);
            }
        }
    }

    /// Switches a callback off that has been failing for too long.
    fn is_patient(&self, state: &State, place: Place, entry: &Json) -> bool {
        let id = entry["id"].as_i64().unwrap_or(0);
        let since = self.outcomes().failing.get(&id).copied();
        let tired = since.is_some_and(|since| state.now() - since >= PATIENCE);
        if tired {
            // Samples have no callbacks, so this is a tenant.
            let _ = state.change(|tenant| {
                if let (Some(slot), Some(row)) = (tenant.table(place).slot_of(id), entry.as_object()) {
                    let mut row = row.clone();
                    row.insert("inactiveFlag".to_owned(), Json::Bool(true));
                    tenant.replace(place, slot, row, "system");
                }
            });
        }
        !tired
    }

    fn send(&self, state: &State, entry: &Json, (schema, kind): (&str, &str), id: i64, action: &str) {
        let callback = entry["id"].as_i64().unwrap_or(0);
        let url = entry["url"].as_str().unwrap_or_default();
        let own = self.url.get().map_or("", String::as_str);
        let company = state.credentials.company();
        let now = state.now();
        let mut message = String::new();
        names::guid(&mut message, Draw::of(callback as u64, 96, now as u64), id as u64);
        let body = json!({
            "MessageId": message,
            "FromUrl": own,
            "CompanyId": company,
            "MemberId": entry.get("memberId").cloned().unwrap_or(Json::Null),
            "Action": action,
            "Type": kind,
            "ID": id,
            "ProductInstanceId": null,
            "PartnerId": null,
            // JSON within a text, and nothing where the row is gone.
            "Entity": self.entity(state, schema, id, action),
            "Metadata": {
                "key_url": format!(
                    "{own}/v4_6_release/system/callbackkey/index.rails?companyName={company}&id={}", self.key_id
                ),
            },
            "CallbackObjectRecId": callback,
        })
        .to_string();
        let signature = sign::signature(&self.key, body.as_bytes());
        let url = format!("{url}{id}&action={action}");
        // The post is gone only when the simulator is.
        drop(self.queue.send(Delivery { callback, url, body, signature, now }));
    }

    fn entity(&self, state: &State, schema: &str, id: i64, action: &str) -> Option<String> {
        let resource = state.document.resource_named(schema).filter(|_| action != "deleted")?;
        let source = state.source();
        let Source::Generated(tenant) = source.as_ref() else { return None };
        let place = Place::flat(resource.number);
        let slot = tenant.table(place).slot_of(id)?;
        Some(tenant.tree(place, slot).to_string())
    }

    fn count(&self, outcome: &'static str) {
        *self.outcomes().counts.entry(outcome).or_default() += 1;
    }

    fn finished(&self, delivery: &Delivery, delivered: bool) {
        let mut outcomes = self.outcomes();
        if delivered {
            outcomes.failing.remove(&delivery.callback);
        } else {
            outcomes.failing.entry(delivery.callback).or_insert(delivery.now);
        }
        *outcomes.counts.entry(if delivered { "delivered" } else { "lost" }).or_default() += 1;
    }
}

/// Delivers until the simulator stops; what is on its way then is lost.
pub(crate) async fn run(state: std::sync::Arc<State>, mut post: Post, mut stopping: watch::Receiver<bool>) {
    let mut running = tokio::task::JoinSet::new();
    loop {
        tokio::select! {
            // An error says that the simulator is gone.
            _ = stopping.wait_for(|stopping| *stopping) => return,
            delivery = post.queue.recv() => {
                let Some(delivery) = delivery else { return };
                let (state, waits, patience) = (std::sync::Arc::clone(&state), post.waits, post.patience);
                running.spawn(async move { deliver::deliver(&state.callbacks, &delivery, waits, patience).await });
            }
            _ = running.join_next(), if !running.is_empty() => {}
        }
    }
}
