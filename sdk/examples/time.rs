//! Module `time`: pages with a continuation that can be saved, and money that comes as text.
//!
//! ```text
//! CW_BASE_URL=http://127.0.0.1:8080 CW_AUTH_USERNAME=acme+key CW_AUTH_PASSWORD=secret CW_CLIENTID=id \
//!     cargo run -p connectwise-sdk --features time --example time
//! ```

mod connect;

use std::error::Error;
use std::io::Write as _;

use connectwise_sdk::models::TimeEntry;
use futures::TryStreamExt as _;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let client = connect::client()?;
    let mut out = std::io::stdout().lock();

    let entries = client.resource::<TimeEntry>();
    let mut pages = std::pin::pin!(entries.list().page_size(500).pages());
    while let Some(page) = pages.try_next().await? {
        for entry in page.items::<TimeEntry>()? {
            let entry = entry?;
            if let Some(cost) = entry.hourly_cost_decimal() {
                writeln!(out, "{:?}: {cost} an hour", entry.id)?;
            }
        }
        if let Some(continuation) = page.continuation() {
            writeln!(out, "page {} is done; to go on: {}", page.number(), serde_json::to_string(continuation)?)?;
        }
    }
    Ok(())
}
