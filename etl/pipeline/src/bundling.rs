//! What the loads of a run find out about bundles of child lists, so that each of them knows it.

/// Lists in a bundle to begin with; so many are known to work.
pub const BUNDLE: usize = 100;

/// Most lists in a bundle.
const LARGEST: usize = 800;

/// How many lists the server takes in one bundle. The API documents no limit: each size that is answered is doubled, until one
/// is refused.
#[derive(Debug)]
pub(crate) struct Sizes {
    /// Lists of the largest bundle that was answered.
    works: usize,
    /// Most lists that the server may take.
    most: usize,
    /// Whether a bundle with more lists than any before is under way. Others of that size would be refused with it.
    trying: bool,
}

impl Default for Sizes {
    fn default() -> Self {
        Self { works: BUNDLE, most: LARGEST, trying: false }
    }
}

impl Sizes {
    /// Lists of the next bundle, of at most `wanted`.
    pub(crate) fn next(&mut self, wanted: usize) -> usize {
        let larger = wanted.min(2 * self.works).min(self.most);
        if larger <= self.works || self.trying {
            return wanted.min(self.works);
        }
        self.trying = true;
        larger
    }

    /// Lists of a bundle that is expected to be answered.
    pub(crate) fn working(&self) -> usize {
        self.works
    }

    /// A bundle with so many lists was answered.
    pub(crate) fn answered(&mut self, lists: usize) {
        if lists > self.works {
            self.works = lists;
            self.trying = false;
        }
    }

    /// A bundle with so many lists failed, and not by their number.
    pub(crate) fn failed(&mut self, lists: usize) {
        self.trying &= lists <= self.works;
    }

    /// A bundle with so many lists failed, perhaps by their number: no larger one is tried any more.
    pub(crate) fn refused(&mut self, lists: usize) {
        self.failed(lists);
        if lists <= self.works {
            self.works = lists.div_ceil(2);
        }
        self.most = self.works;
    }
}

/// A list as a bundle returned it: its records, and the rows that the table holds of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Length {
    pub(crate) records: usize,
    pub(crate) stored: usize,
}

/// So many confirmed lists show that their length is that of the entity, and no limit at which the server cuts.
const ALIKE: usize = 100;

/// The longest lists of an entity that counts confirmed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Longest {
    records: usize,
    /// How many of that length.
    lists: usize,
}

impl Longest {
    fn confirm(&mut self, lengths: impl Iterator<Item = usize>) {
        for records in lengths {
            if records > self.records {
                *self = Self { records, lists: 0 };
            }
            self.lists += usize::from(records == self.records);
        }
    }

    /// Whether a list of this length may have been cut.
    fn may_cut(&self, records: usize) -> bool {
        records > self.records || (records == self.records && self.lists < ALIKE)
    }
}

/// What counts have confirmed of bundles so far: the answers that it resembles are complete without a count.
///
/// A server could cut lists at a length, or bundles at a number of lists or records, and not say so. What it cut is never smaller
/// than what it returned in full, so that answers that are larger than all confirmed ones, or as large, are counted.
/// `docs/decisions/0041-proof-of-child-lists.md` says what remains.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Proof {
    /// Records of the longest list.
    longest: usize,
    /// The longest lists of the entity at hand, which may have limits of its own.
    of_entity: Longest,
    /// Lists of the bundle with most lists.
    lists: usize,
    /// Records of the bundle with most records.
    records: usize,
    /// Whether lists lacked records, so that all are counted.
    doubted: bool,
}

impl Proof {
    /// A list of `longest` records, and a bundle of `records`, that counts confirmed.
    pub(crate) fn of(longest: usize, records: usize) -> Self {
        Self { longest, records, ..Self::default() }
    }

    /// The same with what is known of an entity.
    pub(crate) fn with_entity(self, of_entity: Longest) -> Self {
        Self { of_entity, ..self }
    }

    pub(crate) fn of_entity(&self) -> Longest {
        self.of_entity
    }

    pub(crate) fn is_doubted(&self) -> bool {
        self.doubted
    }

    /// From now on, every list is counted.
    pub(crate) fn doubt(&mut self) {
        self.doubted = true;
    }

    /// Whether each list of a bundle needs a count.
    pub(crate) fn unproven(&self, lists: &[Length]) -> Vec<bool> {
        let records: usize = lists.iter().map(|list| list.records).sum();
        let all = self.doubted || self.of_entity.records == 0 || lists.len() > self.lists || records >= self.records;
        let is_open = |list: &Length| {
            let is_long = list.records >= self.longest || self.of_entity.may_cut(list.records);
            // No stored row is given up on the word of a bundle.
            all || is_long || list.records < list.stored
        };
        lists.iter().map(is_open).collect()
    }

    /// Adds a bundle of which counts confirmed these lists.
    pub(crate) fn confirm(&mut self, lists: &[Length], confirmed: &[bool]) {
        let of_those = lists.iter().zip(confirmed).filter_map(|(list, confirmed)| confirmed.then_some(list.records));
        self.of_entity.confirm(of_those);
        self.longest = self.longest.max(self.of_entity.records);
        if confirmed.iter().all(|confirmed| *confirmed) {
            self.lists = self.lists.max(lists.len());
            self.records = self.records.max(lists.iter().map(|list| list.records).sum());
        }
    }

