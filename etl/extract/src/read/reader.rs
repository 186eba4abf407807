//! The task that fetches the pages of a list, decodes them, and checks the proof of completeness at the end.

use std::sync::Arc;

use connectwise_sdk::catalog::Entity;
use connectwise_sdk::{Client, ListRequest, Page, RecordText};
use futures::stream::{self, StreamExt};
use tokio::sync::mpsc;

use super::bundles::{Bundles, Part};
use super::{Decoded, End, Gap, Message, Unreadable, before, count, incomplete, leave_out, source_error};
use crate::decode::{Decoder, Rejected};
use crate::error::Result;

/// Pages that are fetched ahead of the one that is decoded.
const PAGES_AHEAD: usize = 1;

/// Ranges per bundle; at about 500 records each, an answer is as large as four pages.
const RANGES: usize = 8;

/// Bundles of ranges that are requested at once, where they are all of a list. Pieces of one are read beside each other, by one
/// bundle each.
const BUNDLES_AHEAD: usize = 2;

/// Fetches pages while earlier ones are decoded and written. The end of the channel doesn't prove that the list is complete;
/// only a page that says it is the last does.
fn ahead(list: ListRequest) -> mpsc::Receiver<connectwise_sdk::Result<Page>> {
    let (sender, receiver) = mpsc::channel(PAGES_AHEAD);
    tokio::spawn(async move {
        let mut pages = Box::pin(list.pages());
        while let Some(page) = pages.next().await {
            // The receiver is gone: the read failed or was given up.
            if sender.send(page).await.is_err() {
                return;
            }
        }
    });
    receiver
}

pub(super) struct Reader {
    pub(super) client: Client,
    pub(super) entity: &'static Entity,
    pub(super) condition: Option<String>,
    pub(super) page_size: u32,
    pub(super) decoder: Decoder,
    pub(super) counted: Option<u64>,
    pub(super) counts_after: bool,
    pub(super) records: u64,
    pub(super) unreadable: Vec<Unreadable>,
    pub(super) last_key: Option<i64>,
    pub(super) end: End,
}

impl Reader {
    pub(super) fn new(client: &Client, entity: &'static Entity, decoder: Decoder) -> Self {
        Self {
            client: client.clone(),
            entity,
            condition: None,
            page_size: connectwise_sdk::MAX_PAGE_SIZE,
            decoder,
            counted: None,
            counts_after: false,
            records: 0,
            unreadable: Vec::new(),
            last_key: None,
            end: End::default(),
        }
    }

    /// Reads to the end and sends the result. A failed send is ignored: the receiver stopped because of an error of its own,
    /// which is the one to report.
    pub(super) async fn run(mut self, sender: mpsc::Sender<Message>) {
        let whole = self.read(&sender).await;
        sender.send(Message::End(self.end, whole)).await.ok();
    }

    /// Like [`run`](Self::run), from records that were read before.
    pub(super) async fn give(mut self, records: Vec<RecordText<'static>>, sender: mpsc::Sender<Message>) {
        let whole = match self.decode(&records, Vec::new()) {
            Ok(page) => {
                sender.send(Message::Page(page)).await.ok();
                Ok(())
            }
            Err(error) => Err(error),
        };
        sender.send(Message::End(self.end, whole)).await.ok();
    }

    /// Like [`run`](Self::run), by contiguous key ranges, several per bundle. A range that a bundle doesn't return whole is
    /// read page by page.
    pub(super) async fn gather(mut self, ranges: Vec<Part>, sender: mpsc::Sender<Message>) {
        let whole = self.by_ranges(ranges, &sender).await;
        sender.send(Message::End(self.end, whole)).await.ok();
    }

