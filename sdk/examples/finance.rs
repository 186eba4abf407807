//! Module `finance`: the open agreements with their additions, a hundred agreements in one request.
//!
//! ```text
//! CW_BASE_URL=http://127.0.0.1:8080 CW_AUTH_USERNAME=acme+key CW_AUTH_PASSWORD=secret CW_CLIENTID=id \
//!     cargo run -p connectwise-sdk --features finance --example finance
//! ```

mod connect;

use std::collections::BTreeMap;
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
    let agreements = client.resource::<Agreement>().list().conditions(open).collect(10_000).await?;
    let ids: Vec<i64> = agreements.iter().filter_map(Agreement::id).collect();
    let mut names: BTreeMap<Option<i64>, Option<String>> =
        agreements.into_iter().map(|agreement| (agreement.id(), agreement.name)).collect();
    for (id, additions) in client.bundle_of::<Addition>(ids).await? {
        let name = names.remove(&Some(id)).flatten();
        let billed = additions.iter().filter_map(|addition| addition.unit_price).sum::<f64>();
        writeln!(out, "{}: {} additions, {billed:.2}", name.unwrap_or_default(), additions.len())?;
    }
    Ok(())
}
