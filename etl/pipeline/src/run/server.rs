//! What a server reports about itself before any list is requested.

use connectwise_sdk::{Client, ClientStats, ErrorKind, RetryPolicy};

use crate::halt::{Trouble, first_trouble};

/// Most attempts for each of these requests. What fails here is tried again by the lists, with all of the policy's attempts.
const ATTEMPTS: u32 = 3;

/// The server's release, and its state.
#[derive(Debug, Default)]
pub(super) struct Server {
    pub(super) release: Option<String>,
    pub(super) spent: ClientStats,
    /// What a failed request says about the server; `None` after an answer.
    pub(super) trouble: Option<Trouble>,
    /// Whether every list may fail, so that lists are tried one at a time.
    pub(super) doubted: bool,
    /// Error of the connection. It becomes the failure of the first list, without a second wait.
    pub(super) unreached: Option<connectwise_sdk::Error>,
}

impl Server {
    /// Requests the release and, at the same time, checks the credentials. A failure is no error here: the lists report it.
    pub(super) async fn ask(client: &Client) -> Self {
        let retry = client.retry();
        let few = RetryPolicy { max_attempts: retry.max_attempts.min(ATTEMPTS), ..retry };
        let client = client.with_own_stats().with_retry(few);
        // The requests are independent.
        let (info, lets_in) = futures::join!(client.company_info(), lets_in(&client));
        let trouble = info.as_ref().err().and_then(Trouble::of_sdk);
        let (release, unreached) = match info {
            Ok(info) => (info.version_number.or(info.version_code), None),
            Err(error) => (None, Some(error).filter(|error| error.kind() == ErrorKind::Connect)),
        };
        Self { release, spent: client.stats(), trouble, doubted: trouble.is_some() || !lets_in, unreached }
    }
}

/// Whether the server accepts the credentials, so that concurrent lists don't all fail on them. Not asked if lists are loaded
/// one at a time.
async fn lets_in(client: &Client) -> bool {
    client.config().concurrency() == 1
        || first_trouble(client).await.is_none_or(|trouble| trouble == Trouble::Shut(403))
}
