//! Module `procurement`: purchase orders with their lines.
//!
//! ```text
//! CW_BASE_URL=http://127.0.0.1:8080 CW_AUTH_USERNAME=acme+key CW_AUTH_PASSWORD=secret CW_CLIENTID=id \
//!     cargo run -p connectwise-sdk --features procurement --example procurement
//! ```

mod connect;

use std::error::Error;
use std::io::Write as _;

use connectwise_sdk::Record as _;
use connectwise_sdk::fields::purchase_order;
use connectwise_sdk::models::{PurchaseOrder, PurchaseOrderLineItem};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let client = connect::client()?;
    let mut out = std::io::stdout().lock();

    let open = purchase_order::CLOSED_FLAG.eq(false);
    for order in client.resource::<PurchaseOrder>().list().conditions(open).collect(10_000).await? {
        let Some(id) = order.id() else { continue };
        let lines = client.resource::<PurchaseOrderLineItem>().under(id).list().collect(10_000).await?;
        writeln!(out, "{}: {} lines", order.po_number.unwrap_or_default(), lines.len())?;
    }
    Ok(())
}
