//! Answers that aren't JSON: what nearly is JSON is mended, and the rest is named.

use std::ops::Range;

use bytes::Bytes;

use crate::split;

const BOM: &[u8] = b"\xef\xbb\xbf";

/// What JavaScript and Python write for numbers that JSON can't.
const NOT_NUMBERS: [&[u8]; 3] = [b"NaN", b"Infinity", b"-Infinity"];

/// The same without a byte order mark, which JSON doesn't have and some servers write.
pub(crate) fn without_bom(body: &[u8]) -> &[u8] {
    body.strip_prefix(BOM).unwrap_or(body)
}

/// [`without_bom`], of bytes that are shared.
pub(crate) fn bytes_without_bom(body: Bytes) -> Bytes {
    if body.starts_with(BOM) { body.slice(BOM.len()..) } else { body }
}

/// The same with `NaN`, `Infinity` and `-Infinity` in quotes, as servers write them that know JSON has no such numbers; `None`
/// where there are none.
pub(crate) fn quoted(body: &[u8]) -> Option<Vec<u8>> {
    let (mut quoted, mut copied, mut at) = (Vec::new(), 0, 0);
    while let Some(byte) = body.get(at) {
        if *byte == b'"' {
            at = behind_string(body, at)?;
            continue;
        }
        let rest = body.get(at..)?;
        let Some(word) = NOT_NUMBERS.into_iter().find(|word| rest.starts_with(word)) else {
            at += 1;
            continue;
        };
        quoted.extend_from_slice(body.get(copied..at)?);
        quoted.push(b'"');
        quoted.extend_from_slice(word);
        quoted.push(b'"');
        at += word.len();
        copied = at;
    }
    quoted.extend_from_slice(body.get(copied..)?);
    (copied > 0).then_some(quoted)
}

/// Where the records of an array lie of which some aren't JSON, and which those are. They have to be told apart by brackets
/// and quotes; `None` where that doesn't work out, or no record at all is JSON.
pub(crate) fn pieces(body: &[u8]) -> Option<(Vec<Range<usize>>, Vec<usize>)> {
    let (mut pieces, mut open, mut start) = (Vec::new(), Vec::new(), None);
    let mut at =
        body.iter().position(|byte| !byte.is_ascii_whitespace()).filter(|at| body.get(*at) == Some(&b'['))? + 1;
    loop {
        let byte = *body.get(at)?;
        match (byte, open.last()) {
            (b'{', None) if start.is_none() => {
                start = Some(at);
                open.push(b'}');
            }
            (b',' | b']', None) if pieces.len() < split::MOST => {
                pieces.push(start.take()?..body.get(..at)?.trim_ascii_end().len());
                if byte == b']' {
                    break;
                }
            }
            // A record is an object, and nothing stands behind its end.
            (byte, None) if !byte.is_ascii_whitespace() => return None,
            (b'"', Some(_)) => {
                at = behind_string(body, at)?;
                continue;
            }
            (b'{', Some(_)) => open.push(b'}'),
            (b'[', Some(_)) => open.push(b']'),
            (b'}' | b']', Some(close)) if byte == *close => {
                open.pop();
            }
            (b'}' | b']', Some(_)) => return None,
            _ => {}
        }
        at += 1;
    }
    if !body.get(at + 1..)?.trim_ascii().is_empty() {
        return None;
    }
    let is_broken = |piece: &Range<usize>| body.get(piece.clone()).is_none_or(|text| split::end_of_json(text).is_err());
    let broken: Vec<usize> = (0..pieces.len()).filter(|at| pieces.get(*at).is_none_or(is_broken)).collect();
    (broken.len() < pieces.len()).then_some((pieces, broken))
}

