//! The client that all examples use: server and credentials come from the environment.

use std::error::Error;

use connectwise_sdk::{Client, Config};

/// A client of the server that `CW_BASE_URL` (or `CW_SITE`) names, as `CW_AUTH_USERNAME`, `CW_AUTH_PASSWORD` and
/// `CW_CLIENTID` say.
pub(crate) fn client() -> Result<Client, Box<dyn Error>> {
    Ok(Client::new(Config::from_env()?)?)
}
