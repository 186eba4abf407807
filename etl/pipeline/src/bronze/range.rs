//! Which key ranges of a list are there, and which have to be read: pure.

use connectwise_lakehouse::{Chunk, Keys};
use connectwise_sdk::conditions::{Condition, field};

/// Keys behind the first up to the second; open where there is none.
pub(super) type Range = (Option<i64>, Option<i64>);

/// A part of a list.
#[derive(Debug, Clone)]
pub(super) enum Piece {
    /// It is in a file.
    Keep(Box<Chunk>),
    /// It has to be read.
    Read {
        /// The key before the range.
        after: Option<i64>,
        /// The last key of the range.
        last: Option<i64>,
    },
    /// It has to be read, by bundles of these ranges.
    Bundled(Vec<Range>),
}

impl Piece {
    /// The same range, to be read again.
    pub(super) fn into_read(self) -> Self {
        match self {
            Self::Keep(chunk) => Self::Read { after: chunk.after, last: Some(chunk.last) },
            read => read,
        }
    }

    /// The last key that is kept.
    pub(super) fn kept_to(&self) -> Option<i64> {
        match self {
            Self::Keep(chunk) => Some(chunk.last),
            Self::Read { .. } | Self::Bundled(_) => None,
        }
    }
}

/// The whole list: staged files, what lies between them and what lies behind. Files of two loads that staged side by side
/// may overlap; of those the first is kept.
pub(super) fn pieces(chunks: &[Chunk]) -> Vec<Piece> {
    let mut sorted: Vec<&Chunk> = chunks.iter().collect();
    sorted.sort_by_key(|chunk| (chunk.after, chunk.last));
    let mut pieces = Vec::new();
    let mut at = None;
    for chunk in sorted {
        if chunk.after < at || Some(chunk.last) <= chunk.after {
            continue;
        }
        if chunk.after > at {
            pieces.push(Piece::Read { after: at, last: chunk.after });
        }
        pieces.push(Piece::Keep(Box::new(chunk.clone())));
        at = Some(chunk.last);
    }
    pieces.push(Piece::Read { after: at, last: None });
    pieces
}

/// Fewest pages that are worth a range of their own.
const PAGES: u64 = 4;

/// Ranges per concurrent read: keys have gaps, so ranges of equal width hold unequal numbers of records.
const FOR_EACH: usize = 4;

/// Number of ranges that a list of `records` is cut into, of which `at_once` are read at the same time; at least 1.
pub(super) fn pieces_of(records: u64, page_size: u32, at_once: usize) -> usize {
    let long = records / (PAGES * u64::from(page_size.max(1)));
    usize::try_from(long).unwrap_or(usize::MAX).min(at_once * FOR_EACH).max(1)
}

/// Keys per range that is read as one page: as many records again may be inserted before the page is full.
const FILLED: usize = 500;

/// Ranges `(after, up to)` with the same number of keys each, the first and last open. `None` if the table has too few keys to
/// say how those of a list of `records` are spread.
pub(super) fn filled(keys: &Keys, records: u64) -> Option<Vec<Range>> {
    let is_alike = keys.len() > records / 2 && keys.max().is_some_and(|key| key <= i64::MAX.cast_unsigned());
    if !is_alike {
        return None;
    }
    let mut ends: Vec<i64> = keys.iter().skip(FILLED - 1).step_by(FILLED).map(u64::cast_signed).collect();
    // The last range is open for new records, whose keys are higher; it takes the last keys too, so that it isn't empty.
    if keys.len().is_multiple_of(FILLED as u64) {
        ends.pop();
    }
    let from = std::iter::once(None).chain(ends.iter().copied().map(Some));
    Some(from.zip(ends.iter().copied().map(Some).chain([None])).collect())
}

/// Ranges of a piece: a multiple of those in a bundle.
const BUNDLED: usize = 8;

/// Requests in which so many records of a list are read: bundles of ranges where it is cut into those, as one is that is long or
/// resembles its table, and else pages.
pub(crate) fn requests(records: u64, page_size: u32, has_table: bool) -> u64 {
    let is_cut = has_table || pieces_of(records, page_size, 1) > 1;
    records.div_ceil(if is_cut { (FILLED * BUNDLED) as u64 } else { page_size.max(1).into() })
}

/// Cuts the keys of a list of `records` into ranges that are expected to be read as one page each, and these into pieces, of
/// which `at_once` are read at the same time.
pub(super) fn bundled(keys: (i64, i64), records: u64, at_once: usize) -> Vec<Piece> {
    let ranges = split(keys, usize::try_from(records.div_ceil(FILLED as u64)).unwrap_or(usize::MAX));
    in_bundles(&ranges, at_once).map(Piece::Bundled).collect()
}