/// Where the text goes on behind the string that begins there.
fn behind_string(body: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    loop {
        match body.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// What an answer is that should be JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Nothing.
    Empty,
    /// A page for people.
    Html,
    /// Another language of data.
    Xml,
    /// Text in an encoding that JSON isn't sent in.
    Utf16,
    /// Compressed, and nothing said so.
    Compressed,
    /// Something else.
    Text,
}

impl Form {
    pub(crate) fn of(body: &[u8]) -> Self {
        if matches!(
            body,
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, b'[' | b'{' | b'<', ..] | [b'[' | b'{' | b'<', 0, ..]
        ) {
            return Self::Utf16;
        }
        if matches!(body, [0x1f, 0x8b, ..] | [0x28, 0xb5, 0x2f, 0xfd, ..]) {
            return Self::Compressed;
        }
        let text = without_bom(body).trim_ascii();
        match text {
            [] => Self::Empty,
            [b'<', ..] => {
                let top =
                    String::from_utf8_lossy(text.get(..text.len().min(1_024)).unwrap_or_default()).to_ascii_lowercase();
                if ["<html", "<!doctype html", "<head", "<body", "<title"].iter().any(|tag| top.contains(tag)) {
                    Self::Html
                } else {
                    Self::Xml
                }
            }
            _ => Self::Text,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_that_json_lacks_are_quoted() {
        let table = [
            ("[{\"a\":NaN}]", Some("[{\"a\":\"NaN\"}]")),
            (
                "[{\"a\":-Infinity,\"b\":[Infinity ,NaN]}]",
                Some("[{\"a\":\"-Infinity\",\"b\":[\"Infinity\" ,\"NaN\"]}]"),
            ),
            ("[{\"NaN\":\"Infinity \\\" NaN\"}]", None),
            ("[-1]", None),
            ("", None),
            ("\"NaN", None),
        ];
        for (body, expected) in table {
            let found = quoted(body.as_bytes()).map(|found| String::from_utf8(found).unwrap());
            assert_eq!(found.as_deref(), expected, "{body}");
        }
    }

    #[test]
    fn a_broken_record_is_alone() {
        /// The records, and which of them are broken.
        type Split<'a> = Option<(&'a [&'a str], &'a [usize])>;
        let table: [(&str, Split<'_>); 12] = [
            (
                "[{\"id\":1},{\"id\":2,\"a\":} ,{\"id\":3}]",
                Some((&["{\"id\":1}", "{\"id\":2,\"a\":}", "{\"id\":3}"], &[1])),
            ),
            ("[{\"id\":1,\"a\":01},{\"id\":2}]", Some((&["{\"id\":1,\"a\":01}", "{\"id\":2}"], &[0]))),
            ("[{\"id\":1,\"a\":\"\t\"}, {\"id\":2}]\n", Some((&["{\"id\":1,\"a\":\"\t\"}", "{\"id\":2}"], &[0]))),
            ("[{\"id\":1,\"a\":\"\\x]\"},{\"id\":2}]", Some((&["{\"id\":1,\"a\":\"\\x]\"}", "{\"id\":2}"], &[0]))),
            ("[{\"id\":1,\"a\":[1,]},{\"id\":2}]", Some((&["{\"id\":1,\"a\":[1,]}", "{\"id\":2}"], &[0]))),
            // The boundaries can't be told, or nothing is a record.
            ("[{\"id\":1,\"a\":\"b},{\"id\":2}]", None),
            ("[{\"id\":1,\"a\":[1},{\"id\":2}]", None),
            ("[{\"id\":1}{\"id\":2}]", None),
            ("[{\"id\":1},]", None),
            ("[{\"id\":1},{\"id\":2", None),
            ("[{\"id\":}]", None),
            ("<[{\"id\":1}]>", None),
        ];
        for (body, expected) in table {
            let found = pieces(body.as_bytes());
            let found =
                found.map(|(found, broken)| (found.into_iter().map(|piece| &body[piece]).collect::<Vec<_>>(), broken));
            assert_eq!(found, expected.map(|(pieces, broken)| (pieces.to_vec(), broken.to_vec())), "{body}");
        }
    }

    #[test]
    fn what_is_no_json_has_a_name() {
        let table: [(&[u8], Form); 12] = [
            (b"", Form::Empty),
            (b"\xef\xbb\xbf \r\n", Form::Empty),
            (b"<!DOCTYPE HTML><p>", Form::Html),
            (b"\n <html><body>", Form::Html),
            (b"<?xml version=\"1.0\"?><html>", Form::Html),
            (b"<?xml version=\"1.0\"?><Error/>", Form::Xml),
            (b"<Error/>", Form::Xml),
            (b"\xff\xfe[\0]\0", Form::Utf16),
            (b"\xfe\xff\0[\0]", Form::Utf16),
            (b"[\0{\0", Form::Utf16),
            (b"\x1f\x8b\x08\0", Form::Compressed),
            (b"Cannot route.", Form::Text),
        ];
        for (body, expected) in table {
            assert_eq!(Form::of(body), expected, "{}", String::from_utf8_lossy(body));
        }
    }

    proptest! {
        /// What is an array of objects is split as it is everywhere else, and one record that is spoiled inside of its quotes
        /// and brackets spoils no other.
        #[test]
        fn pieces_are_those_of_an_array(
            texts in prop::collection::vec("[a-z\"\\\\,{}\\[\\] \u{e9}]{0,8}", 2..6),
            bad in any::<prop::sample::Index>(),
        ) {
            let records: Vec<String> = texts
                .iter()
                .enumerate()
                .map(|(id, text)| serde_json::json!({ "id": id, "text": text, "more": [text, { "deep": text }] }).to_string())
                .collect();
            let whole = format!("[{}]", records.join(" , "));
            let split = split::split(whole.as_bytes()).unwrap_or_default();
            prop_assert_eq!(pieces(whole.as_bytes()), Some((split, Vec::new())));
            let bad = bad.index(records.len());
            let mut spoiled = records.clone();
            spoiled[bad] = spoiled[bad].replacen("\"id\":", "\"id\":+", 1);
            let body = format!("[{}]", spoiled.join(" , "));
            let (found, broken) = pieces(body.as_bytes()).unwrap();
            prop_assert_eq!(broken, vec![bad]);
            prop_assert_eq!(found.into_iter().map(|piece| &body[piece]).collect::<Vec<_>>(), spoiled);
        }

        #[test]
        fn nothing_breaks_it(body in prop::collection::vec(prop::sample::select(&b"[]{},:\"\\NaInfty-01 \xff\xef\xbb\xbf"[..]), 0..40)) {
            pieces(&body);
            Form::of(&body);
            if let Some(quoted) = quoted(&body) {
                prop_assert!(quoted.len() > body.len());
            }
        }
    }
}
