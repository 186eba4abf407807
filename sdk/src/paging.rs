//! Where a listing stands, and where it goes after each page: pure functions of what a page showed.
//!
//! A page is the end only when it is empty and names no next one, or when it is shorter than asked for and the server's
//! `Link` header names no next one. Everything else goes on, and what goes on must advance.

use serde::{Deserialize, Serialize};

use crate::{RecordText, link::Link, reason::Reason};

/// How a listing goes from page to page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PagingMode {
    /// The server's own cursor (`pageId`), in id order: the cheapest for it, and rows that change meanwhile are
    /// neither lost nor repeated. Routes that don't do it are paged by number instead.
    #[default]
    ForwardOnly,
    /// Page numbers; smaller pages where the server fails, but no way past a record that it can't give. Ordered by id unless `order_by` says otherwise; rows that are deleted meanwhile can hide others.
    PageNumber,
    /// `id > N` added to the conditions, in id order: needs whole-number ids among the fields.
    Keyset,
}

/// The next page to ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Position {
    /// Records after this id, by the server's cursor.
    #[serde(rename_all = "camelCase")]
    ForwardOnly { page_id: Option<u64> },
    /// This page. `first` marks the start of the page before; `size` is there if it isn't the listing's.
    PageNumber {
        page: u64,
        first: Option<u64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        size: Option<u32>,
    },
    /// Records after this id, by condition.
    Keyset { after: Option<i64> },
}

impl Position {
    pub(crate) fn start(mode: PagingMode) -> Self {
        match mode {
            PagingMode::ForwardOnly => Self::ForwardOnly { page_id: None },
            PagingMode::PageNumber => Self::PageNumber { page: 1, first: None, size: None },
            PagingMode::Keyset => Self::Keyset { after: None },
        }
    }

    /// The id that all records so far are at most, where positions are ids.
    pub(crate) fn after_id(self) -> Option<i64> {
        match self {
            Self::ForwardOnly { page_id } => page_id.and_then(|id| i64::try_from(id).ok()),
            Self::PageNumber { .. } => None,
            Self::Keyset { after } => after,
        }
    }

    /// The position behind this id, where positions are ids.
    pub(crate) fn at_id(self, id: i64) -> Self {
        match self {
            Self::ForwardOnly { .. } => Self::ForwardOnly { page_id: Some(u64::try_from(id).unwrap_or(0)) },
            Self::PageNumber { .. } => self,
            Self::Keyset { .. } => Self::Keyset { after: Some(id) },
        }
    }

    /// A page number in smaller pages, where pages of `size` fail: the largest that divides them, so that it begins at the
    /// same record. `None` if there is none, or if this isn't a page number.
    pub(crate) fn smaller(self, size: u32) -> Option<Self> {
        let Self::PageNumber { page, first, .. } = self else { return None };
        let parts = (2..=size).find(|parts| size.is_multiple_of(*parts))?;
        let page = page.saturating_sub(1).saturating_mul(u64::from(parts)).saturating_add(1);
        Some(Self::PageNumber { page, first, size: Some(size / parts) })
    }

    /// A page number in pages of `whole` records, if one begins at the same record.
    pub(crate) fn larger(self, whole: u32) -> Self {
        let Self::PageNumber { page, first, size: Some(size) } = self else { return self };
        let before = page.saturating_sub(1).saturating_mul(u64::from(size));
        match before.checked_rem(u64::from(whole)) {
            Some(0) => Self::PageNumber { page: before / u64::from(whole) + 1, first, size: Some(whole) },
            _ => self,
        }
    }

