//! When each version of a record was valid: a pure function, the same whatever order versions arrived in.
//!
//! A version is valid from the server's change time on. Where a change left the change time as it was, and where a record came
//! back after it was gone, the server tells no time, and the version is valid from when it was first read.

/// A version of one record. In order: by change time, then by when it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Version {
    /// Change time of the record, or when it was read where it has none.
    pub(crate) changed: i64,
    /// When it was read.
    pub(crate) seen: i64,
    /// Hash of its content.
    pub(crate) content: i64,
}

/// How long a version was valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) from: i64,
    /// `None` as long as it is.
    pub(crate) to: Option<i64>,
    /// Whether it ended because the record was gone.
    pub(crate) deleted: bool,
}

impl Span {
    /// Whether there is no time at which it was valid.
    pub(crate) fn is_empty(&self) -> bool {
        self.to == Some(self.from)
    }
}

/// The span of each version. `versions` are sorted and unique, `deletions` are the times at which the record was gone.
pub(crate) fn spans(versions: &[Version], deletions: &[i64]) -> Vec<Span> {
    let mut starts: Vec<i64> = Vec::with_capacity(versions.len());
    let mut before: Option<i64> = None;
    for version in versions {
        // The first version with a change time began then; what differs without a new change time came later.
        let told = if before == Some(version.changed) { version.changed.max(version.seen) } else { version.changed };
        before = Some(version.changed);
        // What was first read after the record was gone is something that came back.
        let returned = deletions.iter().any(|gone| told <= *gone && *gone < version.seen);
        starts.push(if returned { version.seen } else { told });
    }
    // A version ends at the latest when the next one begins, whatever clocks say.
    let mut latest = i64::MAX;
    for start in starts.iter_mut().rev() {
        latest = latest.min(*start);
        *start = latest;
    }
    let next = starts.iter().skip(1).map(|start| Some(*start)).chain([None]);
    let ends = starts.iter().zip(next);
    ends.map(|(from, next)| {
        let within = deletions.iter().filter(|gone| *gone >= from && next.is_none_or(|next| **gone < next));
        match within.min() {
            Some(gone) => Span { from: *from, to: Some(*gone), deleted: true },
            None => Span { from: *from, to: next, deleted: false },
        }
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn version(changed: i64, seen: i64, content: i64) -> Version {
        Version { changed, seen, content }
    }

    const fn span(from: i64, to: Option<i64>, deleted: bool) -> Span {
        Span { from, to, deleted }
    }

    #[test]
    fn a_version_ends_where_the_next_begins() {
        let versions = [version(10, 100, 1), version(50, 300, 2), version(200, 210, 3)];
        assert_eq!(
            spans(&versions, &[]),
            [span(10, Some(50), false), span(50, Some(200), false), span(200, None, false)]
        );
    }

    #[test]
    fn a_change_that_leaves_the_change_time_counts_from_when_it_was_read() {
        let versions = [version(10, 100, 1), version(10, 200, 2), version(10, 300, 1)];
        assert_eq!(
            spans(&versions, &[]),
            [span(10, Some(200), false), span(200, Some(300), false), span(300, None, false)]
        );
    }

    #[test]
    fn what_is_gone_is_closed_and_what_comes_back_opens_again() {
        let versions = [version(10, 100, 1), version(10, 300, 1)];
        assert_eq!(spans(&versions, &[200]), [span(10, Some(200), true), span(300, None, false)]);
        let versions = [version(10, 100, 1), version(250, 300, 1)];
        assert_eq!(spans(&versions, &[200]), [span(10, Some(200), true), span(250, None, false)]);
    }

    #[test]
    fn clocks_that_disagree_make_no_span_that_ends_before_it_begins() {
        // The server's clock is ahead: read at 100 what changed at 150.
        let versions = [version(150, 100, 1), version(150, 120, 2), version(151, 119, 3)];
        let found = spans(&versions, &[160]);
        assert!(found.iter().all(|span| span.to.is_none_or(|to| to >= span.from)), "{found:?}");
        assert_eq!(found.last(), Some(&span(151, Some(160), true)));
    }

    proptest! {
        #[test]
        fn spans_never_overlap_and_at_most_one_is_open(
            mut versions in prop::collection::vec((0..50_i64, 0..50_i64, 0..4_i64), 0..12),
            deletions in prop::collection::vec(0..60_i64, 0..4),
        ) {
            versions.sort_unstable();
            versions.dedup();
            let versions: Vec<_> = versions.into_iter().map(|(changed, seen, content)| version(changed, seen, content)).collect();
            let spans = spans(&versions, &deletions);
            prop_assert_eq!(spans.len(), versions.len());
            for pair in spans.windows(2) {
                prop_assert!(pair[0].to.is_some_and(|to| pair[0].from <= to && to <= pair[1].from), "{pair:?}");
            }
        }
    }
}
