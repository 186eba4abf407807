//! Where a record is in a list.

/// The place of a record in a list in the order of its keys: its own key, or those of its neighbours where that isn't known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Its key.
    pub key: Option<i64>,
    /// The key before it, `None` at the start of the list.
    pub after: Option<i64>,
    /// The key behind it, `None` at the end of the list.
    pub before: Option<i64>,
}

impl Place {
    /// Whether the record here may be the one with this key. Where its own key isn't known, there may be more than one like it
    /// between its neighbours.
    pub fn may_be(self, key: i64) -> bool {
        match self.key {
            Some(own) => own == key,
            None => self.after.is_none_or(|after| key > after) && self.before.is_none_or(|before| key < before),
        }
    }

    /// The keys among which it is asked for: behind one, up to another. Where its own isn't known its neighbours are among them,
    /// as they tell its place again.
    pub fn range(self) -> (i64, i64) {
        match self.key {
            Some(key) => (key.saturating_sub(1), key),
            None => (self.after.map_or(i64::MIN, |after| after.saturating_sub(1)), self.before.unwrap_or(i64::MAX)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_without_a_key_may_be_any_between_its_neighbours() {
        let place = |key, after, before| Place { key, after, before };
        for (place, keys, range) in [
            (place(Some(5), Some(1), Some(9)), vec![5], (4, 5)),
            (place(None, Some(2), Some(6)), vec![3, 4, 5], (1, 6)),
            (place(None, None, Some(3)), vec![0, 1, 2], (i64::MIN, 3)),
            (place(None, Some(7), None), vec![8, 9], (6, i64::MAX)),
        ] {
            let found: Vec<i64> = (0..10).filter(|key| place.may_be(*key)).collect();
            assert_eq!((found, place.range()), (keys, range), "{place:?}");
        }
    }
}
