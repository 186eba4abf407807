//! The hours of the last 30 days by member, and what they cost, to the cent.
//!
//! ```text
//! CW_BASE_URL=http://127.0.0.1:8080 CW_AUTH_USERNAME=acme+key CW_AUTH_PASSWORD=secret CW_CLIENTID=id \
//!     cargo run -p connectwise-sdk --features time --example hours_by_member
//! ```

mod connect;

use std::error::Error;
use std::io::Write as _;

use std::collections::BTreeMap;

use chrono::{TimeDelta, Utc};
use connectwise_sdk::Decimal;
use connectwise_sdk::fields::time_entry;
use connectwise_sdk::models::TimeEntry;
use futures::TryStreamExt as _;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let client = connect::client()?;
    let mut out = std::io::stdout().lock();

    let lately = time_entry::TIME_START.ge(Utc::now() - TimeDelta::days(30));
    let entries = client.resource::<TimeEntry>().list().conditions(lately);
    let mut entries = std::pin::pin!(entries.fields("id,member,actualHours,hourlyCost").stream());
    let mut members: BTreeMap<String, (f64, Decimal)> = BTreeMap::new();
    while let Some(entry) = entries.try_next().await? {
        let cost = entry.hourly_cost_decimal();
        let member = entry.member.and_then(|member| member.identifier).unwrap_or_default();
        let (hours, costs) = members.entry(member).or_insert((0.0, Decimal::ZERO));
        let worked = entry.actual_hours.unwrap_or_default();
        *hours += worked;
        if let (Some(cost), Ok(worked)) = (cost, format!("{worked:.2}").parse()) {
            let cost = cost.checked_mul(worked).and_then(|cost| costs.checked_add(cost));
            *costs = cost.ok_or("the sum has more than 38 digits")?;
        }
    }
    writeln!(out, "{} members", members.len())?;
    for (member, (hours, cost)) in members {
        writeln!(out, "{member}: {hours:.2} h, {cost}")?;
    }
    Ok(())
}
