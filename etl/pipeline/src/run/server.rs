//! What a server says of itself before any list is asked for.

use connectwise_sdk::{Client, ClientStats, ErrorKind};

use crate::halt::{Trouble, first_trouble};

/// What the server says it runs, and what asking took.
#[derive(Debug, Default)]
pub(super) struct Server {
    pub(super) release: Option<String>,
    pub(super) spent: ClientStats,
    /// What no answer says of the lists.
    pub(super) trouble: Option<Trouble>,
    /// Whether it may fail on every list.
    pub(super) doubted: bool,
    /// Why it wasn't reached. Nothing is gained by waiting for that a second time.
    pub(super) unreached: Option<connectwise_sdk::Error>,
}

impl Server {
    /// Asks what it runs, and whether it lets anybody in. No answer is no fault: whatever is wrong, the lists say it.
    pub(super) async fn ask(client: &Client) -> Self {
        let client = client.with_own_stats();
        // Neither needs the other's answer.
        let (info, lets_in) = futures::join!(client.company_info(), lets_in(&client));
        let trouble = info.as_ref().err().and_then(Trouble::of_sdk);
        let (release, unreached) = match info {
            Ok(info) => (info.version_number.or(info.version_code), None),
            Err(error) => (None, Some(error).filter(|error| error.kind() == ErrorKind::Connect)),
        };
        Self { release, spent: client.stats(), trouble, doubted: trouble.is_some() || !lets_in, unreached }
    }
}

/// Whether a server that is going to be asked for several lists at once lets anybody in, so that not all of them have to find that out.
async fn lets_in(client: &Client) -> bool {
    client.config().concurrency() == 1
        || first_trouble(client).await.is_none_or(|trouble| trouble == Trouble::Shut(403))
}
