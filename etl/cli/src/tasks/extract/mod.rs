//! Reads one list of the API to its end, as JSON texts or as Arrow batches.

mod address;
mod columns;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use connectwise_extract::decode::LooseDecoder;
use connectwise_pipeline::error::Result;
use connectwise_sdk::{Client, ListRequest, PagingMode};
use futures::TryStreamExt;

pub(crate) use self::address::Address;
pub use self::address::Asked;
use self::columns::unknown;

pub(crate) use self::columns::{Columns, Found, entity_of};
use crate::error;

/// Records per batch, if they don't come in pages.
const BATCH: usize = 1_000;

/// A list and the parameters of its request.
#[derive(Debug, Clone)]
pub struct List {
    client: Client,
    path: String,
    asked: Asked,
    page_size: u32,
    /// Most records to read.
    limit: Option<u64>,
}

/// Receiver of records.
pub(crate) trait Sink {
    /// Takes the JSON text of one record.
    fn push(&mut self, record: &str) -> Result<()>;
    /// Ends a page. False if the receiver wants no more records.
    fn page(&mut self) -> Result<bool>;
}

/// Result of reading a list.
#[derive(Debug, Clone, Copy, Default)]
pub struct Read {
    /// Number of records read.
    pub records: u64,
    /// Records that weren't UTF-8; `�` replaces their invalid bytes.
    pub mended: u64,
    /// Whether the limit left records unread.
    pub limited: bool,
    /// Whether the receiver wanted no more records.
    pub(crate) gone: bool,
}

impl List {
    /// A list by its path below the API root, or by a URL of `client`'s server, either with an optional query. `asked` adds to
    /// that query.
    ///
    /// # Errors
    /// [`Kind::Usage`](connectwise_pipeline::error::Kind::Usage) for an address that is no list, or of another server.
    pub fn new(client: Client, address: &str, asked: Asked, page_size: u32, limit: Option<u64>) -> Result<Self> {
        Self::at(client, Address::parse(address)?, asked, page_size, limit)
    }

    /// Like [`new`](Self::new), for an address that is parsed already.
    pub(crate) fn at(
        client: Client,
        address: Address,
        asked: Asked,
        page_size: u32,
        limit: Option<u64>,
    ) -> Result<Self> {
        address.check(&client.base_url())?;
        Ok(Self { client, path: address.path, asked: address.asked.and(asked)?, page_size, limit })
    }

    /// Its path below the API root.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The properties to return, in the API's notation.
    pub(crate) fn fields(&self) -> Option<&str> {
        self.asked.fields.as_deref()
    }

    /// Properties that were asked for and that the list doesn't have, as far as the interface document tells. Some servers refuse such
    /// a name, and others leave it out without a word.
    pub fn unknown_fields(&self) -> Vec<String> {
        let known = entity_of(&self.path).zip(self.fields());
        known.map_or_else(Vec::new, |(entity, fields)| unknown(entity.columns, fields))
    }

    /// The server's count of records, regardless of the limit.
    ///
    /// # Errors
    /// [`Kind::Source`](connectwise_pipeline::error::Kind::Source) when the request fails; not every list can count.
    pub async fn count(&self) -> Result<u64> {
        let why = |error| error::uncounted_list(&self.path).with_source(error);
        self.request().count().await.map_err(why)
    }

    /// All records as JSON texts, as the server wrote them, held in memory.
    ///
    /// # Errors
    /// [`Kind::Source`](connectwise_pipeline::error::Kind::Source) when the list can't be read to its end; no part of it is returned.
    pub async fn texts(&self) -> Result<(Vec<String>, Read)> {
        let mut texts = Texts(Vec::new());
        let read = self.read(&mut texts).await?;
        Ok((texts.0, read))
    }

    /// All records as Arrow batches, with their schema: the columns of the interface document and `_rescued`. A list that the
    /// document has no table for has the columns that its records have.
    ///
    /// # Errors
    /// As [`texts`](Self::texts).
    pub async fn batches(&self) -> Result<(SchemaRef, Vec<RecordBatch>, Read)> {
        if let Some(entity) = entity_of(&self.path) {
            let mut batches = Batches::new(&Columns::of(entity.columns, self.fields()));
            let read = self.read(&mut batches).await?;
            return Ok((batches.decoder.schema().clone(), batches.batches, read));
        }
        let (texts, read) = self.texts().await?;
        let mut found = Found::default();
        texts.iter().for_each(|record| found.see(record));
        let mut batches = Batches::new(&Columns::of(&found.columns(), self.fields()));
        for page in texts.chunks(BATCH) {
            page.iter().for_each(|record| batches.decoder.push(record));
            batches.page()?;
        }
        Ok((batches.decoder.schema().clone(), batches.batches, read))
    }

