//! How many records to ask for: fewer where the server fails, so that one bad row ends up alone, and then more again.

/// Pages in a row that must come without trouble before a size that failed without showing a bad row is tried again.
const CALM: u32 = 32;

/// The size of the next page. Plain arithmetic: it is told how pages went.
#[derive(Debug, Clone)]
pub(crate) struct PageSize {
    /// What was asked for.
    full: u32,
    next: u32,
    /// What it may grow back to.
    ceiling: u32,
    /// Records from here on among which one makes pages fail.
    suspect: Option<u32>,
    calm: u32,
}

impl PageSize {
    pub(crate) fn new(full: u32) -> Self {
        Self { full, next: full, ceiling: full, suspect: None, calm: 0 }
    }

    pub(crate) fn next(&self) -> u32 {
        self.next
    }

    /// A page of this size came, with so many records.
    pub(crate) fn came(&mut self, records: usize) {
        if let Some(suspect) = self.suspect {
            let rest = suspect.saturating_sub(u32::try_from(records).unwrap_or(u32::MAX));
            if rest > 0 && records > 0 {
                // Half of what is left: the whole rest is known to fail.
                self.suspect = Some(rest);
                self.next = (rest / 2).max(1);
                return;
            }
            // All of them came after all. It was the size, or it has passed.
            self.suspect = None;
            self.next = self.ceiling;
            return;
        }
        self.calm += 1;
        if self.calm >= CALM {
            self.ceiling = self.ceiling.saturating_mul(2).min(self.full);
            self.calm = 0;
        }
        self.next = self.next.saturating_mul(2).min(self.ceiling);
    }

    /// A page of this size failed. Whether it was a single record.
    pub(crate) fn failed(&mut self) -> bool {
        self.calm = 0;
        if self.next == 1 {
            return true;
        }
        self.suspect = Some(self.next);
        self.next /= 2;
        self.ceiling = self.next;
        false
    }

    /// The record that stood alone is left behind; it explains all failures.
    pub(crate) fn passed(&mut self) {
        *self = Self { next: 1, ..Self::new(self.full) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sizes that are asked for when pages that hold a record of `bad` fail, and those which hold more than `most`
    /// records; there are `rows` of them, numbered from 0.
    fn sizes(rows: u32, full: u32, bad: &[u32], most: u32) -> Vec<u32> {
        let mut size = PageSize::new(full);
        let (mut asked, mut at) = (Vec::new(), 0);
        while at < rows {
            let page = at..(at + size.next()).min(rows);
            asked.push(size.next());
            if !bad.iter().any(|row| page.contains(row)) && page.len() <= most as usize {
                at = page.end;
                size.came(page.len());
            } else if size.failed() {
                at += 1;
                size.passed();
            }
        }
        asked
    }

    #[test]
    fn a_bad_row_is_found_by_halving_once() {
        assert_eq!(sizes(20, 8, &[], 8), [8, 8, 8]);
        // Rows 0 to 4 come before it, and then the size grows back.
        assert_eq!(sizes(40, 8, &[5], 8), [8, 4, 2, 1, 1, 1, 2, 4, 8, 8, 8, 8]);
        assert_eq!(sizes(8, 8, &[0], 8), [8, 4, 2, 1, 1, 2, 4]);
    }

    #[test]
    fn every_bad_row_is_found() {
        for bad in [&[0_u32, 1, 2][..], &[7, 8, 999, 1_000], &[2_999], &[0, 500, 501, 502, 1_500]] {
            let mut size = PageSize::new(1_000);
            let mut read = 0;
            let mut alone = Vec::new();
            let mut at = 0;
            while at < 3_000 {
                let page = at..(at + size.next()).min(3_000);
                if !bad.iter().any(|row| page.contains(row)) {
                    read += page.len();
                    at = page.end;
                    size.came(page.len());
                } else if size.failed() {
                    alone.push(at);
                    at += 1;
                    size.passed();
                }
            }
            assert_eq!((alone.as_slice(), read), (bad, 3_000 - bad.len()));
        }
    }

    #[test]
    fn a_size_that_the_server_cannot_do_is_not_tried_all_the_time() {
        let asked = sizes(20_000, 1_000, &[], 300);
        let failed = asked.iter().filter(|size| **size > 300).count();
        assert!(failed <= 5, "{failed} of {asked:?}");
        assert!(asked.len() < 20_000 / 250 + 40, "{}", asked.len());
    }

    #[test]
    fn trouble_that_passes_leaves_the_size_as_it_was_in_the_end() {
        let mut size = PageSize::new(1_000);
        size.failed();
        let mut pages = 0;
        while size.next() < 1_000 {
            let records = size.next() as usize;
            size.came(records);
            pages += 1;
        }
        assert!(pages < 60, "{pages}");
    }

    #[test]
    fn an_end_before_the_suspect_ends_the_search() {
        let mut size = PageSize::new(8);
        size.failed();
        size.came(0);
        assert_eq!(size.next(), 4);
    }
}
