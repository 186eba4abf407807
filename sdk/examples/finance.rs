//! Module `finance`: the additions of each open agreement.
//!
//! ```text
//! CW_BASE_URL=http://127.0.0.1:8080 CW_AUTH_USERNAME=acme+key CW_AUTH_PASSWORD=secret CW_CLIENTID=id \
//!     cargo run -p connectwise-sdk --features finance --example finance
//! ```

mod connect;

use std::error::Error;
use std::io::Write as _;

use connectwise_sdk::Record as _;
use connectwise_sdk::fields::agreement;
use connectwise_sdk::models::{Addition, Agreement};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let client = connect::client()?;
    let mut out = std::io::stdout().lock();

    let open = agreement::CANCELLED_FLAG.eq(false);
    for agreement in client.resource::<Agreement>().list().conditions(open).collect(10_000).await? {
        let Some(id) = agreement.id() else { continue };
        let additions = client.resource::<Addition>().under(id).list().collect(10_000).await?;
        let billed = additions.iter().filter_map(|addition| addition.unit_price).sum::<f64>();
        writeln!(out, "{}: {} additions, {billed:.2}", agreement.name.unwrap_or_default(), additions.len())?;
    }
    Ok(())
}
