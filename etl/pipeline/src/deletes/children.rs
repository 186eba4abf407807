//! Whether rows that are missing from their parents' lists are believed to be gone.

/// Largest share of the rows below the parents that were read that a load takes out, in percent. A list is read anew in every
/// few runs, so that several days of deletions come together; a lost right or a moved role takes away a third or more at once.
pub const MAX_SHARE: f64 = 20.0;

/// So many rows may go whatever their share, as that of a small table is less than a row ...
const FLOOR: u64 = 5;

/// ... but never more than this part of them.
const FLOOR_PART: u64 = 4;

/// Rows that may be missing of `stored` ones, where a run may remove `allowed` percent of a table: more than usual is meant,
/// and so is nothing.
pub(crate) fn limit(stored: u64, allowed: f64) -> u64 {
    if allowed <= 0.0 {
        return 0;
    }
    let share = (stored as f64 * allowed.max(MAX_SHARE) / 100.0).floor() as u64;
    share.max(FLOOR.min(stored.div_ceil(FLOOR_PART)))
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
            assert_eq!(limit(stored, 5.0), expected, "{stored}");
        }
        assert_eq!((limit(100, 50.0), limit(100, 100.0), limit(100, 0.0)), (50, 100, 0));
    }
}
