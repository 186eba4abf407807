//! Module `marketing`: campaigns and what they cost.
//!
//! ```text
//! CW_BASE_URL=http://127.0.0.1:8080 CW_AUTH_USERNAME=acme+key CW_AUTH_PASSWORD=secret CW_CLIENTID=id \
//!     cargo run -p connectwise-sdk --features marketing --example marketing
//! ```

mod connect;

use std::error::Error;
use std::io::Write as _;

use connectwise_sdk::models::Campaign;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let client = connect::client()?;
    let mut out = std::io::stdout().lock();

    let campaigns = client.resource::<Campaign>();
    writeln!(out, "{} campaigns", campaigns.count().await?)?;
    for campaign in campaigns.list().collect(10_000).await? {
        let cost = campaign.actual_cost.unwrap_or_default();
        writeln!(out, "{}: {cost:.2}", campaign.name.unwrap_or_default())?;
    }
    Ok(())
}
