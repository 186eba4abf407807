//! Whether a run goes on after an entity that failed. Where every other one would fail in the same way, and often as slowly,
//! it stops.

use connectwise_sdk::{Client, ErrorKind, Method, RetryPolicy};

use crate::error::Error;

/// Entities in a row that a server has to fail on before it is asked whether it fails on everything.
const STRIKES: u32 = 2;

/// What an entity's failure says of the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Nobody is reached, or nobody is let in.
    Everywhere,
    /// The server fails, limits or is silent, of which nobody knows how far it goes.
    Somewhere,
}

impl Trouble {
    /// What an error says. `None` where it is about the one list: forbidden, not found, not readable.
    pub(crate) fn of(error: &Error) -> Option<Self> {
        error.of_sdk().and_then(Self::of_sdk)
    }

    pub(super) fn of_sdk(error: &connectwise_sdk::Error) -> Option<Self> {
        match (error.kind(), error.status()) {
            (ErrorKind::Connect | ErrorKind::Config, _) | (_, Some(401)) => Some(Self::Everywhere),
            (ErrorKind::RateLimited | ErrorKind::Timeout | ErrorKind::Interrupted, _) | (_, Some(500..)) => {
                Some(Self::Somewhere)
            }
            _ => None,
        }
    }
}

/// How the entities before went.
#[derive(Debug, Default)]
pub(crate) struct Halt {
    went: bool,
    strikes: u32,
}

impl Halt {
    /// After the server was asked about itself: what it failed on there counts as one.
    pub(super) fn new(trouble: Option<Trouble>) -> Self {
        Self { went: false, strikes: u32::from(trouble == Some(Trouble::Somewhere)) }
    }

    /// Takes how an entity went, and says whether the others have to be left alone. After a success, and where the server just
    /// fails, it is asked for something else first: one module of it may be broken for good, and the others are not.
    pub(crate) async fn after(&mut self, client: &Client, failed: bool, trouble: Option<Trouble>) -> bool {
        self.went |= !failed;
        self.strikes = if failed && trouble.is_some() { self.strikes + 1 } else { 0 };
        match trouble.filter(|_| failed) {
            Some(Trouble::Everywhere) if !self.went => true,
            Some(Trouble::Everywhere) => fails_on_everything(client).await,
            Some(Trouble::Somewhere) => self.strikes >= STRIKES && fails_on_everything(client).await,
            None => false,
        }
    }

    /// Whether any entity went well.
    pub(super) fn went(&self) -> bool {
        self.went
    }
}

/// Asks for what has to do with no list, once.
async fn fails_on_everything(client: &Client) -> bool {
    let once = Client::new(client.config().clone().with_retry(RetryPolicy::never()));
    let Ok(once) = once else { return true };
    let answer = once.request(Method::Get, "/system/info").send().await;
    answer.is_err_and(|error| Trouble::of_sdk(&error).is_some())
}

/// What is said of those that were left alone, behind what failed.
pub(super) fn not_tried(count: usize) -> String {
    format!(
        "; everything else would fail in the same way, so {count} other lists were not tried: run again when that is mended"
    )
}
