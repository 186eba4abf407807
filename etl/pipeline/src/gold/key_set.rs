//! A set of keys that is asked for every row of a fact.

/// Keys that count from 1, or say a day, and the one of the unknown member: a bit each.
#[derive(Debug, Default)]
pub(super) struct KeySet {
    bits: Vec<u64>,
}

impl KeySet {
    /// The place of a key; the unknown member's is the first.
    fn place(key: i64) -> Option<(usize, u64)> {
        let bit = usize::try_from(key.checked_add(1)?).ok()?;
        Some((bit / 64, 1 << (bit % 64)))
    }

    pub(super) fn contains(&self, key: i64) -> bool {
        Self::place(key).is_some_and(|(word, bit)| self.bits.get(word).is_some_and(|bits| bits & bit != 0))
    }
}

impl FromIterator<i64> for KeySet {
    /// Keys below that of the unknown member are none.
    fn from_iter<T: IntoIterator<Item = i64>>(keys: T) -> Self {
        let mut set = Self::default();
        for (word, bit) in keys.into_iter().filter_map(Self::place) {
            if set.bits.len() <= word {
                set.bits.resize(word + 1, 0);
            }
            if let Some(bits) = set.bits.get_mut(word) {
                *bits |= bit;
            }
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_what_was_put_in() {
        let set: KeySet = [-1, 1, 63, 64, 20_240_131].into_iter().collect();
        for key in [-1, 1, 63, 64, 20_240_131] {
            assert!(set.contains(key), "{key}");
        }
        for key in [i64::MIN, -2, 0, 2, 62, 65, 20_240_130, 99_999_999, i64::MAX] {
            assert!(!set.contains(key), "{key}");
        }
    }
}
