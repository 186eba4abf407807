//! A script without async: the newest open service tickets, the first of which gets a summary that says so.
//!
//! ```text
//! CW_BASE_URL=http://127.0.0.1:8080 CW_AUTH_USERNAME=acme+key CW_AUTH_PASSWORD=secret CW_CLIENTID=id \
//!     cargo run -p connectwise-sdk --features service,blocking --example blocking
//! ```

mod connect;

use std::error::Error;
use std::io::Write as _;

use connectwise_sdk::Patch;
use connectwise_sdk::blocking::Client;
use connectwise_sdk::fields::ticket;
use connectwise_sdk::models::Ticket;

fn main() -> Result<(), Box<dyn Error>> {
    let client = Client::of(connect::client()?)?;
    let mut out = std::io::stdout().lock();

    let tickets = client.resource::<Ticket>();
    // The list may hold project tickets, too, which are changed elsewhere.
    let of_service = ticket::RECORD_TYPE.eq("ServiceTicket");
    let open = tickets.list().conditions(ticket::CLOSED_FLAG.eq(false) & of_service);
    writeln!(out, "{} open tickets", open.count()?)?;
    let mut newest = None;
    for ticket in open.order_by(ticket::ID.desc()).fields((ticket::ID, ticket::SUMMARY)).limit(10).records() {
        let ticket = ticket?;
        writeln!(out, "{:?} {}", ticket.id, ticket.summary.as_deref().unwrap_or_default())?;
        newest = newest.or(ticket.id);
    }
    if let Some(id) = newest {
        let ticket = tickets.patch(id, &Patch::new().replace("summary", "The newest of all"))?;
        writeln!(out, "{id} is now called {}", ticket.summary.unwrap_or_default())?;
    }
    Ok(())
}
