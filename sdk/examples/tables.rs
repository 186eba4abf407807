//! Feature `arrow`: records as Arrow batches in a file, in the format that pandas, Polars and DuckDB read; and back to records.
//!
//! ```text
//! CW_BASE_URL=http://127.0.0.1:8080 CW_AUTH_USERNAME=acme+key CW_AUTH_PASSWORD=secret CW_CLIENTID=id \
//!     cargo run -p connectwise-sdk --features arrow --example tables
//! ```

mod connect;

use std::error::Error;
use std::fs::File;
use std::io::Write as _;

use arrow_ipc::{reader::FileReader, writer::FileWriter};
use connectwise_sdk::arrow::{Tabular as _, batch_to_records};
use connectwise_sdk::models::TimeEntry;
use futures::TryStreamExt as _;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let client = connect::client()?;
    let mut out = std::io::stdout().lock();

    // A file that isn't whole must not look like one that is.
    let (unfinished, path) = ("time-entries.arrow.part", "time-entries.arrow");
    let folder = std::env::temp_dir();
    let mut writer = FileWriter::try_new(File::create(folder.join(unfinished))?, &TimeEntry::arrow_schema())?;
    let entries = client.resource::<TimeEntry>();
    let mut batches = std::pin::pin!(entries.list().record_batches(8_192));
    while let Some(batch) = batches.try_next().await? {
        writer.write(&batch)?;
    }
    writer.finish()?;
    std::fs::rename(folder.join(unfinished), folder.join(path))?;

    let mut hours = 0.0;
    let mut count = 0;
    for batch in FileReader::try_new(File::open(folder.join(path))?, None)? {
        for entry in batch_to_records::<TimeEntry>(&batch?)? {
            hours += entry.actual_hours.unwrap_or_default();
            count += 1;
        }
    }
    writeln!(out, "{count} time entries with {hours} hours in {}", folder.join(path).display())?;
    Ok(())
}
