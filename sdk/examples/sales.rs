//! Module `sales`: the opportunities of one company (its id is the argument) or of all.
//!
//! ```text
//! CW_BASE_URL=http://127.0.0.1:8080 CW_AUTH_USERNAME=acme+key CW_AUTH_PASSWORD=secret CW_CLIENTID=id \
//!     cargo run -p connectwise-sdk --features sales --example sales
//! ```

mod connect;

use std::error::Error;
use std::io::Write as _;

use connectwise_sdk::Path;
use connectwise_sdk::fields::{company_reference, opportunity};
use connectwise_sdk::models::Opportunity;

const COMPANY_ID: Path<Opportunity, i32> = opportunity::COMPANY.then(company_reference::ID);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let client = connect::client()?;
    let mut out = std::io::stdout().lock();

    let wanted = match std::env::args().nth(1) {
        Some(id) => COMPANY_ID.eq(id.parse::<i64>()?),
        None => COMPANY_ID.is_not_null(),
    };
    let opportunities = client.resource::<Opportunity>();
    for opportunity in opportunities.list().conditions(wanted).collect(10_000).await? {
        let closes = opportunity.expected_close_date.and_then(|date| date.date());
        writeln!(out, "{}: closes {closes:?}", opportunity.name.unwrap_or_default())?;
    }
    Ok(())
}
