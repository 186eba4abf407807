//! How many requests the rolling refresh of child lists may take in one run: pure.

use crate::bundling::BUNDLE;

/// Requests that the rolling refresh of all child lists may take in any run.
pub const REFRESH_REQUESTS: u64 = 8;

/// The same as a share of the other requests of the run, where that is more: one for so many.
const FOR_EACH: u64 = 5;

/// Requests for the rolling refresh of a run that sends about so many others, where nobody says how many.
pub(crate) fn usual(others: u64) -> u64 {
    (others / FOR_EACH).max(REFRESH_REQUESTS)
}

/// Divides requests among child lists that are to read so many lists each: in proportion, and at least one for each.
pub(crate) fn divided<T: Copy>(parts: &[(T, u64)], requests: u64) -> Vec<(T, u64)> {
    let wanted = |lists: u64| lists.div_ceil(BUNDLE as u64);
    let parts: Vec<(T, u64)> = parts.iter().map(|(of, lists)| (*of, wanted(*lists))).filter(|(_, n)| *n > 0).collect();
    let all: u64 = parts.iter().map(|(_, wanted)| wanted).sum();
    let some: u64 = parts.len() as u64;
    if all <= requests {
        return parts;
    }
    // Beyond the one that each has.
    let rest = requests.saturating_sub(some);
    let open = all - some;
    let share = |wanted: u64| u64::try_from(u128::from(wanted - 1) * u128::from(rest) / u128::from(open.max(1)));
    parts.into_iter().map(|(of, wanted)| (of, 1 + share(wanted).unwrap_or(rest))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_is_read_and_what_does_not_is_divided() {
        let parts = [("notes", 6_000), ("tasks", 3_000), ("sites", 90), ("teams", 0)];
        assert_eq!(divided(&parts, 91), [("notes", 60), ("tasks", 30), ("sites", 1)]);
        // 59 and 29 of 88 beyond the first, of 37.
        assert_eq!(divided(&parts, 40), [("notes", 25), ("tasks", 13), ("sites", 1)]);
        assert_eq!(divided(&parts, 1), [("notes", 1), ("tasks", 1), ("sites", 1)], "each comes on");
        assert_eq!(divided::<&str>(&[], 40), []);
    }

    #[test]
    fn a_large_run_has_a_large_budget() {
        assert_eq!([0, 44, 45, 100, 1_200].map(usual), [8, 8, 9, 20, 240]);
    }
}
