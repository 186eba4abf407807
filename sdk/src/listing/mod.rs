//! A listing under way: the next page, and the way around what the server can't give.

mod end;
mod isolation;
mod start;

use std::ops::Range;

use crate::{
    Continuation, ListRequest, Page, PagingMode, Response, Result, UnreadableRecord,
    conditions::{Split, field},
    link::Link,
    page::{self, Part},
    page_size::PageSize,
    paging::Position,
    record_text,
    request::{Method, Request},
};
use end::End;
use isolation::Alone;

/// How often the server fails on a page before a smaller one is asked for. What passes has mostly passed by then.
const PATIENCE: u32 = 3;

/// How often pages by number go back to their whole size after a smaller one came. By then it is the size that fails.
const RETURNS: u32 = 3;

pub(crate) struct Listing {
    request: ListRequest,
    /// Fingerprint of the request.
    query: String,
    page_size: u32,
    size: PageSize,
    /// The size of pages by number where none fails.
    whole: u32,
    returns: u32,
    position: Position,
    pages: u64,
    split: Option<Split>,
    part: Option<Part>,
    /// Skipped since the last page.
    unreadable: Vec<UnreadableRecord>,
    skipped: u32,
    end: End,
}

impl Listing {
    pub(crate) async fn fetch(mut self: Box<Self>) -> Result<(Page, Option<Box<Self>>)> {
        self.count_if_long().await;
        loop {
            let size = self.current_size();
            let error = match self.request.client.execute(&self.render(size)).await {
                Ok(response) => return self.accept(response, size),
                Err(error) => error,
            };
            if !self.may_be_the_page(&error) {
                return Err(error);
            }
            if let Position::PageNumber { .. } = self.position {
                // What is behind a single record can't be told by numbers, so that one is the end.
                let Some(smaller) = self.position.smaller(size) else { return Err(error) };
                if size == self.whole {
                    self.returns = self.returns.saturating_sub(1);
                }
                self.position = smaller;
                tracing::warn!(path = self.request.path, page_size = self.current_size(), "asking for a smaller page");
                continue;
            }
            if !self.size.failed() {
                tracing::warn!(path = self.request.path, page_size = self.size.next(), "asking for a smaller page");
                continue;
            }
            match self.alone(error).await? {
                Alone::Came(response) => return self.accept(response, 1),
                Alone::Skipped => {}
                Alone::WasLast(response) => return Ok(self.turn(response, Default::default(), None)),
            }
        }
    }

    /// Takes in a page of `size` records at most.
    fn accept(mut self: Box<Self>, mut response: Response, size: u32) -> Result<(Page, Option<Box<Self>>)> {
        let link = Link::parse(response.link().as_deref());
        let (records, broken) = page::records(&mut response)?;
        let next = {
            let texts = record_text::pieces(&response.body, &records, &broken).ok_or_else(|| response.not_json())?;
            self.position.after(&texts, size, link).map_err(|reason| response.error(reason))?
        };
        self.end.came(records.len(), next.is_some()).map_err(|reason| response.error(reason))?;
        self.size.came(records.len());
        self.skipped = 0;
        let turned = !matches!(self.position, Position::PageNumber { .. });
        let next = next.map(|next| match next {
            // The first page was the server's page 1 of this size, so page 2 has to have the same.
            Position::PageNumber { page, first, .. } if turned && size != self.page_size => {
                self.whole = size;
                Position::PageNumber { page, first, size: Some(size) }
            }
            next if self.returns > 0 => next.larger(self.whole),
            next => next,
        });
        Ok(self.turn(response, (records, broken), next))
    }

    /// The page of an answer whose records lie there, some of them broken, and what comes after it.
    fn turn(
        mut self: Box<Self>,
        response: Response,
        (records, broken): (Vec<Range<usize>>, Vec<usize>),
        next: Option<Position>,
    ) -> (Page, Option<Box<Self>>) {
        self.pages += 1;
        let number = self.pages;
        let unreadable = std::mem::take(&mut self.unreadable);
        let next = next.or_else(|| self.next_part());
        let Some(position) = next else {
            return (Page { response, records, broken, number, unreadable, continuation: None }, None);
        };
        self.position = position;
        let continuation = Continuation {
            path: self.request.path.clone(),
            query: self.query.clone(),
            page_size: self.page_size,
            pages: number,
            position,
            part: self.part,
        };
        (Page { response, records, broken, number, unreadable, continuation: Some(continuation) }, Some(self))
    }

    /// Goes on to the next piece of the conditions.
    fn next_part(&mut self) -> Option<Position> {
        let (split, part) = (self.split.as_ref()?, self.part?);
        if part.to >= split.len() {
            return None;
        }
        self.part = Some(self.request.part(split, part.to));
        Some(Position::start(self.request.mode_or_default()))
    }

    fn current_size(&self) -> u32 {
        match self.position {
            Position::PageNumber { size, .. } => size.unwrap_or(self.page_size),
            Position::ForwardOnly { .. } | Position::Keyset { .. } => self.size.next(),
        }
    }

    /// The conditions of this piece, and an id above `after`.
    fn behind(&self, after: Option<i64>) -> Option<String> {
        let piece = self.split.as_ref().zip(self.part).map(|(split, part)| split.piece(part.from, part.to));
        let conditions = piece.as_ref().or(self.request.conditions.as_ref());
        match (conditions, after.map(|after| field("id").gt(after))) {
            (Some(conditions), Some(after)) => Some(format!("({conditions}) and {after}")),
            (Some(conditions), None) => Some(conditions.to_string()),
            (None, after) => after.map(String::from),
        }
    }

    fn render(&self, size: u32) -> Request {
        let list = &self.request;
        let conditions = match self.position {
            Position::Keyset { after } => self.behind(after),
            _ => self.behind(None),
        };
        // A listing that fell back to numbers goes on in the order of its first page.
        let order_by = match list.mode_or_default() {
            PagingMode::ForwardOnly => None,
            PagingMode::PageNumber => Some(list.order_by.as_deref().unwrap_or("id asc")),
            PagingMode::Keyset => Some("id asc"),
        };
        let mut request = list
            .narrowed(Request::new(Method::Get, &list.path), conditions.as_deref())
            .query_opt("fields", list.fields.as_deref())
            .query_opt("orderBy", order_by)
            .query("pageSize", size.to_string());
        request.expects_array = true;
        match self.position {
            Position::ForwardOnly { page_id } => {
                request.headers.push(("pagination-type".to_owned(), "forward-only".to_owned()));
                request.patience = Some(PATIENCE);
                request.query_opt("pageId", page_id.map(|id| id.to_string()).as_deref())
            }
            Position::PageNumber { page, .. } => {
                // A single record gets all attempts: nothing else is tried after it.
                request.patience = (size > 1).then_some(PATIENCE);
                request.query("page", page.to_string())
            }
            Position::Keyset { .. } => {
                request.patience = Some(PATIENCE);
                request
            }
        }
    }
}
