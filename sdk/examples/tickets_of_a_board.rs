//! The newest open tickets of a service board (its name is the argument, or the first board).
//!
//! ```text
//! CW_BASE_URL=http://127.0.0.1:8080 CW_AUTH_USERNAME=acme+key CW_AUTH_PASSWORD=secret CW_CLIENTID=id \
//!     cargo run -p connectwise-sdk --features service --example tickets_of_a_board
//! ```

mod connect;

use std::error::Error;
use std::io::Write as _;

use connectwise_sdk::Record as _;
use connectwise_sdk::fields::{board, ticket};
use connectwise_sdk::models::{Board, Ticket};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let client = connect::client()?;
    let mut out = std::io::stdout().lock();

    let boards = client.resource::<Board>().list();
    let board = match std::env::args().nth(1) {
        Some(name) => boards.conditions(board::NAME.eq(name)).first().await?,
        None => boards.first().await?,
    };
    let board = board.ok_or("the server has no such board")?;
    let id = board.id.ok_or("the server gave no id")?;

    let open = ticket::BOARD.id().eq(id) & ticket::CLOSED_FLAG.eq(false);
    let tickets = client.resource::<Ticket>().list().conditions(open).order_by(ticket::ID.desc());
    writeln!(out, "{} open tickets on {}", tickets.count().await?, board.name.unwrap_or_default())?;
    for ticket in tickets.limit(20).collect(20).await? {
        let changed = ticket.last_updated().map(|time| time.to_string());
        writeln!(out, "{:?} {} ({})", ticket.id, ticket.summary.unwrap_or_default(), changed.unwrap_or_default())?;
    }
    Ok(())
}
