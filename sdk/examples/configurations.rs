//! Module `configurations`: the questions of each type, under their parent.
//!
//! ```text
//! CW_BASE_URL=http://127.0.0.1:8080 CW_AUTH_USERNAME=acme+key CW_AUTH_PASSWORD=secret CW_CLIENTID=id \
//!     cargo run -p connectwise-sdk --features configurations --example configurations
//! ```

mod connect;

use std::error::Error;
use std::io::Write as _;

use connectwise_sdk::Record as _;
use connectwise_sdk::models::{ConfigurationTypeInfo, ConfigurationTypeQuestionInfo};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let client = connect::client()?;
    let mut out = std::io::stdout().lock();

    for kind in client.resource::<ConfigurationTypeInfo>().list().collect(10_000).await? {
        let Some(id) = kind.id() else { continue };
        let questions = client.resource::<ConfigurationTypeQuestionInfo>().under(id);
        writeln!(out, "{}: {} questions", kind.name.unwrap_or_default(), questions.count().await?)?;
    }
    Ok(())
}
