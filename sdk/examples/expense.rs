//! Module `expense`: what was spent, by member.
//!
//! ```text
//! CW_BASE_URL=http://127.0.0.1:8080 CW_AUTH_USERNAME=acme+key CW_AUTH_PASSWORD=secret CW_CLIENTID=id \
//!     cargo run -p connectwise-sdk --features expense --example expense
//! ```

mod connect;

use std::error::Error;
use std::io::Write as _;

use std::collections::BTreeMap;

use connectwise_sdk::fields::expense_entry;
use connectwise_sdk::models::ExpenseEntry;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let client = connect::client()?;
    let mut out = std::io::stdout().lock();

    let entries = client.resource::<ExpenseEntry>();
    let spent = entries.list().conditions(expense_entry::AMOUNT.gt(0)).collect(100_000).await?;
    let mut by_member: BTreeMap<String, f64> = BTreeMap::new();
    for entry in spent {
        let member = entry.member.and_then(|member| member.identifier).unwrap_or_default();
        *by_member.entry(member).or_default() += entry.amount.unwrap_or_default();
    }
    for (member, amount) in by_member {
        writeln!(out, "{member}: {amount:.2}")?;
    }
    Ok(())
}