/// Ranges that are read as one page each, in pieces of whole bundles, of which `at_once` are read at the same time.
pub(super) fn in_bundles(ranges: &[Range], at_once: usize) -> impl Iterator<Item = Vec<Range>> {
    let of_a_piece = ranges.len().div_ceil(at_once.max(1)).next_multiple_of(BUNDLED);
    ranges.chunks(of_a_piece).map(<[Range]>::to_vec)
}

/// Ranges that are counted in one request.
pub(super) const COUNTED: usize = 100;

/// Records of a range up to which bundles give all of it: more may be inserted before its page is full.
const FITS: u64 = 900;

/// Ranges whose records the server counted, in rising order: what is read of a list of which somebody else chose the records, as
/// the changed ones, whose keys are spread in no known way.
#[derive(Debug, Default)]
pub(super) struct Counted(Vec<(Range, u64)>);

impl Counted {
    /// Takes ranges between the lowest and the highest key with their counts. Gives the ranges that those with too many records are
    /// cut into, to be counted in their place.
    pub(super) fn take(
        &mut self,
        counted: impl IntoIterator<Item = (Range, u64)>,
        (low, high): (i64, i64),
    ) -> Vec<Range> {
        let mut finer = Vec::new();
        for ((after, last), records) in counted {
            let parts = usize::try_from(records.div_ceil(FILLED as u64)).unwrap_or(usize::MAX);
            let mut cuts = split((after.unwrap_or(low), last.unwrap_or(high)), parts);
            if records <= FITS || cuts.len() < 2 {
                self.0.push(((after, last), records));
                continue;
            }
            // The ends of the cuts are open.
            if let Some(first) = cuts.first_mut() {
                first.0 = after;
            }
            if let Some(end) = cuts.last_mut() {
                end.1 = last;
            }
            finer.append(&mut cuts);
        }
        finer
    }

    /// Takes ranges that nobody counts any more, and which are expected to fit.
    pub(super) fn expect(&mut self, ranges: Vec<Range>) {
        self.0.extend(ranges.into_iter().map(|range| (range, FILLED as u64)));
    }

    /// The ranges in rising order, neighbours together as long as they are expected to be read as one page.
    pub(super) fn joined(mut self) -> Vec<Range> {
        self.0.sort_unstable();
        let mut joined: Vec<(Range, u64)> = Vec::new();
        for ((after, last), records) in self.0 {
            match joined.last_mut().filter(|(_, before)| *before + records <= FILLED as u64) {
                Some((range, before)) => {
                    range.1 = last;
                    *before += records;
                }
                None => joined.push(((after, last), records)),
            }
        }
        joined.into_iter().map(|(range, _)| range).collect()
    }
}

/// Cuts the keys from the lowest to the highest into ranges of equal width; the first and the last are open.
pub(super) fn split((low, high): (i64, i64), ranges: usize) -> Vec<Range> {
    let width = high.saturating_sub(low) / i64::try_from(ranges.max(1)).unwrap_or(i64::MAX);
    if width == 0 {
        return vec![(None, None)];
    }
    let mut cuts: Vec<Option<i64>> = vec![None];
    cuts.extend((1..ranges).filter_map(|cut| low.checked_add(width.checked_mul(i64::try_from(cut).ok()?)?)).map(Some));
    cuts.push(None);
    cuts.array_windows().map(|[after, last]| (*after, *last)).collect()
}

