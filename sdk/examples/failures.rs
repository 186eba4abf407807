//! What can go wrong, and how to tell: no such record, no right, too many requests, a server that is down.
//!
//! ```text
//! CW_BASE_URL=http://127.0.0.1:8080 CW_AUTH_USERNAME=acme+key CW_AUTH_PASSWORD=secret CW_CLIENTID=id \
//!     cargo run -p connectwise-sdk --features service --example failures
//! ```

mod connect;

use std::error::Error;
use std::io::Write as _;

use std::time::Duration;

use connectwise_sdk::models::Ticket;
use connectwise_sdk::{Client, Config, RetryPolicy};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let client = connect::client()?;
    let mut out = std::io::stdout().lock();

    // The client has repeated what may be repeated by then: a read five times, a write never once it may have been carried out.
    match client.resource::<Ticket>().get(999_999_999).await {
        Ok(ticket) => writeln!(out, "{:?}", ticket.summary)?,
        Err(error) if error.is_not_found() => writeln!(out, "there is no such ticket: {error}")?,
        Err(error) if error.is_unauthorized() => writeln!(out, "the API keys are refused: {error}")?,
        Err(error) if error.is_forbidden() => writeln!(out, "the role lacks a right: {error}")?,
        Err(error) if error.may_have_been_carried_out() => writeln!(out, "look before sending it again: {error}")?,
        Err(error) if error.is_retryable() => {
            writeln!(out, "try again {:?} later: {error}", error.retry_after().unwrap_or(Duration::from_secs(60)))?;
        }
        Err(error) => return Err(error.into()),
    }
    // A record that may be missing.
    writeln!(out, "{:?}", client.resource::<Ticket>().get_opt(999_999_999).await?)?;

    // Nobody listens at this port.
    let patience = RetryPolicy { max_attempts: 2, ..RetryPolicy::default() };
    let nowhere = Config::from_env()?.with_retry(patience).with_proxy("http://127.0.0.1:9")?;
    let error = Client::new(nowhere)?.resource::<Ticket>().count().await.err();
    writeln!(out, "{}", error.map(|error| error.to_string()).unwrap_or_default())?;
    Ok(())
}
