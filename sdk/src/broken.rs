//! Where a text stops being JSON, without repeating what stands there: it may be a record, and hold a password.

use std::fmt;

use crate::redact::Redactor;
use crate::split;

/// Longest place that is named.
const LONGEST: usize = 200;

/// What programs write that JSON doesn't have.
const WORDS: [&str; 7] = ["NaN", "Infinity", "undefined", "None", "True", "False", "nan"];

/// Where JSON breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Broken {
    /// Bytes before it.
    offset: usize,
    line: usize,
    /// JSON pointer of the value that is broken, or that it stands behind.
    pointer: String,
    /// `id` of the record, where it stands before the place.
    record: Option<i64>,
    found: Found,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    End,
    Word(&'static str),
    Other,
}

impl Broken {
    /// Where `body` breaks, `None` if it is JSON or doesn't look like a record or a list of them.
    pub(crate) fn find(body: &[u8], redactor: &Redactor) -> Option<Self> {
        if !matches!(body.trim_ascii_start().first()?, b'{' | b'[') {
            return None;
        }
        let offset = split::end_of_json(body).err()?;
        let before = body.get(..offset)?;
        let rest = body.get(offset..)?;
        let found = match WORDS.iter().find(|word| rest.starts_with(word.as_bytes())) {
            Some(word) => Found::Word(word),
            None if rest.is_empty() => Found::End,
            None => Found::Other,
        };
        let mut walk = Walk::default();
        walk.over(before);
        let pointer = redactor.clean(&walk.pointer());
        let pointer = pointer.chars().filter(|letter| !letter.is_control()).take(LONGEST).collect();
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        Some(Self { offset, line, pointer, record: walk.record, found })
    }
}

impl fmt::Display for Broken {
    /// `at byte 58 (line 1, /0/lastLogin of record 7) with NaN`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at byte {} (line {}", self.offset, self.line)?;
        if !self.pointer.is_empty() {
            write!(f, ", {}", self.pointer)?;
        }
        if let Some(record) = self.record {
            write!(f, " of record {record}")?;
        }
        f.write_str(")")?;
        match self.found {
            Found::End => f.write_str(", where it ends"),
            Found::Word(word) => write!(f, " with {word}"),
            Found::Other => Ok(()),
        }
    }
}

/// The way to a place in JSON that is good up to there.
#[derive(Debug, Default)]
struct Walk {
    /// What is open, from the outside in.
    open: Vec<Step>,
    /// The last `id` of an object right in the list, or of the outermost object.
    record: Option<i64>,
}

#[derive(Debug)]
enum Step {
    /// The name of the property that is read.
    Object(String),
    /// The number of the element that is read.
    List(usize),
}

impl Walk {
    fn over(&mut self, json: &[u8]) {
        let mut at = 0;
        // The string before, which is a name if a colon follows.
        let mut string = String::new();
        while let Some(byte) = json.get(at) {
            match byte {
                b'"' => {
                    let (text, end) = quoted(json, at);
                    string = text;
                    at = end;
                    continue;
                }
                b'{' | b'[' => {
                    if self.is_record_next() {
                        self.record = None;
                    }
                    self.open.push(if *byte == b'{' { Step::Object(String::new()) } else { Step::List(0) });
                }
                b'}' | b']' => {
                    self.open.pop();
                    if self.is_record_next() {
                        self.record = None;
                    }
                }
                b':' => {
                    if let Some(Step::Object(name)) = self.open.last_mut() {
                        *name = std::mem::take(&mut string);
                    }
                }
                b',' => {
                    if let Some(Step::List(number)) = self.open.last_mut() {
                        *number += 1;
                    }
                }
                b'0'..=b'9' => {
                    let digits = json.get(at..).unwrap_or_default();
                    let length = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
                    if self.is_id() {
                        self.record =
                            digits.get(..length).and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
                    }
                    at += length;
                    continue;
                }
                _ => {}
            }
            at += 1;
        }
    }

    /// Whether an object that opens here is a record.
    fn is_record_next(&self) -> bool {
        matches!(self.open.as_slice(), [] | [Step::List(_)])
    }

    fn is_id(&self) -> bool {
        let (Some(Step::Object(name)), depth) = (self.open.last(), self.open.len()) else { return false };
        let in_list = depth == 2 && matches!(self.open.first(), Some(Step::List(_)));
        name == "id" && (depth == 1 || in_list)
    }

    fn pointer(&self) -> String {
        let step = |step: &Step| match step {
            Step::Object(name) if name.is_empty() => String::new(),
            Step::Object(name) => format!("/{}", name.replace('~', "~0").replace('/', "~1")),
            Step::List(number) => format!("/{number}"),
        };
        // A server decides how deep it is.
        self.open.iter().take(LONGEST).map(step).collect()
    }
}

/// The text of the string that begins here, and where it ends.
fn quoted(json: &[u8], start: usize) -> (String, usize) {
    let mut end = start + 1;
    while let Some(byte) = json.get(end) {
        match byte {
            b'\\' => end += 2,
            b'"' => break,
            _ => end += 1,
        }
    }
    let raw = json.get(start..(end + 1).min(json.len())).unwrap_or_default();
    // Names are short; what is longer is a value, of which nothing is kept.
    let text = if raw.len() <= LONGEST { serde_json::from_slice(raw).unwrap_or_default() } else { String::new() };
    (text, end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(body: &str) -> Option<String> {
        Broken::find(body.as_bytes(), &Redactor::default()).map(|broken| broken.to_string())
    }

    #[test]
    fn the_place_is_told_and_no_value() {
        let table = [
            (
                r#"[{"id":6,"password":"geheim"},{"id":7,"password":"geheim","lastLogin":NaN}]"#,
                "at byte 70 (line 1, /1/lastLogin of record 7) with NaN",
            ),
            (
                "[{\"id\":6},\n{\"id\":7,\"a\":{\"b/c\":[1,-Infinity]}}]",
                "at byte 34 (line 2, /1/a/b~1c/1 of record 7) with Infinity",
            ),
            (r#"{"id":7,"member":{"id":9},"token":"geheim"#, "at byte 41 (line 1, /token of record 7), where it ends"),
            (r#"{"id":7,"token":"geheim" x}"#, "at byte 25 (line 1, /token of record 7)"),
            (r#"[{"member":{"id":9},"rate":.5}]"#, "at byte 27 (line 1, /0/rate)"),
            ("[{\"id\":1}] geheim", "at byte 11 (line 1)"),
            ("{", "at byte 1 (line 1), where it ends"),
        ];
        for (body, expected) in table {
            assert_eq!(shown(body).as_deref(), Some(expected), "{body}");
        }
    }

    #[test]
    fn json_and_other_texts_have_no_such_place() {
        for body in ["", "[]", " {} ", "[1,{\"a\":null}]", "5", "<html>", "NaN", "an error"] {
            assert_eq!(shown(body), None, "{body}");
        }
    }
}
