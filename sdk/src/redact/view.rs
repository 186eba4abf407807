//! A text as it reads once its escapes are decoded, each byte with the place that it came from.

use std::ops::Range;

/// How often escapes within escapes are decoded.
const LAYERS: usize = 4;

/// Shortest text that is read as Base64, or as bytes in hexadecimal digits.
const SHORTEST_PACKED: usize = 6;

const NAMED: [(&str, u8); 15] = [
    ("amp", b'&'),
    ("lt", b'<'),
    ("gt", b'>'),
    ("quot", b'"'),
    ("apos", b'\''),
    ("plus", b'+'),
    ("colon", b':'),
    ("sol", b'/'),
    ("equals", b'='),
    ("period", b'.'),
    ("comma", b','),
    ("lowbar", b'_'),
    ("lbrace", b'{'),
    ("lcub", b'{'),
    ("lsqb", b'['),
];

/// Decoded bytes.
#[derive(Debug, Default)]
pub(crate) struct View {
    pub(crate) bytes: Vec<u8>,
    /// Where each byte begins and ends in the text.
    from: Vec<(usize, usize)>,
}

impl View {
    /// The text as it is, and as it reads after one and more rounds of decoding; all of that with quoted-printable, too, whose equals
    /// signs stand for themselves elsewhere.
    pub(crate) fn layers(text: &str) -> Vec<Self> {
        let plain = Self { bytes: text.as_bytes().to_vec(), from: (0..text.len()).map(|at| (at, at + 1)).collect() };
        let quoted = plain.decoded(quoted);
        let mut layers = Vec::new();
        for first in std::iter::once(plain).chain(quoted) {
            let mut next = Some(first);
            for _ in 0..LAYERS {
                let Some(layer) = next else { break };
                next = layer.decoded(escape);
                layers.push(layer);
            }
        }
        layers
    }

    /// Where a piece stands in the text.
    pub(crate) fn origin(&self, piece: Range<usize>) -> Option<Range<usize>> {
        let pieces = self.from.get(piece)?;
        Some(pieces.first()?.0..pieces.last()?.1)
    }

    /// Where a byte stands in the text.
    pub(crate) fn origin_of(&self, at: usize) -> Option<usize> {
        self.from.get(at).map(|(start, _)| *start)
    }

    /// Without white space and other characters that show nothing: lines are broken, and joined by blanks.
    pub(crate) fn squeezed(&self) -> Self {
        let mut view = Self::default();
        let mut at = 0;
        while let Some(byte) = self.bytes.get(at) {
            let rest = self.bytes.get(at..).unwrap_or_default();
            // A soft hyphen, zero-width characters, the replacement of what is no text, and a byte order mark.
            let unseen: [&[u8]; 6] =
                [b"\xc2\xad", b"\xe2\x80\x8b", b"\xe2\x80\x8c", b"\xe2\x80\x8d", b"\xef\xbf\xbd", b"\xef\xbb\xbf"];
            if let Some(found) = unseen.iter().find(|unseen| rest.starts_with(unseen)) {
                at += found.len();
                continue;
            }
            if *byte > b' ' && *byte != 0x7f {
                view.push(*byte, self.from.get(at).copied().unwrap_or_default());
            }
            at += 1;
        }
        view
    }

    /// Each run of Base64 characters or hexadecimal digits, decoded. Nothing marks where the encoded text begins, so that a run is decoded
    /// from each offset within a group of digits.
    pub(crate) fn packed(&self) -> Vec<Self> {
        let base64 = self.runs(|byte| six(byte).is_some());
        let base64 = base64.flat_map(|run| (0..4).map(move |start| self.base64_of(run.start + start..run.end)));
        let hex = self.runs(|byte| byte.is_ascii_hexdigit());
        let hex = hex.flat_map(|run| (0..2).map(move |start| self.hex_of(run.start + start..run.end)));
        base64.chain(hex).collect()
    }

    /// Runs of some characters, of those that are long enough to hold anything.
    fn runs(&self, is_one: impl Fn(u8) -> bool) -> impl Iterator<Item = Range<usize>> {
        let mut runs: Vec<Range<usize>> = Vec::new();
        for at in (0..self.bytes.len()).filter(|at| self.bytes.get(*at).copied().is_some_and(&is_one)) {
            match runs.last_mut() {
                Some(run) if run.end == at => run.end += 1,
                _ => runs.push(at..at + 1),
            }
        }
        runs.into_iter().filter(|run| run.len() >= SHORTEST_PACKED)
    }

    fn hex_of(&self, run: Range<usize>) -> Self {
        let mut view = Self::default();
        for at in run.clone().step_by(2).filter(|at| at + 2 <= run.end) {
            let code = self.bytes.get(at..).and_then(|digits| hex(digits, 2));
            if let (Some(code), Some(origin)) = (code, self.origin(at..at + 2)) {
                view.push(code as u8, (origin.start, origin.end));
            }
        }
        view
    }

