//! Conditions, an order and a property of other records than the listing's.

use connectwise_sdk::Client;
use connectwise_sdk::fields::{company, ticket};
use connectwise_sdk::models::Ticket;

fn listings(client: Client) {
    let tickets = || client.resource::<Ticket>().list();
    let _ = tickets().conditions(company::NAME.eq("Acme"));
    let _ = tickets().conditions(ticket::CLOSED_FLAG.eq(false) & company::NAME.eq("Acme"));
    let _ = tickets().custom_field_conditions(ticket::CLOSED_FLAG.eq(false));
    let _ = tickets().order_by(company::NAME.asc());
    let _ = tickets().fields(company::NAME);
}

fn main() {}
