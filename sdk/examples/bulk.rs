//! Several configurations are created in one request, of which one is refused.
//!
//! ```text
//! CW_BASE_URL=http://127.0.0.1:8080 CW_AUTH_USERNAME=acme+key CW_AUTH_PASSWORD=secret CW_CLIENTID=id \
//!     cargo run -p connectwise-sdk --features company --example bulk
//! ```

mod connect;

use std::error::Error;
use std::io::Write as _;

use connectwise_sdk::Bulk;
use connectwise_sdk::models::CompanyConfiguration;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let client = connect::client()?;
    let mut out = std::io::stdout().lock();

    let known = client.resource::<CompanyConfiguration>().list().first().await?;
    let known = known.ok_or("the server has no configuration to take type and company from")?;
    let named = |name: Option<&str>| CompanyConfiguration { id: None, name: name.map(str::to_owned), ..known.clone() };
    let new = vec![named(Some("Printer 1")), named(None), named(Some("Printer 2"))];

    // The answer is 207 whatever became of each: what failed is in it.
    let answer = client.post_company_configurations_bulk().body(new).send().await?;
    let bulk = Bulk::of(&answer)?;
    for item in bulk.succeeded() {
        writeln!(out, "number {} is configuration {:?}", item.index, item.id)?;
    }
    for item in bulk.failed() {
        writeln!(out, "number {} was refused: {}", item.index, item.error)?;
    }
    Ok(())
}