    fn base64_of(&self, run: Range<usize>) -> Self {
        let mut view = Self::default();
        let bits: Vec<(u32, usize)> = run.filter_map(|at| Some((u32::from(six(*self.bytes.get(at)?)?), at))).collect();
        for group in bits.chunks(4) {
            let word = (0..4).fold(0, |word, at| (word << 6) | group.get(at).map_or(0, |(six, _)| *six));
            for byte in 0..group.len().saturating_sub(1) {
                let (Some((_, first)), Some((_, last))) = (group.get(byte), group.get(byte + 1)) else { continue };
                if let Some(origin) = self.origin(*first..last + 1) {
                    view.push((word >> (16 - 8 * byte)) as u8, (origin.start, origin.end));
                }
            }
        }
        view
    }

    /// With one round of escapes decoded, `None` where there are none. What stands for nothing is an escape without a letter.
    fn decoded(&self, escape: Escape) -> Option<Self> {
        let mut view = Self::default();
        let mut at = 0;
        let mut found = false;
        while let Some(byte) = self.bytes.get(at) {
            let rest = self.bytes.get(at + 1..).unwrap_or_default();
            let Some((letter, length)) = escape(*byte, rest) else {
                view.push(*byte, self.from.get(at).copied().unwrap_or_default());
                at += 1;
                continue;
            };
            found = true;
            let origin = self.origin(at..at + length).unwrap_or_default();
            match letter {
                Letter::None => {}
                Letter::Byte(byte) => view.push(byte, (origin.start, origin.end)),
                Letter::Char(letter) => {
                    let mut buffer = [0; 4];
                    for byte in letter.encode_utf8(&mut buffer).bytes() {
                        view.push(byte, (origin.start, origin.end));
                    }
                }
            }
            at += length;
        }
        found.then_some(view)
    }

    fn push(&mut self, byte: u8, from: (usize, usize)) {
        self.bytes.push(byte);
        self.from.push(from);
    }
}

/// What a byte and those behind it stand for, and the length of all of them.
type Escape = fn(u8, &[u8]) -> Option<(Letter, usize)>;

enum Letter {
    None,
    Byte(u8),
    Char(char),
}

/// An escape of a URL, of JSON or of HTML, and its length.
fn escape(byte: u8, rest: &[u8]) -> Option<(Letter, usize)> {
    match byte {
        b'%' => hex(rest, 2).map(|code| (Letter::Byte(code as u8), 3)),
        b'\\' => backslash(rest),
        b'&' => reference(rest),
        _ => None,
    }
}

/// An escape of quoted-printable: a byte, or the end of a line that isn't one.
fn quoted(byte: u8, rest: &[u8]) -> Option<(Letter, usize)> {
    match (byte, rest) {
        (b'=', [b'\r', b'\n', ..]) => Some((Letter::None, 3)),
        (b'=', [b'\n', ..]) => Some((Letter::None, 2)),
        (b'=', _) => hex(rest, 2).map(|code| (Letter::Byte(code as u8), 3)),
        _ => None,
    }
}

/// What stands behind a backslash, and the length of all of it.
fn backslash(rest: &[u8]) -> Option<(Letter, usize)> {
    match rest.first()? {
        b'u' => Some((Letter::Char(char::from_u32(hex(rest.get(1..)?, 4)?)?), 6)),
        b'x' => Some((Letter::Byte(hex(rest.get(1..)?, 2)? as u8), 4)),
        b'n' | b'r' | b't' => Some((Letter::Byte(b' '), 2)),
        byte @ (b'"' | b'\'' | b'\\' | b'/') => Some((Letter::Byte(*byte), 2)),
        _ => None,
    }
}

/// What stands behind an ampersand, and the length of all of it.
fn reference(rest: &[u8]) -> Option<(Letter, usize)> {
    let end = rest.iter().take(10).position(|byte| *byte == b';')?;
    let name = std::str::from_utf8(rest.get(..end)?).ok()?;
    let letter = match name.strip_prefix('#') {
        Some(number) => {
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            Letter::Char(char::from_u32(code)?)
        }
        None => Letter::Byte(NAMED.iter().find(|(known, _)| *known == name)?.1),
    };
    Some((letter, end + 2))
}

fn hex(text: &[u8], digits: usize) -> Option<u32> {
    text.get(..digits)?.iter().try_fold(0, |number, digit| Some(number * 16 + char::from(*digit).to_digit(16)?))
}

/// The six bits of a character of Base64, in either alphabet.
fn six(byte: u8) -> Option<u8> {
    Some(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    })
}