/// The keys behind `after` up to `last`, `None` for all of them.
pub(super) fn between(key: &'static str, after: Option<i64>, last: Option<i64>) -> Option<Condition> {
    match (after.map(|after| field(key).gt(after)), last.map(|last| field(key).le(last))) {
        (Some(after), Some(last)) => Some(after & last),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(after: Option<i64>, last: i64) -> Chunk {
        let file = serde_json::json!({ "add": {
            "path": "a.parquet", "partitionValues": {}, "size": 1, "modificationTime": 0, "dataChange": true,
        }, "rows": 1, "keys": [last, last] });
        Chunk { after, last, rescued: 0, file: serde_json::from_value(file).unwrap() }
    }

    fn shown(chunks: &[Chunk]) -> Vec<String> {
        let end = |key: Option<i64>| key.map_or("..".to_owned(), |key| key.to_string());
        pieces(chunks)
            .iter()
            .map(|piece| match piece {
                Piece::Keep(chunk) => format!("keep {} {}", end(chunk.after), chunk.last),
                Piece::Read { after, last } => format!("read {} {}", end(*after), end(*last)),
                Piece::Bundled(ranges) => format!("{ranges:?}"),
            })
            .collect()
    }

    #[test]
    fn what_is_staged_is_kept_and_the_rest_is_read() {
        assert_eq!(shown(&[]), ["read .. .."]);
        assert_eq!(shown(&[chunk(Some(10), 25), chunk(None, 10)]), ["keep .. 10", "keep 10 25", "read 25 .."]);
        // Parallel ranges leave gaps.
        assert_eq!(
            shown(&[chunk(None, 10), chunk(Some(50), 70)]),
            ["keep .. 10", "read 10 50", "keep 50 70", "read 70 .."]
        );
        assert_eq!(shown(&[chunk(Some(50), 70)]), ["read .. 50", "keep 50 70", "read 70 .."]);
    }

    #[test]
    fn pieces_are_whole_bundles_of_ranges() {
        let sizes = |records, at_once| -> Vec<usize> {
            let of = |piece: &Piece| if let Piece::Bundled(ranges) = piece { ranges.len() } else { 0 };
            bundled((1, 300_000), records, at_once).iter().map(of).collect()
        };
        assert_eq!(sizes(100_000, 4), [56, 56, 56, 32]);
        assert_eq!(sizes(8_200, 4), [8, 8, 1]);
        assert_eq!(sizes(8_200, 1), [17]);
    }

    #[test]
    fn ranges_of_changed_rows_follow_their_counts() {
        // Ten thousand keys in four ranges: none, a few, and most of them in the last.
        let bounds = (0, 10_000);
        let ranges = split(bounds, 4);
        let mut counted = Counted::default();
        let finer = counted.take(ranges.into_iter().zip([0, 300, 150, 1_500]), bounds);
        assert_eq!(finer, [(Some(7_500), Some(8_333)), (Some(8_333), Some(9_166)), (Some(9_166), None)]);
        let finer = counted.take(finer.into_iter().zip([100, 100, 1_300]), bounds);
        assert_eq!(finer, [(Some(9_166), Some(9_444)), (Some(9_444), Some(9_722)), (Some(9_722), None)]);
        counted.expect(finer);
        assert_eq!(
            counted.joined(),
            [
                (None, Some(7_500)),
                (Some(7_500), Some(9_166)),
                (Some(9_166), Some(9_444)),
                (Some(9_444), Some(9_722)),
                (Some(9_722), None)
            ]
        );
    }

    #[test]
    fn a_range_without_room_between_its_keys_stays_one() {
        let mut counted = Counted::default();
        assert!(counted.take([((Some(4), Some(5)), 2_000)], (0, 10)).is_empty());
        assert_eq!(counted.joined(), [(Some(4), Some(5))]);
    }

    #[test]
    fn of_overlapping_files_one_is_kept() {
        let side_by_side = [chunk(None, 10), chunk(None, 12), chunk(Some(10), 20), chunk(Some(12), 30)];
        assert_eq!(shown(&side_by_side), ["keep .. 10", "keep 10 20", "read 20 .."]);
    }

    #[test]
    fn a_list_is_cut_where_that_is_worth_it() {
        for (records, expected) in [(0, 1), (7_999, 1), (8_000, 2), (100_000, 16), (10_000_000, 16)] {
            assert_eq!(pieces_of(records, 1_000, 4), expected, "{records}");
        }
        assert_eq!(pieces_of(500, 50, 2), 2);
    }

    #[test]
    fn ranges_are_filled_evenly_with_what_is_there() {
        let keys = |count: u64| (1..=count).map(|key| key * 3).collect::<Keys>();
        assert_eq!(filled(&keys(499), 499), Some(vec![(None, None)]));
        assert_eq!(filled(&keys(500), 500), Some(vec![(None, None)]));
        let expected = vec![(None, Some(1_500)), (Some(1_500), Some(3_000)), (Some(3_000), None)];
        assert_eq!(filled(&keys(1_200), 1_000), Some(expected));
        assert_eq!(filled(&keys(500), 1_000), None, "half of the list isn't there");
        assert_eq!(filled(&Keys::from_iter([1, u64::MAX]), 2), None);
        assert_eq!(filled(&Keys::new(), 0), None);
    }

    #[test]
    fn ranges_cover_all_keys_once() {
        assert_eq!(split((1, 1000), 1), [(None, None)]);
        assert_eq!(split((5, 5), 4), [(None, None)]);
        assert_eq!(
            split((0, 100), 4),
            [(None, Some(25)), (Some(25), Some(50)), (Some(50), Some(75)), (Some(75), None)]
        );
        assert_eq!(split((i64::MIN, i64::MAX), 2).len(), 2);
    }
}
