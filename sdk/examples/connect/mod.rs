//! The client that all examples use: server and credentials come from the environment.

use std::env;
use std::error::Error;

use connectwise_sdk::{Client, Config, ConfigParts};

/// A client of the server that `CW_BASE_URL` (or `CW_SITE`) names, as `CW_AUTH_USERNAME`, `CW_AUTH_PASSWORD` and
/// `CW_CLIENTID` say.
pub(crate) fn client() -> Result<Client, Box<dyn Error>> {
    let text = |name: &str| env::var(name).ok();
    let parts = ConfigParts {
        base_url: text("CW_BASE_URL"),
        site: text("CW_SITE"),
        username: text("CW_AUTH_USERNAME"),
        password: text("CW_AUTH_PASSWORD").map(Into::into),
        client_id: text("CW_CLIENTID"),
        ..ConfigParts::default()
    };
    Ok(Client::new(Config::from_parts(parts)?)?)
}
