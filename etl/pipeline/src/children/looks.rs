//! When each child list was last read, as far as a few application transactions of the table tell.

use chrono::{DateTime, Utc};
use connectwise_lakehouse::{Commit, Table};

use crate::error::Result;

/// Application transactions of the spans, one each, in rising order: the last parent, and the minute. The one of the last parents of
/// all ends them, so that what stood behind it before says nothing.
const LOOKED: &str = "connectwise-etl:looked";

/// Bits of a minute since 1970, which last until 2097. The others are those of the parent.
const MINUTE_BITS: u32 = 26;

/// Stands for the highest id. The API's ids are smaller by far.
const OPEN: i64 = (1 << (63 - MINUTE_BITS)) - 1;

/// Most spans that a table keeps: as many as the daily parts of a week, and one that is under way.
const MOST: usize = 8;

/// Parents up to an id, behind the span before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct LookSpan {
    last: i64,
    /// All of their lists were read at this time, the server's, or later; `None` if nobody knows.
    since: Option<DateTime<Utc>>,
}

/// When the lists of which parents were last read. Without spans, nobody knows of any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Looks(Vec<LookSpan>);

impl LookSpan {
    /// As one number; 0 stands for no span. `None` where it doesn't fit.
    fn packed(self) -> Option<i64> {
        let last = if self.last == i64::MAX { OPEN } else { self.last };
        let minute = self.since.map_or(0, |since| since.timestamp().div_euclid(60));
        let fits = (0..=OPEN).contains(&last) && (0..1 << MINUTE_BITS).contains(&minute);
        fits.then_some((last << MINUTE_BITS) | minute)
    }

    fn unpacked(packed: i64) -> Option<Self> {
        let last = packed >> MINUTE_BITS;
        let minute = packed & ((1 << MINUTE_BITS) - 1);
        let since = if minute > 0 { DateTime::from_timestamp(minute * 60, 0) } else { None };
        (packed > 0).then_some(Self { last: if last == OPEN { i64::MAX } else { last }, since })
    }
}

impl Looks {
    /// The lists of all parents were read, beginning at this time.
    pub(super) fn of_all(time: DateTime<Utc>) -> Self {
        Self(vec![LookSpan { last: i64::MAX, since: Some(time) }])
    }

    /// The same with the lists of all parents behind one id up to another read, beginning at this time. New parents are read when they
    /// come, so that no span is too old for them.
    pub(super) fn with(&self, (after, last): (i64, i64), time: DateTime<Utc>) -> Self {
        let unknown = [LookSpan { last: i64::MAX, since: None }];
        let known = if self.0.is_empty() { &unknown[..] } else { &self.0 };
        let mut spans: Vec<LookSpan> = known.iter().copied().take_while(|span| span.last < after).collect();
        if after > i64::MIN
            && let Some(cut) = known.iter().find(|span| span.last >= after)
        {
            spans.push(LookSpan { last: after, ..*cut });
        }
        spans.push(LookSpan { last, since: Some(time) });
        spans.extend(known.iter().filter(|span| span.last > last));
        while spans.len() > MOST {
            // The two neighbours whose times are closest become one, which is as old as the older.
            let apart = |at: &usize| {
                let since = |at: usize| spans.get(at).and_then(|span: &LookSpan| span.since);
                since(*at).zip(since(*at + 1)).map_or(i64::MAX, |(one, other)| (one - other).num_seconds().abs())
            };
            let Some(at) = (0..spans.len() - 1).min_by_key(apart) else { break };
            let first = spans.remove(at);
            if let Some(joined) = spans.get_mut(at) {
                joined.since = joined.since.min(first.since);
            }
        }
        Self(spans)
    }

    /// The list that wasn't read for longest was read at this time or later; `None` if nobody knows.
    pub(super) fn oldest(&self) -> Option<DateTime<Utc>> {
        // `None` is less than any time.
        self.0.iter().map(|span| span.since).min().flatten()
    }