    /// Passes every record to the sink, until the list ends, the limit is reached or the sink wants no more.
    pub(crate) async fn read(&self, sink: &mut impl Sink) -> Result<Read> {
        let path = &self.path;
        let fault = |error: connectwise_sdk::Error| error::unread_list(path).with_source(error);
        let mut pages = Box::pin(self.request().pages());
        let mut read = Read::default();
        while let Some(page) = pages.try_next().await.map_err(fault)? {
            let found = page.records().map_err(fault)?;
            let room = self.limit.map_or(u64::MAX, |limit| limit - read.records);
            let taken = found.len().min(usize::try_from(room).unwrap_or(usize::MAX));
            for record in &found[..taken] {
                if record.is_broken() {
                    return Err(error::broken_record(path));
                }
                read.mended += u64::from(record.is_mended());
                sink.push(record.get())?;
            }
            read.records += taken as u64;
            read.gone = !sink.page()?;
            read.limited = self.limit == Some(read.records) && !(page.is_last() && taken == found.len());
            if read.gone || read.limited {
                break;
            }
        }
        Ok(read)
    }

    fn request(&self) -> ListRequest {
        let Self { client, path, asked, .. } = self;
        let size = asked.page_size.unwrap_or(self.page_size);
        // A larger limit cuts no page short.
        let limit = self.limit.and_then(|limit| u32::try_from(limit).ok());
        let mut list = client.list(path).page_size(limit.map_or(size, |limit| size.min(limit)));
        if let Some(conditions) = &asked.conditions {
            list = list.conditions(conditions.clone());
        }
        if let Some(conditions) = &asked.child_conditions {
            list = list.child_conditions(conditions.clone());
        }
        if let Some(conditions) = &asked.custom_field_conditions {
            list = list.custom_field_conditions(conditions.clone());
        }
        if let Some(fields) = &asked.fields {
            list = list.fields(fields.clone());
        }
        for (name, value) in &asked.parameters {
            list = list.parameter(name.clone(), value.clone());
        }
        match &asked.order_by {
            // The server's own cursor supports the order of ids only.
            Some(order) => list.mode(PagingMode::PageNumber).order_by(ordered(path, order)),
            None => list,
        }
    }
}

/// Adds the key to an order, so that no two records are equal and each has its place on one page.
fn ordered(path: &str, order: &str) -> String {
    let order = order.trim().trim_end_matches(',');
    let is_of = |term: &str, key| term.split_whitespace().next().is_some_and(|name| name.eq_ignore_ascii_case(key));
    match entity_of(path) {
        Some(entity) if !order.split(',').any(|term| is_of(term, entity.key)) => {
            format!("{order}, {} asc", entity.key)
        }
        _ => order.to_owned(),
    }
}

/// Collects records as texts.
struct Texts(Vec<String>);

impl Sink for Texts {
    fn push(&mut self, record: &str) -> Result<()> {
        self.0.push(record.to_owned());
        Ok(())
    }

    fn page(&mut self) -> Result<bool> {
        Ok(true)
    }
}

/// Collects one Arrow batch per page.
struct Batches {
    decoder: LooseDecoder,
    batches: Vec<RecordBatch>,
}

impl Batches {
    fn new(columns: &Columns) -> Self {
        Self { decoder: LooseDecoder::new(&columns.list), batches: Vec::new() }
    }
}

impl Sink for Batches {
    fn push(&mut self, record: &str) -> Result<()> {
        self.decoder.push(record);
        Ok(())
    }

    fn page(&mut self) -> Result<bool> {
        let batch = self.decoder.batch()?;
        if batch.num_rows() > 0 {
            self.batches.push(batch);
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_has_no_equal_rows() {
        assert_eq!(ordered("/service/tickets", "priority/sort desc"), "priority/sort desc, id asc");
        assert_eq!(ordered("/service/tickets", "summary, ID desc"), "summary, ID desc");
        assert_eq!(ordered("/system/reports", "name,"), "name");
    }
}
