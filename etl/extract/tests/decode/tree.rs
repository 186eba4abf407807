//! A reader of JSON that loses nothing: numbers as the digits that they are, whatever their size, and texts that are none as
//! they are written. It shares nothing with the decoder.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Tree {
    Null,
    Boolean(bool),
    /// Sign, digits, and the power of ten of the first digit.
    Number(bool, String, i128),
    Text(String),
    List(Vec<Tree>),
    /// Without its nulls: null and absent are one thing to a column. Of equal names the last counts.
    Object(BTreeMap<String, Tree>),
    /// Unpaired surrogates: JSON by its grammar, and no text.
    Unreadable(String),
}

pub(crate) fn read(text: &str) -> Tree {
    match text.trim_matches([' ', '\n', '\r', '\t']) {
        "null" => Tree::Null,
        "true" => Tree::Boolean(true),
        "false" => Tree::Boolean(false),
        list if list.starts_with('[') => {
            let items: Vec<&RawValue> = serde_json::from_str(list).unwrap();
            Tree::List(items.into_iter().map(|item| read(item.get())).collect())
        }
        object if object.starts_with('{') => match serde_json::from_str::<BTreeMap<String, &RawValue>>(object) {
            Ok(entries) => {
                let entries = entries.into_iter().map(|(name, value)| (name, read(value.get())));
                Tree::Object(entries.filter(|(_, value)| *value != Tree::Null).collect())
            }
            Err(_) => Tree::Unreadable(object.to_owned()),
        },
        quoted if quoted.starts_with('"') => match serde_json::from_str(quoted) {
            Ok(text) => Tree::Text(text),
            Err(_) => Tree::Unreadable(quoted.to_owned()),
        },
        number => self::number(number),
    }
}

fn number(text: &str) -> Tree {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let unsigned = mantissa.trim_start_matches('-');
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let all = format!("{whole}{fraction}");
    let from_first = all.trim_start_matches('0');
    if from_first.is_empty() {
        return Tree::Number(false, "0".to_owned(), 0);
    }
    // What no machine can count to stays as it is written.
    let first = whole.len() as i128 - (all.len() - from_first.len()) as i128;
    let Some(first) = exponent.parse::<i128>().ok().and_then(|exponent| exponent.checked_add(first)) else {
        return Tree::Unreadable(text.to_owned());
    };
    Tree::Number(mantissa.starts_with('-'), from_first.trim_end_matches('0').to_owned(), first)
}

impl Tree {
    /// Whether it is a key that fits `bits`.
    pub(crate) fn is_key(&self, bits: u32) -> bool {
        let Self::Number(negative, digits, first) = self else { return false };
        if *digits == "0" {
            return true;
        }
        let Ok(width) = usize::try_from(*first) else { return false };
        if width > 20 || digits.len() > width {
            return false;
        }
        let value: i128 = format!("{digits}{}", "0".repeat(width - digits.len())).parse().unwrap();
        let limit = 1_i128 << (bits - 1);
        if *negative { value <= limit } else { value < limit }
    }
}

#[test]
fn numbers_are_equal_by_value_and_not_by_how_they_are_written() {
    for [one, other] in [["1.50", "15e-1"], ["-0.0", "0"], ["1E+2", "100"], ["0.001", "1e-3"]] {
        assert_eq!(read(one), read(other));
    }
    for [one, other] in [["9007199254740993", "9007199254740992"], ["1e400", "1e401"], ["1", "-1"], ["0.1", "0.10001"]]
    {
        assert_ne!(read(one), read(other));
    }
    let keys = ["2147483647", "2147483648", "-2147483648", "1e3", "0.5", "5.0", "1e30", "1e-400"];
    assert_eq!(keys.map(|key| read(key).is_key(32)), [true, false, true, true, false, true, false, false]);
}
