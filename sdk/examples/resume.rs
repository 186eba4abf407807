//! A long list is read page by page, and goes on where it was when it is begun again.
//!
//! ```text
//! CW_BASE_URL=http://127.0.0.1:8080 CW_AUTH_USERNAME=acme+key CW_AUTH_PASSWORD=secret CW_CLIENTID=id \
//!     cargo run -p connectwise-sdk --features time --example resume
//! ```

mod connect;

use std::error::Error;
use std::io::Write as _;

use connectwise_sdk::Continuation;
use connectwise_sdk::models::TimeEntry;
use futures::TryStreamExt as _;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let client = connect::client()?;
    let mut out = std::io::stdout().lock();
    let place = std::env::temp_dir().join(format!("time-entries-{}.json", std::process::id()));

    // Two runs: the first one ends after a page, as one that is killed does.
    for most_pages in [1, usize::MAX] {
        let mut list = client.resource::<TimeEntry>().list().page_size(20);
        if let Ok(saved) = std::fs::read(&place) {
            list = list.resume(serde_json::from_slice::<Continuation>(&saved)?);
        }
        let mut pages = std::pin::pin!(list.pages());
        let mut read = 0;
        while let Some(page) = pages.try_next().await? {
            for entry in page.items::<TimeEntry>()? {
                writeln!(out, "{:?}", entry?.id)?;
            }
            // Saved behind the records, so that a page may come twice and never not at all.
            let Some(next) = page.continuation() else { break };
            std::fs::write(&place, serde_json::to_vec(next)?)?;
            read += 1;
            if read == most_pages {
                break;
            }
        }
    }
    std::fs::remove_file(&place)?;
    Ok(())
}
