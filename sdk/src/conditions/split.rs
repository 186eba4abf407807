//! Long `in` lists in pieces: each piece is a condition of its own, and no record meets two of them.

use std::collections::HashSet;

use super::{Condition, Node, Word};

/// A condition with an `in` list that can be asked for piece by piece.
#[derive(Debug, Clone)]
pub(crate) struct Split {
    condition: Condition,
    /// Which part of a row of `and` is the list; the condition itself if it is no such row.
    part: Option<usize>,
    values: Vec<String>,
}

impl Split {
    /// The longest list that every record must be on, if there is one.
    ///
    /// A list below `or` can't be split: records that meet the other side would come once with each piece.
    pub(crate) fn of(condition: &Condition) -> Option<Self> {
        let (part, values) = match &condition.0 {
            Node::In { negated: false, values, .. } => (None, values),
            Node::Join { word: Word::And, parts } => {
                let lists = parts.iter().enumerate().filter_map(|(index, part)| match part {
                    Node::In { negated: false, values, .. } => Some((Some(index), values)),
                    _ => None,
                });
                lists.max_by_key(|(_, values)| values.len())?
            }
            _ => return None,
        };
        let mut seen = HashSet::new();
        let mut values: Vec<String> = values.iter().filter(|value| seen.insert(*value)).cloned().collect();
        // What the server takes for equal must not be in two pieces.
        values.sort_by_cached_key(|value| key(value));
        Some(Self { condition: condition.clone(), part, values })
    }

    /// How many different values there are.
    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    /// The end of the piece that starts at `from`: as many values as fit, and at least one. `room` is for all of them and
    /// the commas between them, `width` says how much of it a value takes.
    pub(crate) fn end(&self, from: usize, room: usize, width: impl Fn(&str) -> usize) -> usize {
        let mut used = 0;
        let mut end = from;
        while let Some(value) = self.values.get(end) {
            used += width(value) + 1;
            let same = end > from && key(value) == key(&self.values[end - 1]);
            if end > from && used > room + 1 && !same {
                break;
            }
            end += 1;
        }
        end
    }

    /// The condition with these of its values alone.
    pub(crate) fn piece(&self, from: usize, to: usize) -> Condition {
        let some = self.values.get(from..to).unwrap_or_default().to_vec();
        let mut condition = self.condition.clone();
        let list = match (&mut condition.0, self.part) {
            (Node::Join { parts, .. }, Some(part)) => parts.get_mut(part),
            (node, _) => Some(node),
        };
        if let Some(Node::In { values, .. }) = list {
            *values = some;
        }
        condition
    }
}

/// What two values have in common that a server may take for equal: neither case, nor quotes, nor blanks at the end count.
fn key(value: &str) -> String {
    value.trim_matches(['"', '\'']).trim_end().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conditions::field;

    fn pieces(condition: &Condition, room: usize) -> Vec<String> {
        let split = Split::of(condition).unwrap();
        let mut pieces = Vec::new();
        let mut from = 0;
        while from < split.len() {
            let to = split.end(from, room, str::len);
            pieces.push(split.piece(from, to).to_string());
            from = to;
        }
        pieces
    }

    #[test]
    fn pieces_hold_as_many_values_as_fit() {
        let list = field("id").in_([11, 22, 33, 44, 55]);
        assert_eq!(pieces(&list, 5), ["id in (11,22)", "id in (33,44)", "id in (55)"]);
        assert_eq!(pieces(&list, 7), ["id in (11,22)", "id in (33,44)", "id in (55)"]);
        assert_eq!(pieces(&list, 8), ["id in (11,22,33)", "id in (44,55)"]);
        assert_eq!(pieces(&list, 14), ["id in (11,22,33,44,55)"]);
        // Even where nothing fits.
        assert_eq!(pieces(&list, 0).len(), 5);
    }

    #[test]
    fn the_rest_of_the_condition_stands_in_every_piece() {
        let list = field("id").in_([1, 2]);
        let short = field("type/id").in_([7]);
        let all = field("closedFlag").eq(false) & short & list & (field("a").is_null() | field("b").is_null());
        assert_eq!(
            pieces(&all, 1),
            [
                "(closedFlag = false and type/id in (7) and id in (1) and (a = null or b = null))",
                "(closedFlag = false and type/id in (7) and id in (2) and (a = null or b = null))",
            ]
        );
    }

    #[test]
    fn no_record_meets_two_pieces() {
        assert_eq!(pieces(&field("id").in_([2, 1, 2, 1]), 1), ["id in (1)", "id in (2)"]);
        let names = ["b", "B ", "a", "'b'"];
        let list = field("name").in_(names);
        assert_eq!(pieces(&list, 1), ["name in (\"a\")", "name in (\"b\",\"B \",\"'b'\")"]);
    }

    #[test]
    fn what_cannot_be_split_is_left_whole() {
        let list = || field("id").in_([1, 2]);
        assert!(Split::of(&(list() | field("a").is_null())).is_none());
        assert!(Split::of(&field("id").not_in([1, 2])).is_none());
        assert!(Split::of(&Condition::raw("id in (1,2)")).is_none());
    }
}
