//! Code of your own is tested without a tenant, network or credentials: against a function that answers by itself, or against the
//! simulator, which is a whole server in this process.
//!
//! ```text
//! cargo run -p connectwise-sdk --features service --example mock
//! ```

use std::error::Error;
use std::io::Write as _;

use connectwise_sdk::fields::ticket;
use connectwise_sdk::models::Ticket;
use connectwise_sdk::transport::TransportError;
use connectwise_sdk::{Client, Config, Credentials, Result};
use connectwise_sim::{Changes, FaultRule, Simulator};

/// The code that is tested.
async fn open_tickets(client: &Client) -> Result<u64> {
    client.resource::<Ticket>().list().conditions(ticket::CLOSED_FLAG.eq(false)).count().await
}

const CLIENT_ID: &str = "11111111-2222-3333-4444-555555555555";

/// A function answers: for a test of one thing, which says what the server says. Conditions, retries, limits and errors are the client's own.
fn answered() -> Result<Client> {
    let credentials = Credentials::new("acme+public", "private", CLIENT_ID)?;
    let config = Config::new("https://na.myconnectwise.net", credentials)?;
    Client::new(config.with_transport(|request: http::Request<bytes::Bytes>| async move {
        if request.uri().path().ends_with("/service/tickets/count") {
            Ok(http::Response::new("{\"count\":3}".into()))
        } else {
            Err(TransportError::not_sent("this test has no other answer"))
        }
    }))
}

#[tokio::main]
async fn main() -> std::result::Result<(), Box<dyn Error>> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{} open tickets, says a function", open_tickets(&answered()?).await?)?;

    // A simulated tenant: for tests of what changes there and of what can fail. The same seed makes the same one.
    let simulator = Simulator::builder().seed(7).scale(50).start().await?;
    let credentials = Credentials::new(simulator.username(), simulator.password(), CLIENT_ID)?;
    let client = Client::new(Config::new(&simulator.base_url(), credentials)?)?;

    let before = open_tickets(&client).await?;
    let new = client.resource::<Ticket>().list().first().await?.ok_or("the tenant has no ticket")?;
    client.resource::<Ticket>().create(&Ticket { id: None, closed_flag: None, ..new }).await?;
    writeln!(out, "{before} open tickets, and {} after one came", open_tickets(&client).await?)?;

    // What others do, and what the server has, whatever your code thinks.
    simulator.advance("/service/tickets", Changes { insert: 2, ..Changes::default() })?;
    writeln!(out, "{} tickets a day later ({})", simulator.truth("/service/tickets")?.len(), simulator.now())?;

    // What your code does when the server is busy, and how it asked.
    simulator.forget_requests();
    simulator.fault(FaultRule::status(503).at("/service/tickets/count").with_method("GET"))?;
    writeln!(out, "{} open tickets all the same", open_tickets(&client).await?)?;
    let statuses: Vec<u16> = simulator.requests().iter().map(|request| request.status).collect();
    writeln!(out, "the server answered {statuses:?}")?;

    // And when it goes away.
    simulator.shutdown().await;
    writeln!(out, "{}", open_tickets(&client).await.err().map(|error| error.to_string()).unwrap_or_default())?;
    Ok(())
}
