//! Code of your own is tested against the simulator, which is a server in this process: no network, no tenant, no credentials.
//!
//! ```text
//! cargo run -p connectwise-sdk --features service --example mock
//! ```

use std::error::Error;
use std::io::Write as _;

use connectwise_sdk::fields::ticket;
use connectwise_sdk::models::Ticket;
use connectwise_sdk::{Client, Config, Credentials, Result};
use connectwise_sim::Simulator;

/// The code that is tested.
async fn open_tickets(client: &Client) -> Result<u64> {
    client.resource::<Ticket>().list().conditions(ticket::CLOSED_FLAG.eq(false)).count().await
}

#[tokio::main]
async fn main() -> std::result::Result<(), Box<dyn Error>> {
    let mut out = std::io::stdout().lock();

    // The same seed makes the same tenant.
    let simulator = Simulator::builder().seed(7).scale(50).start().await?;
    let client_id = "11111111-2222-3333-4444-555555555555";
    let credentials = Credentials::new(simulator.username(), simulator.password(), client_id)?;
    let client = Client::new(Config::new(&simulator.base_url(), credentials)?)?;

    let before = open_tickets(&client).await?;
    let new = client.resource::<Ticket>().list().first().await?.ok_or("the tenant has no ticket")?;
    client.resource::<Ticket>().create(&Ticket { id: None, closed_flag: None, ..new }).await?;
    writeln!(out, "{before} open tickets, and {} after one came", open_tickets(&client).await?)?;

    // What your code does when the server goes away.
    simulator.shutdown().await;
    writeln!(out, "{}", open_tickets(&client).await.err().map(|error| error.to_string()).unwrap_or_default())?;
    Ok(())
}
