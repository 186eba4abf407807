//! Module `service`: a ticket is checked, created, changed and found by a search.
//!
//! ```text
//! CW_BASE_URL=http://127.0.0.1:8080 CW_AUTH_USERNAME=acme+key CW_AUTH_PASSWORD=secret CW_CLIENTID=id \
//!     cargo run -p connectwise-sdk --features service --example service
//! ```

mod connect;

use std::error::Error;
use std::io::Write as _;

use connectwise_sdk::models::{FilterValues, Ticket};
use connectwise_sdk::{Patch, Record as _, Write};
use futures::TryStreamExt as _;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let client = connect::client()?;
    let mut out = std::io::stdout().lock();

    let tickets = client.resource::<Ticket>();
    let mut known = std::pin::pin!(tickets.list().page_size(1).stream());
    let known = known.try_next().await?.ok_or("the server has no ticket to take board and company from")?;
    let new = Ticket {
        summary: Some("Printer on fire".to_owned()),
        board: known.board,
        company: known.company,
        ..Ticket::default()
    };
    if let Err(violations) = (Ticket { summary: None, ..new.clone() }).validate(Write::Create) {
        for violation in violations {
            writeln!(out, "not sent: {violation}")?;
        }
    }
    let before = tickets.create(&new).await?;
    let after = Ticket { summary: Some("Printer is out".to_owned()), ..before.clone() };
    let id = before.id().ok_or("the server gave no id")?;
    tickets.patch(id, &Patch::between(&before, &after)?).await?;

    let filter = FilterValues { conditions: Some(format!("id = {id}")), ..FilterValues::default() };
    for ticket in client.post_service_tickets_search().body(filter).send().await? {
        writeln!(out, "{:?} {}", ticket.id, ticket.summary.unwrap_or_default())?;
    }
    Ok(())
}
