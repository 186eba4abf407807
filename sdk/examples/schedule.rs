//! Module `schedule`: the next seven days.
//!
//! ```text
//! CW_BASE_URL=http://127.0.0.1:8080 CW_AUTH_USERNAME=acme+key CW_AUTH_PASSWORD=secret CW_CLIENTID=id \
//!     cargo run -p connectwise-sdk --features schedule --example schedule
//! ```

mod connect;

use std::error::Error;
use std::io::Write as _;

use chrono::{TimeDelta, Utc};
use connectwise_sdk::fields::schedule_entry;
use connectwise_sdk::models::ScheduleEntry;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let client = connect::client()?;
    let mut out = std::io::stdout().lock();

    let now = Utc::now();
    let week = schedule_entry::DATE_START.ge(now) & schedule_entry::DATE_START.lt(now + TimeDelta::days(7));
    let entries = client.resource::<ScheduleEntry>().list().conditions(week).collect(10_000).await?;
    writeln!(out, "{} entries in the next seven days", entries.len())?;
    for entry in entries {
        let starts = entry.date_start.as_ref().map_or("", |start| start.as_str());
        writeln!(out, "{starts} {}", entry.name.unwrap_or_default())?;
    }
    Ok(())
}
