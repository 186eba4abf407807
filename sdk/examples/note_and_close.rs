//! A ticket is created on a board, gets a note, and is closed with one of the states of its board.
//!
//! ```text
//! CW_BASE_URL=http://127.0.0.1:8080 CW_AUTH_USERNAME=acme+key CW_AUTH_PASSWORD=secret CW_CLIENTID=id \
//!     cargo run -p connectwise-sdk --features full --example note_and_close
//! ```

mod connect;

use std::error::Error;
use std::io::Write as _;

use connectwise_sdk::fields::board_status;
use connectwise_sdk::models::{Board, BoardReference, BoardStatus, Company, CompanyReference, ServiceNote, Ticket};
use connectwise_sdk::{Patch, Record as _, Write};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let client = connect::client()?;
    let mut out = std::io::stdout().lock();

    let board =
        client.resource::<Board>().list().first().await?.and_then(|board| board.id).ok_or("there is no board")?;
    let company = client.resource::<Company>().list().first().await?.and_then(|company| company.id);
    let new = Ticket::default()
        .with_summary("No paper in the printer")
        .with_board(BoardReference::by_id(board))
        .with_company(CompanyReference::by_id(company.ok_or("there is no company")?));
    // Says what is missing before anything is sent.
    new.validate(Write::Create)?;
    let tickets = client.resource::<Ticket>();
    let id = tickets.create(&new).await?.id.ok_or("the server gave no id")?;

    // `ServiceNote` is the note of a service ticket; `TicketNote` is a project ticket's.
    let note = ServiceNote::default().with_text("Paper is in tray two.").with_resolution_flag(true);
    client.resource::<ServiceNote>().under(id).create(&note).await?;

    let closed = board_status::CLOSED_STATUS.eq(true);
    let status = client.resource::<BoardStatus>().under(board).list().conditions(closed).first().await?;
    let status = status.and_then(|status| status.id).ok_or("the board has no state that closes a ticket")?;
    let ticket = tickets.patch(id, &Patch::new().replace("status/id", status)).await?;
    writeln!(out, "{id}: {:?}", ticket.status.and_then(|status| status.name))?;
    Ok(())
}