    async fn by_ranges(&mut self, ranges: Vec<Part>, sender: &mpsc::Sender<Message>) -> Result<()> {
        let bundles = Arc::new(Bundles::new(&self.client));
        let asked: Vec<_> = ranges
            .chunks(RANGES)
            .map(|some| {
                let some = some.to_vec();
                let bundles = bundles.clone();
                // One task per bundle. `buffered` stops polling its futures while an earlier range is read page by page; an
                // unpolled request would keep its permit of the limiter, and those pages could wait for that permit for ever.
                async move {
                    tokio::spawn(async move {
                        let found = bundles.whole(&some).await;
                        some.into_iter().zip(found).collect::<Vec<_>>()
                    })
                    .await
                }
            })
            .collect();
        let ahead = if self.counts_after { BUNDLES_AHEAD } else { 1 };
        let mut bundled = stream::iter(asked).buffered(ahead);
        while let Some(ranges) = bundled.next().await {
            let lost = |error| incomplete(self.entity, Gap::RangesLost).with_source(error);
            let ranges = ranges.map_err(lost)?;
            for (range, records) in ranges {
                let goes_on = match records {
                    Some(records) => {
                        let page = self.decode(&records, Vec::new())?;
                        sender.send(Message::Page(page)).await.is_ok()
                    }
                    None => self.pages(range.condition, None, sender).await?,
                };
                if !goes_on {
                    return Ok(());
                }
            }
        }
        self.prove().await
    }

    async fn read(&mut self, sender: &mpsc::Sender<Message>) -> Result<()> {
        if self.pages(self.condition.clone(), self.counted, sender).await? { self.prove().await } else { Ok(()) }
    }

    /// Reads all pages of a condition; `counted` is the server's count of it. False if the receiver is gone.
    async fn pages(
        &mut self,
        condition: Option<String>,
        counted: Option<u64>,
        sender: &mpsc::Sender<Message>,
    ) -> Result<bool> {
        let mut list = self.client.list(self.entity.path).page_size(self.page_size).skip_unreadable();
        if let Some(counted) = counted {
            list = list.counted(counted);
        }
        if let Some(condition) = condition {
            list = list.conditions(condition);
        }
        self.end.is_last = Some(false);
        let mut pages = ahead(list);
        while let Some(page) = pages.recv().await.transpose().map_err(|error| source_error(self.entity, error))? {
            self.end.is_last = Some(page.is_last());
            let known = self.unreadable.len();
            leave_out(&mut self.unreadable, &page).map_err(|gap| incomplete(self.entity, gap))?;
            let unreadable = self.unreadable.iter().skip(known).cloned().collect();
            let records = page.records().map_err(|error| source_error(self.entity, error))?;
            let page = self.decode(&records, unreadable)?;
            if sender.send(Message::Page(page)).await.is_err() {
                return Ok(false);
            }
        }
        if self.end.is_last != Some(true) {
            return Err(incomplete(self.entity, Gap::NoLastPage { of: None }));
        }
        Ok(true)
    }

    pub(super) fn decode(&mut self, records: &[RecordText<'_>], unreadable: Vec<Unreadable>) -> Result<Decoded> {
        let mut rejected: Vec<Rejected> = Vec::new();
        let mut first_key = None;
        for record in records {
            match self.decoder.push(record)? {
                Ok(key) => {
                    if let Some(last) = self.last_key.filter(|last| *last >= key) {
                        self.end.out_of_order = true;
                        return Err(incomplete(self.entity, Gap::OutOfOrder { name: self.entity.key, key, last }));
                    }
                    self.last_key = Some(key);
                    first_key.get_or_insert(key);
                    before(&mut rejected, key);
                }
                Err(record) => rejected.push(Rejected { after: self.last_key, ..record }),
            }
        }
        let records = records.len() as u64;
        self.records += records;
        let rescued = self.decoder.rescued();
        let rows = self.decoder.batch()?;
        Ok(Decoded { rows, records, rescued, first_key, rejected, unreadable, is_last: self.end.is_last })
    }

    async fn prove(&mut self) -> Result<()> {
        if !self.counts_after {
            return Ok(());
        }
        let after = count(&self.client, self.entity, self.condition.as_deref())
            .await
            .map_err(|error| source_error(self.entity, error))?;
        self.end.counted = after.records;
        self.end.uncounted = after.refused;
        // A server that counted once has to match that count, even if it refuses to count again.
        if let Some(least) = [self.counted, self.end.counted].into_iter().flatten().min()
            && self.records + (self.unreadable.len() as u64) < least
        {
            let gap = Gap::Fewer { counted: least, sent: self.records, of: None };
            return Err(incomplete(self.entity, gap));
        }
        Ok(())
    }
}
