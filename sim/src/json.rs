//! Writes a row as JSON into a byte buffer, whole or cut down to the properties that `fields` names.

use crate::calendar;
use crate::data::shape::{Decimal, Shape};

/// What `fields` asks for at one level: a name, and what of it (nothing further: all of it).
#[derive(Clone, Debug, Default)]
pub(crate) struct Selection {
    names: Vec<(String, Option<Selection>)>,
    /// Everything but what is hidden.
    everything: bool,
    /// What is withheld, asked for or not.
    hidden: Vec<&'static str>,
}

impl Selection {
    /// The whole row.
    pub(crate) fn all() -> Self {
        Self { everything: true, ..Self::default() }
    }

    /// Withholds a property.
    pub(crate) fn without(mut self, name: &'static str) -> Self {
        self.hidden.push(name);
        self
    }

    /// Adds a path such as `["company", "id"]`; a shorter path takes in every longer one.
    pub(crate) fn add(&mut self, path: &[&str]) {
        let Some((name, rest)) = path.split_first() else { return };
        let at = match self.names.iter().position(|(known, _)| known == name) {
            Some(at) => at,
            None => {
                let inner = (!rest.is_empty()).then(Self::default);
                self.names.push(((*name).to_owned(), inner));
                self.names.len() - 1
            }
        };
        if rest.is_empty() {
            self.names[at].1 = None;
        } else if let Some(inner) = &mut self.names[at].1 {
            inner.add(rest);
        }
    }

    /// Whether `key` is asked for, and with which selection of its own.
    pub(crate) fn get(&self, key: &str) -> Option<Option<&Self>> {
        if self.hidden.contains(&key) {
            return None;
        }
        if self.everything {
            return Some(None);
        }
        self.names.iter().find(|(name, _)| name == key).map(|(_, inner)| inner.as_ref())
    }
}

/// The writer of one row.
pub(crate) struct JsonRow<'a> {
    out: &'a mut Vec<u8>,
    scratch: String,
    first: bool,
    /// What addresses start with, and how they are written.
    rewritten: Option<(&'static str, &'static str)>,
    /// One entry an open object or list; `None` = everything below is asked for.
    levels: Vec<Option<&'a Selection>>,
}

impl<'a> JsonRow<'a> {
    pub(crate) fn begin(out: &'a mut Vec<u8>, selection: Option<&'a Selection>) -> Self {
        out.push(b'{');
        Self { out, scratch: String::new(), first: true, rewritten: None, levels: vec![selection] }
    }

    /// Writes addresses that start like the first text with the second one in its place.
    pub(crate) fn rewriting(self, rewritten: Option<(&'static str, &'static str)>) -> Self {
        Self { rewritten, ..self }
    }

    pub(crate) fn end(self) {
        self.out.push(b'}');
    }

    /// Writes the key if it is asked for.
    fn key(&mut self, key: &str) -> Option<Option<&'a Selection>> {
        let inner = match self.levels.last().copied().flatten() {
            Some(selection) => selection.get(key)?,
            None => None,
        };
        if !self.first {
            self.out.push(b',');
        }
        self.first = false;
        self.out.push(b'"');
        self.out.extend_from_slice(key.as_bytes());
        self.out.extend_from_slice(b"\":");
        Some(inner)
    }

    fn open(&mut self, key: &str, bracket: u8) -> bool {
        let Some(inner) = self.key(key) else { return false };
        self.levels.push(inner);
        self.out.push(bracket);
        self.first = true;
        true
    }

    fn close(&mut self, bracket: u8) {
        self.levels.pop();
        self.out.push(bracket);
        self.first = false;
    }
}

impl Shape for JsonRow<'_> {
    fn enter(&mut self, key: &'static str) -> bool {
        self.open(key, b'{')
    }

    fn leave(&mut self) {
        self.close(b'}');
    }

    fn list(&mut self, key: &'static str) -> bool {
        self.open(key, b'[')
    }

    fn end_list(&mut self) {
        self.close(b']');
    }

    fn item(&mut self) -> bool {
        if !self.first {
            self.out.push(b',');
        }
        self.out.push(b'{');
        self.first = true;
        self.levels.push(self.levels.last().copied().flatten());
        true
    }

    fn int(&mut self, key: &'static str, value: i64) {
        if self.key(key).is_some() {
            push_int(self.out, value);
        }
    }

    fn num(&mut self, key: &'static str, value: Decimal) {
        if self.key(key).is_some() {
            push_decimal(self.out, value);
        }
    }

    fn flag(&mut self, key: &'static str, value: bool) {
        if self.key(key).is_some() {
            self.out.extend_from_slice(if value { b"true" } else { b"false" });
        }
    }

    fn time(&mut self, key: &'static str, instant: i64) {
        if self.key(key).is_some() {
            self.out.push(b'"');
            self.out.extend_from_slice(&calendar::text(instant));
            self.out.push(b'"');
        }
    }

    fn text(&mut self, key: &'static str, value: &str) {
        if self.key(key).is_some() {
            push_text(self.out, value);
        }
    }

    fn made(&mut self, key: &'static str, make: impl FnOnce(&mut String)) {
        if self.key(key).is_some() {
            self.scratch.clear();
            make(&mut self.scratch);
            if let Some((start, other)) = self.rewritten
                && self.scratch.starts_with(start)
            {
                self.scratch.replace_range(..start.len(), other);
            }
            push_text(self.out, &self.scratch);
        }
    }
}

/// Writes a whole number.
pub(crate) fn push_int(out: &mut Vec<u8>, value: i64) {
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    let mut rest = value.unsigned_abs();
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if value < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(&digits[at..]);
}

/// Writes a decimal with at least one place, as the API does: `35060.0`, `0.73`.
fn push_decimal(out: &mut Vec<u8>, Decimal(value): Decimal) {
    if value < 0 {
        out.push(b'-');
    }
    let value = value.unsigned_abs();
    push_int(out, (value / 10_000) as i64);
    out.push(b'.');
    let mut part = value % 10_000;
    let mut unit = 1_000;
    loop {
        out.push(b'0' + (part / unit) as u8);
        part %= unit;
        unit /= 10;
        if part == 0 || unit == 0 {
            break;
        }
    }
}

/// Writes a quoted, escaped text.
pub(crate) fn push_text(out: &mut Vec<u8>, text: &str) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut done = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.extend_from_slice(&bytes[done..at]);
        done = at + 1;
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            _ => {
                out.extend_from_slice(b"\\u00");
                out.push(HEX[usize::from(byte >> 4)]);
                out.push(HEX[usize::from(byte & 15)]);
            }
        }
    }
    out.extend_from_slice(&bytes[done..]);
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_have_at_least_one_place_and_no_trailing_zeros() {
        for (value, written) in [
            (0, "0.0"),
            (350_600_000, "35060.0"),
            (7_300, "0.73"),
            (-12_345, "-1.2345"),
            (500, "0.05"),
            (-500, "-0.05"),
        ] {
            let mut out = Vec::new();
            push_decimal(&mut out, Decimal(value));
            assert_eq!(String::from_utf8(out).unwrap(), written);
        }
    }

    #[test]
    fn texts_are_escaped_so_that_a_json_reader_gets_them_back() {
        for text in ["", "Tímapottur ", "a\"b\\c\nd\te\u{1}\u{200b}", "日本 🙂"] {
            let mut out = Vec::new();
            push_text(&mut out, text);
            assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
        }
    }
}
