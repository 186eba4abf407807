//! Module `project`: projects with their phases, and a collection that is called after its path.
//!
//! ```text
//! CW_BASE_URL=http://127.0.0.1:8080 CW_AUTH_USERNAME=acme+key CW_AUTH_PASSWORD=secret CW_CLIENTID=id \
//!     cargo run -p connectwise-sdk --features project --example project
//! ```

mod connect;

use std::error::Error;
use std::io::Write as _;

use connectwise_sdk::Record as _;
use connectwise_sdk::fields::project;
use connectwise_sdk::models::{Project, ProjectPhase};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let client = connect::client()?;
    let mut out = std::io::stdout().lock();

    let open = project::CLOSED_FLAG.eq(false);
    for project in client.resource::<Project>().list().conditions(open).collect(10_000).await? {
        let Some(id) = project.id() else { continue };
        let phases = client.resource::<ProjectPhase>().under(id);
        writeln!(out, "{}: {} phases", project.name.unwrap_or_default(), phases.count().await?)?;
    }
    Ok(())
}
