//! Whether a run goes on after an entity that failed. Where every other one would fail in the same way, and often as slowly,
//! it stops.

use std::collections::BTreeSet;

use connectwise_extract::read::FEW_RECORDS;
use connectwise_sdk::catalog::Entity;
use connectwise_sdk::{Client, ErrorKind, Method, RetryPolicy};
use futures::stream::{self, StreamExt};

use crate::error::Error;

/// Entities in a row that a server has to fail on before it is asked whether it fails on everything.
const STRIKES: u32 = 2;

/// Lists that a run may begin with and that can't be read, before all others are asked whether any can. A role that may read only
/// some lists is normal.
const HANDFUL: u32 = 5;

/// Lists that are asked at once.
const AT_ONCE: usize = 4;

/// What an entity's failure says of the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The disk of the lakehouse is full.
    FullDisk,
    /// Nobody is reached, or nobody is let in.
    Everywhere,
    /// The server fails, limits or is silent, of which nobody knows how far it goes.
    Somewhere,
    /// The role may not read the list (403), or it isn't there (404): so it is for every list where the role has no rights, or
    /// where the address or the keys are wrong.
    Shut(u16),
}

impl Trouble {
    /// What an error says. `None` where it is about the one list: it isn't readable.
    pub(crate) fn of(error: &Error) -> Option<Self> {
        if error.is_full_disk() { Some(Self::FullDisk) } else { error.of_sdk().and_then(Self::of_sdk) }
    }

    pub(super) fn of_sdk(error: &connectwise_sdk::Error) -> Option<Self> {
        match (error.kind(), error.status()) {
            (ErrorKind::Connect | ErrorKind::Config, _) | (_, Some(401)) => Some(Self::Everywhere),
            (ErrorKind::RateLimited | ErrorKind::Timeout | ErrorKind::Interrupted, _) | (_, Some(500..)) => {
                Some(Self::Somewhere)
            }
            (_, Some(status)) if error.is_forbidden() || error.is_not_found() => Some(Self::Shut(status)),
            _ => None,
        }
    }
}

/// How the entities before went.
#[derive(Debug, Default)]
pub(crate) struct Halt {
    went: bool,
    /// Whether the last failure spoke against the whole server, and nothing has succeeded since.
    doubted: bool,
    strikes: u32,
    /// Lists that can't be read, and what the server answered to them.
    shut: u32,
    statuses: BTreeSet<u16>,
}

impl Halt {
    /// After the server was asked about itself: what it failed on there counts as one.
    pub(super) fn new(trouble: Option<Trouble>) -> Self {
        Self { strikes: u32::from(trouble == Some(Trouble::Somewhere)), ..Self::default() }
    }

    /// Sets whether the server may fail on every list.
    pub(super) fn doubting(self, doubted: bool) -> Self {
        Self { doubted, ..self }
    }

    /// How many lists may be loaded at once: one while the whole server is in doubt; unlimited after a success; before it, as
    /// many as may fail with 403 or 404 before the others are probed.
    pub(super) fn room(&self) -> usize {
        match () {
            () if self.doubted => 1,
            () if self.went => usize::MAX,
            () => HANDFUL.saturating_sub(self.shut).max(1) as usize,
        }
    }

    /// Takes how an entity went, and where the `rest` have to be left alone, gives what is to be said of it behind what failed.
    /// After a success, and where the server just fails, it is asked for something else first: one module of it may be broken for
    /// good, and the others are not. Where lists can't be read, the others are asked for a record each.
    pub(crate) async fn after(
        &mut self,
        client: &Client,
        failed: bool,
        trouble: Option<Trouble>,
        rest: &[&'static Entity],
    ) -> Option<String> {
        if let Some(Trouble::Shut(status)) = trouble {
            self.strikes = 0;
            self.shut += 1;
            self.statuses.insert(status);
            let asks = self.shut == HANDFUL && !self.went;
            return (asks && self.is_shut(client, rest).await).then(|| self.unreadable(rest.len()));
        }
        self.went |= !failed;
        self.doubted = failed && (self.doubted || trouble.is_some());
        self.strikes = if failed && trouble.is_some() { self.strikes + 1 } else { 0 };
        let stops = match trouble.filter(|_| failed) {
            Some(Trouble::FullDisk) => true,
            Some(Trouble::Everywhere) if !self.went => true,
            Some(Trouble::Everywhere) => fails_on_everything(client).await,
            Some(Trouble::Somewhere) => self.strikes >= STRIKES && fails_on_everything(client).await,
            _ => false,
        };
        stops.then(|| not_tried(rest.len()))
    }

    /// Whether none of these lists can be read either. Those below rows of others can't be asked; they are no more open than these.
    async fn is_shut(&mut self, client: &Client, lists: &[&'static Entity]) -> bool {
        let lists: Vec<_> = lists.iter().copied().filter(|entity| entity.parent().is_none()).collect();
        if lists.is_empty() {
            return false;
        }
        let once = client.with_retry(RetryPolicy::never());
        let mut answers = stream::iter(lists).map(|entity| status_of(&once, entity)).buffer_unordered(AT_ONCE);
        while let Some(status) = answers.next().await {
            match status {
                Some(status) => self.statuses.insert(status),
                None => return false,
            };
        }
        true
    }

    fn unreadable(&self, rest: usize) -> String {
        let statuses: Vec<String> = self.statuses.iter().map(u16::to_string).collect();
        let why = match self.statuses.contains(&404) {
            true => {
                "check the address of the server, the company id and the keys, to which cloud servers answer so too when they \
                 are wrong, and then the rights of the API member's security role"
            }
            false => "give the API member's security role the rights that connectwise-etl doctor names",
        };
        let other = others(rest);
        format!("; the server answers {} to every list, so {other} not tried: {why}", statuses.join(" or "))
    }

    /// Notes an entity that went well without a request, as all of it was known before: that says nothing of the server.
    pub(super) fn unasked(&mut self) {
        self.went = true;
    }

    /// Whether any entity went well.
    pub(super) fn went(&self) -> bool {
        self.went
    }
}

/// What is wrong with the server, by a single request without retries that concerns no list. Where the server just fails, the
/// lists find out how far that goes.
pub(super) async fn first_trouble(client: &Client) -> Option<Trouble> {
    let asked = client.request(Method::Get, "/system/info").patience(1).send().await;
    asked.err().as_ref().and_then(Trouble::of_sdk)
}

/// Asks for what has to do with no list, once.
async fn fails_on_everything(client: &Client) -> bool {
    let answer = client.with_retry(RetryPolicy::never()).request(Method::Get, "/system/info").send().await;
    let trouble = answer.err().and_then(|error| Trouble::of_sdk(&error));
    matches!(trouble, Some(Trouble::Everywhere | Trouble::Somewhere))
}

/// The status by which a list can't be read; `None` where it can, or something else is wrong.
async fn status_of(client: &Client, entity: &Entity) -> Option<u16> {
    let one = client.request(Method::Get, entity.path).query("pageSize", "1").query("fields", entity.key);
    let answer = one.largest_answer(FEW_RECORDS).send().await;
    match answer.err().and_then(|error| Trouble::of_sdk(&error)) {
        Some(Trouble::Shut(status)) => Some(status),
        _ => None,
    }
}

/// What is said of those that were left alone, behind what failed.
fn not_tried(rest: usize) -> String {
    let other = others(rest);
    format!("; everything else would fail in the same way, so {other} not tried: run again when that is mended")
}

fn others(count: usize) -> String {
    if count == 1 { "1 other list was".to_owned() } else { format!("{count} other lists were") }
}
