//! Pieces of a JSON text that a parser has read before: where values begin and end, without reading them again.

use std::borrow::Cow;

use memchr::memchr2;

/// Goes over a text from value to value.
///
/// What it is given was checked when the page was split, so it looks only at what separates values. On a text that isn't
/// JSON it still ends, with an error or with pieces that no column takes.
#[derive(Debug)]
pub(super) struct Scanner<'de> {
    text: &'de str,
    at: usize,
}

/// The text ends where a value should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it ends in the middle")]
pub(super) struct CutOff;

/// A JSON string with its quotes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Quoted<'de> {
    pub(super) raw: &'de str,
    escaped: bool,
}

impl<'de> Quoted<'de> {
    /// The text that it stands for.
    pub(super) fn text(self) -> serde_json::Result<Cow<'de, str>> {
        match self.raw.get(1..self.raw.len().saturating_sub(1)) {
            Some(inner) if !self.escaped => Ok(Cow::Borrowed(inner)),
            _ => serde_json::from_str(self.raw).map(Cow::Owned),
        }
    }
}

impl<'de> Scanner<'de> {
    pub(super) fn new(text: &'de str) -> Self {
        Self { text, at: 0 }
    }

    /// What is left. Nothing is behind the end, where whoever reads on finds that the text is cut off.
    fn rest(&self) -> &'de [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    fn since(&self, start: usize) -> Result<&'de str, CutOff> {
        self.text.get(start..self.at).ok_or(CutOff)
    }

    /// The next byte that isn't white space.
    pub(super) fn peek(&mut self) -> Result<u8, CutOff> {
        loop {
            match self.text.as_bytes().get(self.at) {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                Some(byte) => return Ok(*byte),
                None => return Err(CutOff),
            }
        }
    }

    /// Goes into an object or an array.
    pub(super) fn open(&mut self) {
        self.at += 1;
    }

    /// Whether there is another element before `close`, and goes to it or behind the end.
    pub(super) fn next(&mut self, close: u8) -> Result<bool, CutOff> {
        let mut byte = self.peek()?;
        if byte == b',' {
            self.at += 1;
            byte = self.peek()?;
        }
        if byte == close {
            self.at += 1;
        }
        Ok(byte != close)
    }

    /// Whether `written` is next, and goes behind it.
    pub(super) fn skip(&mut self, written: &str) -> bool {
        let found = self.rest().starts_with(written.as_bytes());
        if found {
            self.at += written.len();
        }
        found
    }

    /// The name of a property; its value is next.
    pub(super) fn name(&mut self) -> Result<Quoted<'de>, CutOff> {
        self.peek()?;
        let name = self.string()?;
        if self.peek()? == b':' {
            self.at += 1;
        }
        Ok(name)
    }

    /// The string that begins here.
    pub(super) fn string(&mut self) -> Result<Quoted<'de>, CutOff> {
        let start = self.at;
        self.at += 1;
        let mut escaped = false;
        loop {
            let found = memchr2(b'"', b'\\', self.rest()).ok_or(CutOff)?;
            let quote = self.rest().get(found) == Some(&b'"');
            self.at += found + if quote { 1 } else { 2 };
            if quote {
                return Ok(Quoted { raw: self.since(start)?, escaped });
            }
            escaped = true;
        }
    }

    /// The value that begins here, whatever it is.
    pub(super) fn value(&mut self) -> Result<&'de str, CutOff> {
        match self.peek()? {
            b'"' => return Ok(self.string()?.raw),
            b'{' | b'[' => {}
            _ => return self.word(),
        }
        let start = self.at;
        let mut depth = 0_usize;
        loop {
            match self.text.as_bytes().get(self.at).ok_or(CutOff)? {
                b'"' => {
                    self.string()?;
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth -= 1,
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                return self.since(start);
            }
        }
    }

    /// The number or literal that begins here.
    fn word(&mut self) -> Result<&'de str, CutOff> {
        let start = self.at;
        let ends = |byte: &u8| matches!(byte, b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t');
        // At least one byte, so that every step goes on.
        self.at += self.rest().iter().position(ends).unwrap_or(self.rest().len()).max(1);
        self.since(start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_end_where_they_end() {
        let mut scanner = Scanner::new(" [ {\"a\\\"]\" : [1,{}] } , -1.5e3 ,true,\"\\\\\",[] ] ");
        assert_eq!(scanner.peek(), Ok(b'['));
        scanner.open();
        let mut values = Vec::new();
        while scanner.next(b']').unwrap() {
            values.push(scanner.value().unwrap());
        }
        assert_eq!(values, ["{\"a\\\"]\" : [1,{}] }", "-1.5e3", "true", "\"\\\\\"", "[]"]);
        assert_eq!(scanner.peek(), Err(CutOff));
    }

    #[test]
    fn a_text_that_is_cut_off_ends_in_an_error() {
        let text = "[{\"a\\\"\":[1,{\"b\":null}]}]";
        assert_eq!(Scanner::new(text).value(), Ok(text));
        for length in 0..text.len() {
            assert_eq!(Scanner::new(&text[..length]).value(), Err(CutOff), "{length}");
        }
        for odd in ["}", "]]", ",", ":", "\"\\", "{,}"] {
            let _ = Scanner::new(odd).value();
        }
    }
}
