//! The start of a listing: what is asked for is checked, and where an earlier run of it stood.

use super::{End, Listing, RETURNS};
use crate::{
    Condition, Error, ListRequest, PagingMode, Result,
    conditions::Split,
    config::MAX_PAGE_SIZE,
    page::Part,
    page_size::PageSize,
    paging::Position,
    reason::Reason,
    request::{Method, Request},
};

/// Where a listing stands.
struct Standing {
    /// Fingerprint of what is asked for.
    query: String,
    page_size: u32,
    position: Position,
    /// Pages that came before.
    pages: u64,
    part: Option<Part>,
}

impl Listing {
    pub(crate) fn start(mut request: ListRequest) -> Result<Self> {
        let page_size = request.page_size.unwrap_or(request.client.config().page_size);
        let facts = Request::new(Method::Get, &request.path).facts(1);
        let refuse = |reason| Err(Error::new(reason).with_request(facts.clone()));
        if !(1..=MAX_PAGE_SIZE).contains(&page_size) {
            return refuse(Reason::PageSize { size: page_size });
        }
        let mode = request.mode_or_default();
        match mode {
            PagingMode::ForwardOnly if request.order_by.is_some() => {
                return refuse(Reason::OrderNotAllowed { mode: "forward-only" });
            }
            PagingMode::Keyset if request.order_by.is_some() => {
                return refuse(Reason::OrderNotAllowed { mode: "keyset" });
            }
            _ => {}
        }
        let without_in = [
            ("child conditions", &request.child_conditions),
            ("custom field conditions", &request.custom_field_conditions),
        ];
        for (parameter, conditions) in without_in {
            if conditions.as_ref().is_some_and(Condition::has_in) {
                return refuse(Reason::InNotAllowed { parameter });
            }
        }
        request.check_conditions()?;
        let query = fingerprint(&request);
        let Some(saved) = request.resume.take() else {
            let split = request.split();
            if split.is_some() && request.order_by.is_some() {
                return refuse(Reason::OrderOfPieces);
            }
            let part = split.as_ref().map(|split| request.part(split, 0));
            let place = Standing { query, page_size, position: Position::start(mode), pages: 0, part };
            return Ok(Self::at(request, place, split));
        };
        // Page numbers mean other records when the page has another size.
        let same_pages = saved.page_size == page_size || !matches!(saved.position, Position::PageNumber { .. });
        // A piece ends where it ended when it was begun, whatever fits into a URL now.
        let split = saved.part.and(request.conditions.as_ref()).and_then(Split::of);
        let same_parts = match (saved.part, &split) {
            (None, _) => true,
            (Some(_), Some(_)) if request.order_by.is_some() => return refuse(Reason::OrderOfPieces),
            (Some(part), Some(split)) => part.from < part.to && part.to <= split.len(),
            (Some(_), None) => false,
        };
        if saved.path != request.path || saved.query != query || !same_pages || !same_parts {
            return refuse(Reason::ForeignContinuation);
        }
        let place = Standing { query, page_size, position: saved.position, pages: saved.pages, part: saved.part };
        Ok(Self::at(request, place, split))
    }

    fn at(request: ListRequest, place: Standing, split: Option<Split>) -> Self {
        let Standing { query, page_size, position, pages, part } = place;
        let whole = match position {
            // What fell back to numbers keeps the size of its first page.
            Position::PageNumber { size: Some(size), .. } if request.mode_or_default() != PagingMode::PageNumber => {
                size
            }
            _ => page_size,
        };
        Self {
            end: End::new(request.counted, request.client.config().most_records),
            request,
            query,
            page_size,
            size: PageSize::new(page_size),
            whole,
            returns: RETURNS,
            position,
            pages,
            split,
            part,
            unreadable: Vec::new(),
            skipped: 0,
        }
    }
}

/// FNV-1a over what decides which records come in which order: the same in every process and version.
fn fingerprint(request: &ListRequest) -> String {
    let mode = match request.mode_or_default() {
        PagingMode::ForwardOnly => "forwardOnly",
        PagingMode::PageNumber => "pageNumber",
        PagingMode::Keyset => "keyset",
    };
    let conditions = [&request.conditions, &request.child_conditions, &request.custom_field_conditions];
    let conditions = conditions.map(|condition| condition.as_ref().map(Condition::to_string).unwrap_or_default());
    let mut rest = vec![request.order_by.clone().unwrap_or_default(), mode.to_owned()];
    rest.extend(request.parameters.iter().flat_map(|(name, value)| [name.clone(), value.clone()]));
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for part in conditions.iter().chain(&rest) {
        // 0xff never occurs in UTF-8, so that no two lists of parts look alike.
        for byte in part.bytes().chain([0xff]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    format!("{hash:016x}")
}
