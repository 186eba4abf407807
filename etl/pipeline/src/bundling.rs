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
            (self.works, self.trying) = (lists, false);
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
}
