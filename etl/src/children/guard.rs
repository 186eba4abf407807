//! Whether rows that are missing from their parents' lists are believed to be gone.

/// Largest share of the rows below the parents that were read that a load takes out, in percent. A list is read anew in every
/// few runs, so that several days of deletions come together; a lost right or a moved role takes away a third or more at once.
pub const MAX_SHARE: u64 = 20;

/// So many rows may go whatever their share, as that of a small table is less than a row ...
const FLOOR: u64 = 5;

/// ... but never more than this part of them.
const FLOOR_PART: u64 = 4;

/// Rows that may be missing of `stored` ones.
pub(super) fn limit(stored: u64) -> u64 {
    (stored * MAX_SHARE / 100).max(FLOOR.min(stored.div_ceil(FLOOR_PART)))
}

#[cfg(test)]
mod tests {
    use super::limit;

    #[test]
    fn what_is_believed() {
        // Stored rows, and how many of them may be missing.
        for (stored, expected) in
            [(0, 0), (1, 1), (3, 1), (4, 1), (5, 2), (16, 4), (20, 5), (24, 5), (30, 6), (100, 20), (1_000, 200)]
        {
            assert_eq!(limit(stored), expected, "{stored}");
        }
    }
}