    /// The position after a page, or `None` if that page is provably the last.
    pub(crate) fn after(self, records: &[RecordText<'_>], page_size: u32, link: Link) -> Result<Option<Self>, Reason> {
        let at_end = match link {
            Link::Next { .. } => false,
            Link::Last => records.len() < page_size as usize,
            Link::Absent => records.is_empty(),
        };
        match self {
            Self::ForwardOnly { page_id } => {
                if let (Some(after), Some(first)) = (page_id, records.first().and_then(id))
                    && u64::try_from(first).is_ok_and(|first| first <= after)
                {
                    return Err(Reason::PageIdStuck { page_id: after });
                }
                if at_end { Ok(None) } else { after_page_id(page_id, records, link).map(Some) }
            }
            Self::PageNumber { page, first, size } => {
                let mark = records.first().map(mark);
                if mark.is_some() && mark == first {
                    return Err(Reason::PageRepeats { page });
                }
                Ok((!at_end).then(|| Self::PageNumber { page: page + 1, first: mark, size }))
            }
            // The Link header counts pages of the narrowed list, so only an empty page proves anything.
            Self::Keyset { after } => match ascending(after, records)? {
                Some(last) => Ok(Some(Self::Keyset { after: Some(last) })),
                None => Ok(None),
            },
        }
    }
}

/// After a page of the server's cursor that isn't the last.
fn after_page_id(current: Option<u64>, records: &[RecordText<'_>], link: Link) -> Result<Position, Reason> {
    let by_number = Position::PageNumber { page: 2, first: records.first().map(mark), size: None };
    let next = match (link, current) {
        (Link::Next { page_id: Some(next), .. }, _) => next,
        // The server went by number: it does no cursor here.
        (Link::Next { page: Some(2), .. } | Link::Absent, None) => return Ok(by_number),
        (Link::Next { .. }, _) => return Err(Reason::NextUnreadable),
        // A full page that claims to be the last, or a header lost on the way: the cursor is the last id by definition.
        (Link::Last | Link::Absent, _) => match records.last().and_then(id).map(u64::try_from) {
            Some(Ok(last)) => last,
            _ => return Err(Reason::KeyMissing),
        },
    };
    let last = records.last().and_then(id);
    match current {
        Some(page_id) if next <= page_id => Err(Reason::PageIdStuck { page_id }),
        // It would bring records again, and for ever if the server goes on so.
        _ if last.is_some_and(|last| i64::try_from(next).is_ok_and(|next| next < last)) => {
            Err(Reason::PageIdBehind { page_id: next, last: last.unwrap_or_default() })
        }
        _ => Ok(Position::ForwardOnly { page_id: Some(next) }),
    }
}

/// The last id of a page whose ids rise from `after`, or `None` if it is empty.
fn ascending(after: Option<i64>, records: &[RecordText<'_>]) -> Result<Option<i64>, Reason> {
    let mut last = after;
    for record in records {
        let key = id(record).ok_or(Reason::KeyMissing)?;
        if last.is_some_and(|last| key <= last) {
            return Err(Reason::KeyOutOfOrder { key });
        }
        last = Some(key);
    }
    Ok(if records.is_empty() { None } else { last })
}

/// The record's `id`, if it is a whole number.
pub(crate) fn id(record: &RecordText<'_>) -> Option<i64> {
    #[derive(Deserialize)]
    struct Id {
        id: Option<i64>,
    }
    serde_json::from_str::<Id>(record.get()).ok()?.id
}

/// What tells the start of one page from that of another: the first record's id, or else its text.
fn mark(record: &RecordText<'_>) -> u64 {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    let mut hasher = DefaultHasher::new();
    match id(record) {
        Some(id) => id.hash(&mut hasher),
        None => record.get().hash(&mut hasher),
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEXT: fn(u64) -> Link = |page_id| Link::Next { page_id: Some(page_id), page: None };

    fn after(position: Position, ids: &[i64], link: Link) -> Result<Option<Position>, String> {
        let records = ids.iter().map(|id| format!("{{\"id\":{id}}}")).collect::<Vec<_>>().join(",");
        let records = format!("[{records}]");
        let records = RecordText::split(records.as_bytes()).unwrap();
        position.after(&records, 2, link).map_err(|reason| format!("{reason:?}"))
    }

    fn cursor(page_id: impl Into<Option<u64>>) -> Position {
        Position::ForwardOnly { page_id: page_id.into() }
    }

    #[test]
    fn forward_only_goes_by_the_link() {
        let table = [
            (cursor(None), &[1, 2][..], NEXT(2), Ok(Some(cursor(2)))),
            // A short page, even an empty one, goes on while there is a next one.
            (cursor(2), &[3], NEXT(3), Ok(Some(cursor(3)))),
            (cursor(3), &[], NEXT(9), Ok(Some(cursor(9)))),
            (cursor(9), &[10], Link::Last, Ok(None)),
            (cursor(9), &[], Link::Last, Ok(None)),
            (cursor(9), &[], Link::Absent, Ok(None)),
            (cursor(None), &[], Link::Absent, Ok(None)),
            // Full, so the header alone isn't believed.
            (cursor(9), &[10, 11], Link::Last, Ok(Some(cursor(11)))),
            // The header was lost half-way.
            (cursor(9), &[10], Link::Absent, Ok(Some(cursor(10)))),
        ];
        for (position, ids, link, expected) in table {
            assert_eq!(after(position, ids, link), expected, "{position:?} {ids:?} {link:?}");
        }
    }

    #[test]
    fn forward_only_falls_back_to_numbers_on_the_first_page_alone() {
        for (ids, link) in
            [(&[1, 2][..], Link::Absent), (&[1], Link::Absent), (&[1, 2], Link::Next { page_id: None, page: Some(2) })]
        {
            let next = after(cursor(None), ids, link);
            assert!(matches!(next, Ok(Some(Position::PageNumber { page: 2, first: Some(_), .. }))), "{next:?}");
        }
        let by_number = Link::Next { page_id: None, page: Some(2) };
        assert_eq!(after(cursor(5), &[6, 7], by_number), Err("NextUnreadable".to_owned()));
    }

    #[test]
    fn smaller_and_larger_pages_begin_at_the_same_record() {
        let number = |page, size| Position::PageNumber { page, first: Some(1), size };
        let mut sizes = Vec::new();
        let mut position = number(4, None);
        let mut size = 1_000;
        while let Some(next) = position.smaller(size) {
            let Position::PageNumber { page, size: Some(smaller), .. } = next else { unreachable!() };
            assert_eq!((page - 1) * u64::from(smaller), 3_000);
            assert_eq!(next.larger(1_000), number(4, Some(1_000)));
            (position, size) = (next, smaller);
            sizes.push(smaller);
        }
        assert_eq!(sizes, [500, 250, 125, 25, 5, 1]);
        assert_eq!(number(2, None).smaller(7), Some(number(8, Some(1))));
        assert_eq!(number(8, Some(500)).larger(1_000), number(8, Some(500)), "half-way");
        assert_eq!(cursor(5).smaller(8), None);
        // A saved place may say anything.
        for page in [0, u64::MAX] {
            number(page, Some(3)).larger(0);
            number(page, Some(3)).larger(8);
            number(page, Some(3)).smaller(1_000);
        }
    }

    #[test]
    fn forward_only_must_advance() {
        let table = [
            (cursor(2), &[3, 4][..], NEXT(2)),
            (cursor(2), &[3, 4], NEXT(1)),
            (cursor(2), &[], NEXT(2)),
            // The same page again, whatever its Link says.
            (cursor(2), &[1, 2], NEXT(4)),
            (cursor(2), &[1], Link::Last),
        ];
        for (position, ids, link) in table {
            assert_eq!(after(position, ids, link), Err("PageIdStuck { page_id: 2 }".to_owned()), "{ids:?} {link:?}");
        }
    }

    #[test]
    fn the_next_page_begins_behind_the_last_record() {
        for position in [cursor(None), cursor(2)] {
            let behind = after(position, &[3, 9], NEXT(4));
            assert_eq!(behind, Err("PageIdBehind { page_id: 4, last: 9 }".to_owned()), "{position:?}");
            assert_eq!(after(position, &[3, 9], NEXT(9)), Ok(Some(cursor(9))));
        }
    }

    #[test]
    fn page_numbers_end_on_an_empty_page_or_a_short_one_without_next() {
        let start = Position::start(PagingMode::PageNumber);
        for (ids, link) in [
            (&[1, 2][..], Link::Absent),
            (&[1], Link::Absent),
            (&[1], Link::Next { page_id: None, page: Some(2) }),
            (&[1, 2], Link::Last),
            (&[], Link::Next { page_id: None, page: Some(2) }),
        ] {
            let next = after(start, ids, link);
            assert!(matches!(next, Ok(Some(Position::PageNumber { page: 2, .. }))), "{ids:?} {link:?}: {next:?}");
        }
        for (ids, link) in [(&[][..], Link::Absent), (&[], Link::Last), (&[1], Link::Last)] {
            assert_eq!(after(start, ids, link), Ok(None), "{ids:?} {link:?}");
        }
    }

    #[test]
    fn a_page_that_repeats_is_an_error() {
        let second = after(Position::start(PagingMode::PageNumber), &[1, 2], Link::Absent).unwrap().unwrap();
        assert_eq!(after(second, &[1, 2], Link::Absent), Err("PageRepeats { page: 2 }".to_owned()));
        assert_eq!(after(second, &[1], Link::Last), Err("PageRepeats { page: 2 }".to_owned()));
        assert!(after(second, &[3], Link::Absent).is_ok());
    }

    #[test]
    fn keyset_ends_on_an_empty_page_only() {
        let key = |after| Position::Keyset { after };
        assert_eq!(after(key(None), &[4, 7], Link::Absent), Ok(Some(key(Some(7)))));
        assert_eq!(after(key(Some(7)), &[8], Link::Last), Ok(Some(key(Some(8)))));
        assert_eq!(after(key(Some(8)), &[], Link::Absent), Ok(None));
        assert_eq!(after(key(Some(8)), &[8], Link::Absent), Err("KeyOutOfOrder { key: 8 }".to_owned()));
        assert_eq!(after(key(None), &[9, 4], Link::Absent), Err("KeyOutOfOrder { key: 4 }".to_owned()));
        let nameless = RecordText::split(b"[{\"name\":\"x\"}]").unwrap();
        assert!(matches!(key(None).after(&nameless, 2, Link::Absent), Err(Reason::KeyMissing)));
    }
}
