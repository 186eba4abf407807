//! Module `system`: members, and a document up and down again.
//!
//! ```text
//! CW_BASE_URL=http://127.0.0.1:8080 CW_AUTH_USERNAME=acme+key CW_AUTH_PASSWORD=secret CW_CLIENTID=id \
//!     cargo run -p connectwise-sdk --features system --example system
//! ```

mod connect;

use std::error::Error;
use std::io::Write as _;

use connectwise_sdk::models::Member;
use connectwise_sdk::{Multipart, Record as _};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let client = connect::client()?;
    let mut out = std::io::stdout().lock();

    for member in client.resource::<Member>().list().fields("id,identifier").collect(10_000).await? {
        writeln!(out, "{:?} {}", member.id, member.identifier.unwrap_or_default())?;
    }
    let form = Multipart::new().text("recordType", "Ticket").text("recordId", "1").text("title", "Notes").file(
        "file",
        "notes.txt",
        "text/plain",
        "hello",
    );
    let document = client.post_system_documents().body(form).send().await?;
    let id = document.id().ok_or("the server gave no id")?;
    let download = client.get_system_documents_download().id(id).send().await?;
    let text = download.bytes(1024 * 1024).await?;
    writeln!(out, "document {id}: {}", String::from_utf8_lossy(&text))?;

    // What may be too large for memory goes into a file, which appears when it is whole.
    let file = std::env::temp_dir().join(format!("document-{id}-{}.txt", std::process::id()));
    let written = client.get_system_documents_download().id(id).send().await?.save_to(&file).await?;
    writeln!(out, "{written} bytes in {}", file.display())?;
    std::fs::remove_file(&file)?;
    Ok(())
}
