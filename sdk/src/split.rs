//! An array of JSON into the texts of its elements, each checked to its last byte and none read.
//!
//! It takes what serde_json takes as `Vec<&RawValue>`, at any depth, in a fraction of the time: every page goes through it.
//! Bytes in strings that are no text are left to whoever reads the element, so that one of them doesn't spoil a page.

use std::ops::Range;

/// Most elements that are told apart. The largest page has 1,000 records; a body of nothing but `0,0,0` would take many times
/// its own size in ranges.
pub(crate) const MOST: usize = 100_000;

/// Why there are no elements to tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unsplit {
    /// It isn't an array, or not all of it is JSON.
    NoArray,
    /// It has more than [`MOST`].
    TooMany,
}

/// Where the elements of an array lie.
pub(crate) fn split(body: &[u8]) -> Result<Vec<Range<usize>>, Unsplit> {
    let mut splitter = Splitter { body, at: 0, open: Vec::new() };
    let mut elements = Vec::new();
    let end = splitter.elements(|element| {
        elements.push(element);
        elements.len() <= MOST
    });
    match end {
        Some(true) => Ok(elements),
        Some(false) => Err(Unsplit::TooMany),
        None => Err(Unsplit::NoArray),
    }
}

/// Whether all of it is one JSON value, or where it stops being JSON.
pub(crate) fn end_of_json(body: &[u8]) -> Result<(), usize> {
    let mut splitter = Splitter { body, at: 0, open: Vec::new() };
    match splitter.value() {
        Some(()) if splitter.peek().is_none() => Ok(()),
        _ => Err(splitter.at.min(body.len())),
    }
}

struct Splitter<'a> {
    body: &'a [u8],
    at: usize,
    /// What closes the objects and arrays that are open: a heap and not the stack, since a server decides how deep they are.
    open: Vec<u8>,
}

