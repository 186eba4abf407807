//! Whether a listing may go on: a server that names a next page for ever must not be read for ever.

use super::Listing;
use crate::reason::Reason;

/// Pages in a row that may come without a record. A server that filters pages after it has cut them can send some; so many
/// would stand for 100,000 records that nobody may see.
const MOST_EMPTY: u32 = 100;

/// Records beyond twice what was counted: ten full pages. A list grows while it is read, and some counts lag behind.
const SLACK: u64 = 10_000;

/// What a listing has brought, and what it may bring.
#[derive(Debug)]
pub(super) struct End {
    counted: Counted,
    /// Records that no list has, whatever its server counts or doesn't.
    most: u64,
    records: u64,
    /// Pages without a record since the last one with some.
    empty: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Counted {
    /// Nobody has asked.
    Unasked,
    Records(u64),
    /// The server doesn't say.
    Unknown,
}

impl End {
    pub(super) fn new(counted: Option<u64>, most: u64) -> Self {
        Self { counted: counted.map_or(Counted::Unasked, Counted::Records), most, records: 0, empty: 0 }
    }

    /// Takes in a page, or says why there should have been no page like it.
    pub(super) fn came(&mut self, records: usize, goes_on: bool) -> Result<(), Reason> {
        self.records = self.records.saturating_add(records as u64);
        self.empty = if records == 0 && goes_on { self.empty + 1 } else { 0 };
        if self.empty >= MOST_EMPTY {
            return Err(Reason::EmptyPages { pages: self.empty });
        }
        match self.counted {
            Counted::Records(counted) if self.records > counted.saturating_mul(2).saturating_add(SLACK) => {
                Err(Reason::MoreThanCounted { counted, records: self.records })
            }
            _ if self.records > self.most => Err(Reason::MoreThanAnyList { most: self.most }),
            _ => Ok(()),
        }
    }

    /// Whether it is long enough to be worth a count, and there is none.
    fn wants_count(&self) -> bool {
        self.counted == Counted::Unasked && self.records > SLACK
    }
}

impl Listing {
    /// Asks how many records there are, once a listing is long and nobody has said so.
    pub(super) async fn count_if_long(&mut self) {
        if self.end.wants_count() {
            let path = format!("{}/count", self.request.path.trim_end_matches('/'));
            // Not every route can count, and a listing doesn't fail for it.
            let counted = self.request.count_with(&path, Some(1)).await;
            self.end.counted = counted.map_or(Counted::Unknown, Counted::Records);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pages of this size until a listing has to end, of `most` at most.
    fn pages(counted: Option<u64>, size: usize, most: u32) -> Option<u32> {
        let mut end = End::new(counted, 15_000_000);
        (1..=most).find(|_| end.came(size, true).is_err())
    }

    #[test]
    fn a_listing_ends_beyond_twice_what_was_counted() {
        let table = [
            (Some(0), 1_000, Some(11)),
            (Some(5_000), 1_000, Some(21)),
            (Some(50_000), 1_000, Some(111)),
            // Where the count says nothing, or what can't be, no list is longer than any.
            (Some(u64::MAX), 1_000, Some(15_001)),
            (None, 1_000, Some(15_001)),
            (None, 500, None),
            (None, 0, Some(100)),
            (Some(5_000), 0, Some(100)),
            // The last page may be empty.
            (Some(0), 1, Some(10_001)),
        ];
        for (counted, size, expected) in table {
            assert_eq!(pages(counted, size, 20_000), expected, "{counted:?} counted, pages of {size}");
        }
    }

    #[test]
    fn a_record_now_and_then_is_no_row_of_empty_pages() {
        let mut end = End::new(None, 15_000_000);
        for _ in 0..10 {
            for _ in 1..MOST_EMPTY {
                end.came(0, true).unwrap();
            }
            end.came(1, true).unwrap();
        }
    }
}
