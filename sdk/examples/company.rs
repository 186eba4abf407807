//! Module `company`: companies that changed lately, with typed conditions over nested properties.
//!
//! ```text
//! CW_BASE_URL=http://127.0.0.1:8080 CW_AUTH_USERNAME=acme+key CW_AUTH_PASSWORD=secret CW_CLIENTID=id \
//!     cargo run -p connectwise-sdk --features company --example company
//! ```

mod connect;

use std::error::Error;
use std::io::Write as _;

use chrono::{TimeDelta, Utc};
use connectwise_sdk::fields::{company, record_info};
use connectwise_sdk::models::Company;
use futures::TryStreamExt as _;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let client = connect::client()?;
    let mut out = std::io::stdout().lock();

    let lately = company::INFO.then(record_info::LAST_UPDATED).ge(Utc::now() - TimeDelta::days(90));
    let known = company::STATUS.id().not_in([900, 901]) & !company::NAME.starts_with("Test ");
    let companies = client.resource::<Company>();
    let properties = (company::ID, company::IDENTIFIER, company::NAME);
    let changed = companies.list().conditions(lately & known).fields(properties).page_size(100);
    writeln!(out, "{} companies changed in 90 days", changed.count().await?)?;
    let mut changed = std::pin::pin!(changed.stream());
    while let Some(company) = changed.try_next().await? {
        writeln!(out, "{:?} {}", company.id, company.name.unwrap_or_default())?;
    }
    Ok(())
}
