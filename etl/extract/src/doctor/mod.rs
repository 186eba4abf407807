//! Whether a tenant can be loaded: what has to be so before the first load, found out without writing anything.
//!
//! Server, credentials, version and clocks first; then the rights and rows of every entity; then what a conversation with
//! this server needs to know: how it reads dates and quotes, and whether the role shows only a part of the rows; last what it does
//! in ways of its own, which no load depends on.

mod access;
mod below;
mod changes;
mod doubts;
mod language;
mod role;
mod server;
mod ways;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use connectwise_sdk::Client;
use connectwise_sdk::catalog::Entity;
use serde::Serialize;

use crate::progress::Progress;

pub use access::{Access, EntityFinding};
pub use changes::watermarks;

/// How a check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As it has to be.
    Good,
    /// It may be as it has to be; a person has to look.
    Doubt,
    /// Not as it has to be.
    Bad,
    /// It can't be found out.
    Unknown,
}

/// What one check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was checked, a word or two.
    pub check: &'static str,
    /// How it went.
    pub verdict: Verdict,
    /// What was found, one sentence.
    pub found: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

impl Finding {
    fn new(check: &'static str, verdict: Verdict, found: impl Into<String>) -> Self {
        Self { check, verdict, found: found.into(), advice: None }
    }

    fn advice(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }
}

/// What to ask the PSA administrator for: a right of the API member's security role, at the level Inquire = All.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ask {
    /// Module of the security role.
    pub module: &'static str,
    /// Permission within it.
    pub permission: &'static str,
    /// Entities that need it.
    pub entities: Vec<&'static str>,
}

/// How an examination ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// All can be loaded.
    Good,
    /// Some of it can't, or not as it should.
    Ailing,
    /// Nothing can be: no answer, or nobody is let in.
    Unreachable,
}

/// Everything that was found.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Examination {
    /// How it ended.
    pub health: Health,
    /// Where the API is.
    pub base_url: String,
    /// Version of the interface document that the tables come from.
    pub api_version: &'static str,
    /// The checks, in their order.
    pub checks: Vec<Finding>,
    /// Rights and rows, entity by entity.
    pub entities: Vec<EntityFinding>,
    /// What to ask the PSA administrator for.
    pub ask: Vec<Ask>,
    /// Lines of the configuration's `[source]` that follow from what was found.
    pub settings: Vec<String>,
}

/// Checks that come after the look at each entity, and tell that they have ended.
const LAST: [&str; 4] = ["lists below records", "conditions", "doubts", "ways of the server"];

/// Examines the server of `client` for the loading of `entities`. `now` is this machine's clock.
pub async fn examine(
    client: &Client,
    entities: &[&'static Entity],
    now: &(dyn Fn() -> DateTime<Utc> + Sync),
    progress: &dyn Progress,
) -> Examination {
    progress.planned(entities.len() + LAST.len());
    let mut examination = Examination {
        health: Health::Unreachable,
        base_url: String::new(),
        api_version: connectwise_sdk::API_VERSION,
        checks: Vec::new(),
        entities: Vec::new(),
        ask: Vec::new(),
        settings: Vec::new(),
    };
    let known = server::check(client, now, &mut examination).await;
    let client = known.as_ref().unwrap_or(client);
    if known.is_some() {
        examination.entities = access::check(client, entities, progress).await;
        let readable = |finding: &EntityFinding| matches!(finding.access, Access::Readable | Access::Parents);
        if examination.entities.iter().any(readable) {
            examination.health = Health::Good;
            server::let_in(&mut examination.checks);
            access::sum_up(&mut examination);
            changes::check(&mut examination);
            let [below, conditions, doubts, ways] = LAST;
            below::check(client, entities, &mut examination).await;
            progress.done(below);
            language::check(client, entities, &mut examination).await;
            progress.done(conditions);
            doubts::check(client, entities, &mut examination).await;
            progress.done(doubts);
            ways::check(client, entities, &mut examination).await;
            progress.done(ways);
            examination.ask = asks(&examination.entities);
        } else {
            examination.checks.push(server::nobody_let_in(&examination.entities));
        }
    }
    examination.base_url = client.base_url();
    let bad = examination.checks.iter().any(|finding| finding.verdict == Verdict::Bad);
    if bad && examination.health == Health::Good {
        examination.health = Health::Ailing;
    }
    examination
}

impl Examination {
    /// Names of the entities that the role may not read, as far as can be told.
    pub fn shut(&self) -> Vec<&'static str> {
        self.entities.iter().filter(|finding| finding.lacks()).map(|finding| finding.entity).collect()
    }

    /// Takes lists that the role may not read for right where they are optional.
    pub fn tolerate(&mut self, optional: &[&str]) {
        let shut = self.shut();
        let failed = self.entities.iter().any(|finding| matches!(finding.access, Access::Failed(_)));
        if shut.is_empty() || failed || !shut.iter().all(|name| optional.contains(name)) {
            return;
        }
        for finding in self.checks.iter_mut().filter(|finding| finding.check == access::RIGHTS) {
            finding.verdict = Verdict::Good;
            finding.found = format!("the role may not read {}, which is optional", shut.join(", "));
            finding.advice = None;
        }
        if self.health == Health::Ailing && self.checks.iter().all(|finding| finding.verdict != Verdict::Bad) {
            self.health = Health::Good;
        }
    }
}

fn asks(entities: &[EntityFinding]) -> Vec<Ask> {
    let mut asked: BTreeMap<role::Right, Vec<&'static str>> = BTreeMap::new();
    for finding in entities.iter().filter(|finding| finding.lacks()) {
        if let Some(right) = finding.right {
            asked.entry(right).or_default().push(finding.entity);
        }
    }
    let ask =
        |(right, entities): (role::Right, _)| Ask { module: right.module, permission: right.permission, entities };
    asked.into_iter().map(ask).collect()
}