    /// Adds what another load found out, but for what is of its entity.
    pub(crate) fn join(&mut self, other: Self) {
        let Self { longest, of_entity: _, lists, records, doubted } = other;
        self.longest = self.longest.max(longest);
        self.lists = self.lists.max(lists);
        self.records = self.records.max(records);
        self.doubted |= doubted;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_size_is_tried_once() {
        let mut sizes = Sizes::default();
        assert_eq!((sizes.next(100), sizes.next(30)), (100, 30), "nothing larger is wanted");
        assert_eq!((sizes.next(500), sizes.next(500)), (200, 100), "one bundle tries what is new");
        sizes.refused(200);
        assert_eq!((sizes.next(500), sizes.next(500)), (100, 100));
        // Bundles that were under way together are refused together.
        sizes.refused(100);
        sizes.refused(100);
        assert_eq!((sizes.next(500), sizes.working()), (50, 50));
    }

    #[test]
    fn sizes_double_as_long_as_they_are_answered() {
        let mut sizes = Sizes::default();
        let tried: Vec<usize> = (0..5)
            .map(|_| {
                let size = sizes.next(10_000);
                sizes.answered(size);
                size
            })
            .collect();
        assert_eq!(tried, [200, 400, 800, 800, 800]);
        sizes.refused(800);
        assert_eq!(sizes.next(10_000), 400, "what failed once isn't tried again");
    }

    fn lengths(records: &[usize]) -> Vec<Length> {
        records.iter().map(|records| Length { records: *records, stored: 0 }).collect()
    }

    /// What a server returns in bundles of these sizes, where each list has so many records; and how many were counted.
    /// `None` if a list was believed that lacks records.
    fn read(
        lists: &[usize],
        sizes: &[usize],
        cut: impl Fn(&[usize]) -> Vec<usize>,
        proof: &mut Proof,
    ) -> Option<usize> {
        let mut rest = lists;
        let mut counted = 0;
        for size in sizes.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let bundle;
            (bundle, rest) = rest.split_at((*size).min(rest.len()));
            let sent = lengths(&cut(bundle));
            let open = proof.unproven(&sent);
            counted += open.iter().filter(|open| **open).count();
            let is_whole: Vec<bool> = bundle.iter().zip(&sent).map(|(has, sent)| *has == sent.records).collect();
            if is_whole.iter().zip(&open).any(|(is_whole, open)| !is_whole && !open) {
                return None;
            }
            let confirmed: Vec<bool> = is_whole.iter().zip(&open).map(|(is_whole, open)| *is_whole && *open).collect();
            proof.confirm(&sent, &confirmed);
        }
        Some(counted)
    }

    /// Lists of 0 to 8 records, most of them short.
    fn lists() -> Vec<usize> {
        (0_usize..5_000).map(|at| [0, 2, 1, 3, 0, 1, 4][at % 7] + if at % 41 == 40 { 4 } else { 0 }).collect()
    }

    #[test]
    fn a_server_that_returns_all_is_asked_for_few_counts() {
        let counted = read(&lists(), &[100], <[usize]>::to_vec, &mut Proof::default()).unwrap();
        assert!(counted < 1_500, "those as long as the longest, and those of the fullest bundles: {counted}");
        // In other bundles of the run, longer lists came complete.
        let counted = read(&lists(), &[100], <[usize]>::to_vec, &mut Proof::of(300, 2_000)).unwrap();
        // The 100 of the first bundle, 17 that are as long as the longest, and those that were the longest before.
        assert!(counted <= 120, "{counted}");
    }

    #[test]
    fn a_server_that_cuts_lists_or_bundles_is_found_out() {
        for most in 0..9 {
            let cut = |lists: &[usize]| lists.iter().map(|records| (*records).min(most)).collect();
            assert!(read(&lists(), &[100], cut, &mut Proof::default()).is_some(), "at most {most} records a list");
        }
        for most in [0, 1, 7, 100, 150, 170, 180, 190, 200, 300] {
            let cut = |lists: &[usize]| {
                let mut left = most;
                let mut take = |records: &usize| {
                    let some = left.min(*records);
                    left -= some;
                    some
                };
                lists.iter().map(&mut take).collect()
            };
            assert!(read(&lists(), &[100], cut, &mut Proof::default()).is_some(), "at most {most} records a bundle");
            assert!(read(&lists(), &[100, 100, 150], cut, &mut Proof::default()).is_some(), "{most}, and larger ones");
        }
        for most in [10, 100, 120, 300] {
            let cut = |lists: &[usize]| {
                lists.iter().enumerate().map(|(at, records)| if at < most { *records } else { 0 }).collect()
            };
            let sizes = [100, 100, 200, 400];
            assert!(read(&lists(), &sizes, cut, &mut Proof::default()).is_some(), "lists behind {most} come empty");
        }
    }

    #[test]
    fn stored_rows_nothing_shown_and_doubts_need_counts() {
        let shown = [(3, 3), (3, 4), (8, 0), (0, 0)].map(|(records, stored)| Length { records, stored });
        let mut proof = Proof::of(50, 1_000);
        proof.confirm(&lengths(&[8, 0, 1, 5]), &[true; 4]);
        assert_eq!(
            proof.unproven(&shown),
            [false, true, true, false],
            "fewer than stored, as long as the longest of the entity"
        );
        // Another entity, of which no list was confirmed.
        let mut proof = proof.with_entity(Longest::default());
        assert_eq!(proof.unproven(&shown), [true; 4]);
        proof.confirm(&lengths(&[0, 0, 0]), &[true; 3]);
        assert_eq!(proof.unproven(&shown), [true; 4], "empty lists show nothing");
        proof.confirm(&lengths(&[4, 0]), &[true; 2]);
        assert_eq!(proof.unproven(&shown), [false, true, true, false]);
        // A hundred of one length are no limit of the server's.
        proof.confirm(&lengths(&[4; 99]), &[true; 99]);
        assert_eq!(proof.unproven(&lengths(&[4, 5])), [false, true]);
        proof.doubt();
        assert_eq!(proof.unproven(&shown), [true; 4]);
    }
}