    /// Those of a table. Each is looked up in its log, so none is in vain.
    pub(super) async fn stored(table: &Table) -> Result<Self> {
        let mut spans: Vec<LookSpan> = Vec::new();
        while spans.len() < MOST && spans.last().is_none_or(|span| span.last < i64::MAX) {
            let packed = table.transaction(&application(spans.len())).await?;
            let Some(span) = packed.and_then(LookSpan::unpacked) else { return Ok(Self::default()) };
            spans.push(span);
        }
        Ok(Self(spans))
    }

    /// Leaves them with a commit.
    pub(super) fn transactions(&self, commit: Commit) -> Commit {
        if self.0.is_empty() {
            return commit;
        }
        // Ids or times that don't fit are forgotten with all others, and nobody knows when the lists were read.
        let packed: Option<Vec<i64>> = self.0.iter().copied().map(LookSpan::packed).collect();
        let packed = packed.unwrap_or_else(|| vec![0]);
        let places = packed.into_iter().enumerate();
        places.fold(commit, |commit, (place, packed)| commit.transaction(application(place), packed))
    }
}

fn application(place: usize) -> String {
    format!("{LOOKED}:{place}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(day: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + day * 86_400, 0).unwrap()
    }

    #[test]
    fn a_round_in_parts_is_as_old_as_its_oldest_part() {
        let mut looks = Looks::of_all(day(0));
        assert_eq!(looks.oldest(), Some(day(0)));
        let mut oldest = Vec::new();
        // 700 parents in seven daily parts, twice; the last part is open.
        for (at, part) in (0..14_i64).map(|at| (at, at % 7)) {
            let after = if part == 0 { i64::MIN } else { part * 100 };
            let last = if part == 6 { i64::MAX } else { (part + 1) * 100 };
            looks = looks.with((after, last), day(at + 1));
            assert!(looks.0.len() <= MOST && looks.0.last().unwrap().last == i64::MAX, "{looks:?}");
            oldest.push(looks.oldest().unwrap());
        }
        let first: Vec<DateTime<Utc>> = [0, 0, 0, 0, 0, 0, 1].map(day).into();
        let second: Vec<DateTime<Utc>> = (2..=8).map(day).collect();
        assert_eq!(oldest, [first, second].concat());
    }

    #[test]
    fn what_nobody_knows_of_has_no_age() {
        let looks = Looks::default().with((i64::MIN, 100), day(1));
        assert_eq!(looks.oldest(), None);
        assert_eq!(looks.with((100, i64::MAX), day(2)).oldest(), Some(day(1)));
        assert_eq!(Looks::default().oldest(), None);
    }

    #[test]
    fn many_small_parts_are_few_spans_that_are_never_too_young() {
        let mut looks = Looks::of_all(day(0));
        for part in 0..100 {
            let after = if part == 0 { i64::MIN } else { part * 10 };
            looks = looks.with((after, (part + 1) * 10), day(part + 1));
            assert!(looks.0.len() <= MOST, "{looks:?}");
            // Parents that were read just now, and those that are still to come.
            assert_eq!(looks.oldest(), Some(day(0)));
        }
        let looks = looks.with((1_000, i64::MAX), day(200));
        let oldest = looks.oldest().unwrap();
        assert_eq!(oldest, day(1), "the first part");
    }

    #[test]
    fn a_span_is_one_number_to_the_minute() {
        let spans = [
            LookSpan { last: 0, since: Some(day(1)) },
            LookSpan { last: 4_711, since: None },
            LookSpan { last: i64::from(i32::MAX), since: Some(day(20_000)) },
            LookSpan { last: i64::MAX, since: Some(day(0)) },
        ];
        for span in spans {
            let back = LookSpan::unpacked(span.packed().unwrap()).unwrap();
            assert_eq!(back.last, span.last);
            let younger = back.since.zip(span.since).map(|(back, span)| (span - back).num_seconds());
            assert!(younger.is_none_or(|seconds| (0..60).contains(&seconds)), "{span:?} {back:?}");
            assert_eq!(back.since.is_some(), span.since.is_some());
        }
        assert_eq!(LookSpan::unpacked(0), None);
        assert_eq!(LookSpan { last: -1, since: None }.packed(), None);
        assert_eq!(LookSpan { last: OPEN + 1, since: None }.packed(), None);
    }
}