impl Splitter<'_> {
    /// Goes over an array from element to element, as long as `take` wants more. Whether it came to its end; `None` if it is no
    /// array, or not all of it is JSON.
    fn elements(&mut self, mut take: impl FnMut(Range<usize>) -> bool) -> Option<bool> {
        if self.peek()? != b'[' {
            return None;
        }
        self.at += 1;
        if self.peek()? == b']' {
            self.at += 1;
        } else {
            loop {
                self.peek()?;
                let start = self.at;
                self.value()?;
                if !take(start..self.at) {
                    return Some(false);
                }
                let end = self.peek()?;
                self.at += 1;
                match end {
                    b',' => {}
                    b']' => break,
                    _ => return None,
                }
            }
        }
        self.peek().is_none().then_some(true)
    }

    /// The next byte that isn't white space, and goes to it.
    fn peek(&mut self) -> Option<u8> {
        loop {
            match *self.body.get(self.at)? {
                b' ' | b'\n' | b'\r' | b'\t' => self.at += 1,
                byte => return Some(byte),
            }
        }
    }

    /// Goes behind the value that begins here.
    fn value(&mut self) -> Option<()> {
        loop {
            match self.peek()? {
                b'"' => self.string()?,
                b'{' => {
                    self.at += 1;
                    if self.peek()? != b'}' {
                        self.open.push(b'}');
                        self.name()?;
                        continue;
                    }
                    self.at += 1;
                }
                b'[' => {
                    self.at += 1;
                    if self.peek()? != b']' {
                        self.open.push(b']');
                        continue;
                    }
                    self.at += 1;
                }
                b'-' | b'0'..=b'9' => self.number()?,
                b't' => self.literal(b"true")?,
                b'f' => self.literal(b"false")?,
                b'n' => self.literal(b"null")?,
                _ => return None,
            }
            // Behind a value: what it lies in goes on or ends, and then what that lies in.
            loop {
                let Some(close) = self.open.last().copied() else { return Some(()) };
                let byte = self.peek()?;
                if byte != b',' && byte != close {
                    return None;
                }
                self.at += 1;
                if byte == b',' {
                    if close == b'}' {
                        self.name()?;
                    }
                    break;
                }
                self.open.pop();
            }
        }
    }

    fn name(&mut self) -> Option<()> {
        if self.peek()? != b'"' {
            return None;
        }
        self.string()?;
        if self.peek()? != b':' {
            return None;
        }
        self.at += 1;
        Some(())
    }

    fn literal(&mut self, literal: &[u8]) -> Option<()> {
        if !self.body.get(self.at..)?.starts_with(literal) {
            return None;
        }
        self.at += literal.len();
        Some(())
    }

    fn string(&mut self) -> Option<()> {
        self.at += 1;
        loop {
            self.plain();
            let byte = *self.body.get(self.at)?;
            self.at += 1;
            match byte {
                b'"' => return Some(()),
                b'\\' => self.escape()?,
                // The bytes in front of the end, fewer than a word, and control characters, which strings can't hold.
                _ if byte < b' ' => return None,
                _ => {}
            }
        }
    }

    /// Goes over what is certainly nothing but text, eight bytes at a time.
    fn plain(&mut self) {
        const ONES: u64 = u64::from_ne_bytes([0x01; 8]);
        const HIGHS: u64 = u64::from_ne_bytes([0x80; 8]);
        const QUOTES: u64 = u64::from_ne_bytes([b'"'; 8]);
        const BACKSLASHES: u64 = u64::from_ne_bytes([b'\\'; 8]);
        const SPACES: u64 = u64::from_ne_bytes([b' '; 8]);
        while let Some(word) = self.body.get(self.at..).and_then(|rest| rest.first_chunk()) {
            let word = u64::from_le_bytes(*word);
            let quote = word ^ QUOTES;
            let backslash = word ^ BACKSLASHES;
            // The lowest high bit that is set stands for the first byte that was zero, or below a space.
            let found = (quote.wrapping_sub(ONES) & !quote)
                | (backslash.wrapping_sub(ONES) & !backslash)
                | (word.wrapping_sub(SPACES) & !word);
            let found = found & HIGHS;
            if found != 0 {
                self.at += (found.trailing_zeros() / 8) as usize;
                return;
            }
            self.at += 8;
        }
    }

    fn escape(&mut self) -> Option<()> {
        let byte = *self.body.get(self.at)?;
        self.at += 1;
        match byte {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(()),
            b'u' => {
                let digits: &[u8; 4] = self.body.get(self.at..)?.first_chunk()?;
                self.at += 4;
                digits.iter().all(u8::is_ascii_hexdigit).then_some(())
            }
            _ => None,
        }
    }

    fn number(&mut self) -> Option<()> {
        if self.is(b"-") {
            self.at += 1;
        }
        if self.is(b"0") {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.is(b".") {
            self.at += 1;
            self.digits()?;
        }
        if self.is(b"eE") {
            self.at += 1;
            if self.is(b"+-") {
                self.at += 1;
            }
            self.digits()?;
        }
        Some(())
    }

    /// Whether the next byte is one of these.
    fn is(&self, bytes: &[u8]) -> bool {
        self.body.get(self.at).is_some_and(|byte| bytes.contains(byte))
    }

    /// Goes over digits, of which there has to be one.
    fn digits(&mut self) -> Option<()> {
        let start = self.at;
        while self.body.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
        (self.at > start).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::value::RawValue;

    use super::*;

    /// What serde_json splits an array into is what is split here; what it refuses is refused. It has letters in place of
    /// bytes beyond ASCII where they aren't text: both are allowed in strings, and nowhere else.
    fn judged(body: &[u8]) -> Result<(), TestCaseError> {
        let letters: Vec<u8> = body.iter().map(|byte| if byte.is_ascii() { *byte } else { b'x' }).collect();
        let shown = if std::str::from_utf8(body).is_ok() { body } else { &letters };
        let judge: Option<Vec<&RawValue>> = serde_json::from_slice(shown).ok();
        let judge = judge.map(|records| records.into_iter().map(|one| one.get().as_bytes()).collect::<Vec<_>>());
        let ours = split(body).ok().map(|ranges| ranges.into_iter().map(|range| &shown[range]).collect::<Vec<_>>());
        prop_assert_eq!(ours, judge, "{:?}", String::from_utf8_lossy(body));
        Ok(())
    }

    /// Pieces of JSON, and what is nearly JSON.
    const PIECES: [&str; 48] = [
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        "\"",
        "\"a\"",
        "\"a\":",
        "\"\\u00e9\"",
        "\"\\ud800\"",
        "\"\\u12g4\"",
        "\"\\x\"",
        "\\",
        "\"\\\"\"",
        "\"\\\\\"",
        "\"\u{1}\"",
        "\"\u{7f}é\"",
        "\"twelve bytes, and more\"",
        "\"\t\"",
        "0",
        "-",
        "-0",
        "01",
        "1",
        "12.50",
        "1.",
        ".5",
        "1e5",
        "1E+5",
        "1e-",
        "-1.5e-3",
        "1e400",
        "true",
        "false",
        "null",
        "nul",
        "True",
        " ",
        "\n",
        "\r\t",
        "\u{b}",
        "\u{feff}",
        "é",
        "[]",
        "{}",
        "{\"a\":1}",
        "[1,2]",
    ];

    fn json() -> impl Strategy<Value = String> {
        let leaf = prop::sample::select(&PIECES[..]).prop_map(str::to_owned);
        leaf.prop_recursive(4, 64, 6, |inner| {
            let list = |open: &'static str, close: &'static str| {
                move |items: Vec<String>| format!("{open}{}{close}", items.join(","))
            };
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(list("[", "]")),
                prop::collection::vec(inner, 0..6).prop_map(move |items| {
                    let named = items.into_iter().map(|item| format!("\"n\" :{item}")).collect();
                    list("{", "}")(named)
                }),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        #[test]
        fn any_bytes(body in prop::collection::vec(any::<u8>(), 0..40)) {
            judged(&body)?;
        }

        #[test]
        fn any_pieces(pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..12)) {
            judged(format!("[{}]", pieces.concat()).as_bytes())?;
            judged(pieces.concat().as_bytes())?;
        }

        #[test]
        fn any_json(items in prop::collection::vec(json(), 0..4), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
            let mut body = format!("[{}]", items.join(" , ")).into_bytes();
            judged(&body)?;
            let at = at.index(body.len());
            judged(&body[..at])?;
            body[at] = byte;
            judged(&body)?;
        }

        #[test]
        fn any_string(text in any::<String>(), at in any::<prop::sample::Index>(), byte in 0..0x80_u8) {
            let mut body = serde_json::to_vec(&[&text, &text]).unwrap();
            judged(&body)?;
            let at = at.index(body.len());
            body[at] = byte;
            judged(&body)?;
        }
    }

    #[test]
    fn depth_is_no_limit() {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let deep = format!("[{}1{}]", open.repeat(100_000), close.repeat(100_000));
            let whole = 1..deep.len() - 1;
            assert_eq!(split(deep.as_bytes()).as_deref(), Ok(std::slice::from_ref(&whole)));
            assert_eq!(split(&deep.as_bytes()[..deep.len() - 2]), Err(Unsplit::NoArray));
        }
    }

    #[test]
    fn elements_without_end_are_not_told_apart() {
        let of = |count: usize| format!("[{}0]", "0,".repeat(count - 1));
        assert_eq!(split(of(MOST).as_bytes()).map(|elements| elements.len()), Ok(MOST));
        assert_eq!(split(of(MOST + 1).as_bytes()), Err(Unsplit::TooMany));
    }
}
