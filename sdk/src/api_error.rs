//! The body of an error answer, in each of the shapes that the API and what stands before it produce.

use std::fmt::{self, Write as _};

use serde::Deserialize;
use serde_json::Value;

use crate::nearly_json;
use crate::redact::{Redactor, View};

/// Longest text that is kept of a body that isn't the API's own.
const EXCERPT: usize = 120;
/// Longest message that is kept of the API's own.
const MESSAGE: usize = 500;

/// What the server said about an error.
///
/// Shapes: `{"code","message","errors":[..]}`, the rate limit's `{"error","message"}`, a bare `{"message"}`, and the
/// HTML of a proxy or a wrong host, of which the title stays, or the first 120 characters of text. What looks like a record
/// isn't kept of any of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ApiError {
    /// The API's code, for example `InvalidObject` or `ApiFindCondition`.
    pub code: Option<String>,
    /// The message, on one line.
    pub message: Option<String>,
    /// What is wrong with which field.
    pub errors: Vec<FieldError>,
}

/// One entry of an error's list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FieldError {
    /// For example `MissingRequiredField`.
    pub code: Option<String>,
    /// The message, on one line.
    pub message: Option<String>,
    /// The resource that it is about, for example `company`.
    pub resource: Option<String>,
    /// The property that it is about.
    pub field: Option<String>,
}

#[derive(Deserialize)]
struct ErrorBody {
    #[serde(alias = "Code", alias = "error")]
    code: Option<Value>,
    #[serde(alias = "Message")]
    message: Option<Value>,
    #[serde(alias = "Errors")]
    errors: Option<Value>,
}

impl ApiError {
    /// Reads a body, without credentials and without records.
    pub(crate) fn parse(body: &[u8], redactor: &Redactor) -> Self {
        let body = nearly_json::without_bom(body);
        // A list would be read as the values of these properties.
        let object = Some(body).filter(|body| body.trim_ascii_start().starts_with(b"{"));
        if let Some(Ok(body)) = object.map(serde_json::from_slice::<ErrorBody>) {
            let text = |value: Option<&Value>| {
                let text = match value? {
                    Value::String(text) => shown(text, redactor, MESSAGE),
                    Value::Number(number) => shown(&number.to_string(), redactor, MESSAGE),
                    _ => return None,
                };
                Some(text).filter(|text| !text.is_empty())
            };
            let entries = body.errors.as_ref().and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            let errors = entries.iter().filter(|entry| entry.is_object()).map(|entry| FieldError {
                code: text(entry.get("code")),
                message: text(entry.get("message")),
                resource: text(entry.get("resource")),
                field: text(entry.get("field")),
            });
            let errors = errors.collect();
            return Self { code: text(body.code.as_ref()), message: text(body.message.as_ref()), errors };
        }
        Self { message: Some(excerpt(body, redactor)).filter(|text| !text.is_empty()), ..Self::default() }
    }

    /// An error that was sent with a status of success: an object that says what is wrong, and has none of a record's keys.
    pub(crate) fn refusal(body: &[u8], redactor: &Redactor) -> Option<Self> {
        let object: serde_json::Map<String, Value> = serde_json::from_slice(body).ok()?;
        let says = |name: &str| object.get(name).is_some_and(|value| value.is_string() || value.is_array());
        let is_error = ["code", "Code", "error", "message", "Message", "errors"].into_iter().any(says);
        let error = (is_error && !object.contains_key("id")).then(|| Self::parse(body, redactor))?;
        Some(error).filter(|error| !error.is_empty())
    }

    /// Whether the gateway in front of the API's servers found none of them for the codebase and the company.
    pub(crate) fn is_cannot_route(&self) -> bool {
        self.code.is_none()
            && self.message.as_ref().is_some_and(|text| text.to_ascii_lowercase().contains("cannot route"))
    }

    /// Whether it says that there is no record with an id of this path, and not that there is no such route.
    pub(crate) fn is_missing_record(&self, path: &str) -> bool {
        let is_id = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        let named = |id: &str| {
            let message = self.message.as_deref().unwrap_or_default();
            message.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == id)
        };
        self.code.as_deref() == Some("NotFound") && path.split('/').filter(is_id).any(named)
    }

    fn is_empty(&self) -> bool {
        self.code.is_none() && self.message.is_none() && self.errors.is_empty()
    }
}

impl fmt::Display for ApiError {
    /// `CODE: message (field: message, ..)`, without a full stop at the end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("the answer says nothing more");
        }
        let mut text = String::new();
        for part in [&self.code, &self.message].into_iter().flatten() {
            let separator = if text.is_empty() { "" } else { ": " };
            write!(text, "{separator}{}", part.trim_end_matches('.'))?;
        }
        let details: Vec<String> = self.errors.iter().map(FieldError::to_string).collect();
        if !details.is_empty() {
            let separator = if text.is_empty() { "" } else { " " };
            write!(text, "{separator}({})", details.join(", "))?;
        }
        f.write_str(&text)
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = match (&self.resource, &self.field) {
            (Some(resource), Some(field)) => Some(format!("{resource}/{field}")),
            (one, other) => one.as_ref().or(other.as_ref()).cloned(),
        };
        let what = self.message.as_ref().or(self.code.as_ref());
        match (place, what) {
            (Some(place), Some(what)) => write!(f, "{place}: {}", what.trim_end_matches('.')),
            (Some(place), None) => f.write_str(&place),
            (None, Some(what)) => f.write_str(what.trim_end_matches('.')),
            (None, None) => f.write_str("no detail"),
        }
    }
}

/// What a person should see of a body that isn't the API's JSON: an HTML title, or the first characters of text. Credentials
/// are taken out of it, and nothing is shown of what looks like a record.
pub(crate) fn excerpt(body: &[u8], redactor: &Redactor) -> String {
    let text = cleaned(&String::from_utf8_lossy(body.get(..TOP + MARGIN + 1).unwrap_or(body)), TOP, redactor);
    let text = text.as_str();
    if !text.trim_start_matches(BLANK).starts_with('<') {
        return shown(text, redactor, EXCERPT);
    }
    match element(text, "title").map(|title| shown(title, redactor, EXCERPT)) {
        Some(title) if !title.is_empty() => title,
        _ if is_html(text) => shown(&without_tags(text), redactor, EXCERPT),
        // Other markup is a record as likely as not, so that only what is called like a message counts as one.
        _ => shown(&messages(text), redactor, EXCERPT),
    }
}

/// White space and a byte order mark.
const BLANK: [char; 5] = ['\u{feff}', ' ', '\t', '\r', '\n'];

/// A page's title stands near its top; the rest of a large page isn't worth reading.
const TOP: usize = 16 * 1024;
/// What is read beyond, so that what is kept was cleaned as a whole: longer than any credential in any form.
const MARGIN: usize = 512;
/// Bytes that a character can take once it is escaped.
const WIDEST: usize = 6;

/// The first `most` bytes of a text, without credentials: half of one at the end may no longer be recognised.
fn cleaned(text: &str, most: usize, redactor: &Redactor) -> String {
    match text.get(..text.floor_char_boundary(most + MARGIN)) {
        Some(begun) if begun.len() < text.len() => {
            let mut clean = redactor.clean(begun);
            clean.truncate(clean.floor_char_boundary(clean.len().saturating_sub(MARGIN)));
            clean
        }
        _ => redactor.clean(text),
    }
}

/// A text of the server as it may be shown: one line, without credentials, up to where it begins to look like a record.
pub(crate) fn shown(text: &str, redactor: &Redactor, limit: usize) -> String {
    let clean = cleaned(text, WIDEST * limit, redactor);
    let Some(start) = record(&clean) else { return shorten(&clean, limit) };
    let before = shorten(clean.get(..start).unwrap_or_default(), limit);
    let blank = if before.is_empty() { "" } else { " " };
    format!("{before}{blank}{LEFT_OUT}")
}

const LEFT_OUT: &str = "[what looks like a record is left out]";

/// Where a text begins to look like JSON, whatever it is escaped by: at its start, or at a name with a value behind it.
fn record(text: &str) -> Option<usize> {
    View::layers(text).iter().filter_map(|view| view.origin_of(json(&view.bytes)?)).min()
}

/// The place of the first JSON in a text.
fn json(text: &[u8]) -> Option<usize> {
    let blank = |byte: &u8| byte.is_ascii_whitespace() || *byte == 0;
    let skip = |at: usize| at + text.get(at..).unwrap_or_default().iter().take_while(|byte| blank(byte)).count();
    let start = skip(if text.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 });
    if matches!(text.get(start), Some(b'{' | b'[')) {
        let inner = text.get(skip(start + 1));
        let values = b"\"'{}[]-0123456789";
        if inner.is_none_or(|byte| values.contains(byte)) || text.get(start) == Some(&b'{') {
            return Some(0);
        }
    }
    text.iter().enumerate().filter(|(_, byte)| matches!(byte, b'"' | b'\'')).find_map(|(at, quote)| {
        let name = text.get(at + 1..)?.iter().take(LONGEST_NAME).position(|byte| byte == quote)?;
        let colon = skip(at + name + 2);
        if text.get(colon) != Some(&b':') {
            return None;
        }
        let value = text.get(skip(colon + 1)..)?;
        let words: [&[u8]; 7] = [b"true", b"false", b"null", b"NaN", b"Infinity", b"undefined", b"None"];
        let is_value = matches!(value.first(), None | Some(b'"' | b'\'' | b'\\' | b'{' | b'[' | b'-' | b'0'..=b'9'))
            || words.iter().any(|word| value.starts_with(word));
        // What opens it belongs to it.
        let opens = |byte: &&u8| blank(byte) || matches!(byte, b'{' | b'[' | b',' | b'"' | b'\'' | b'\\');
        is_value.then(|| at - text.get(..at).unwrap_or_default().iter().rev().take_while(opens).count())
    })
}

/// Longest text in quotes that is taken for a name.
const LONGEST_NAME: usize = 100;

fn is_html(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    ["<!doctype html", "<html", "<body", "<head", "<h1", "<p>", "<pre"].iter().any(|tag| lower.contains(tag))
}

/// The messages of an error in XML, in the words that servers use for them.
fn messages(xml: &str) -> String {
    const NAMES: [&str; 7] = ["code", "faultcode", "message", "faultstring", "exceptionmessage", "error", "string"];
    let found = NAMES.iter().filter_map(|name| element(xml, name)).map(str::trim);
    let texts: Vec<&str> = found.filter(|text| !text.is_empty() && !text.contains('<')).collect();
    texts.join(": ")
}

fn element<'a>(html: &'a str, name: &str) -> Option<&'a str> {
    // ASCII lower case keeps every byte position.
    let lower = html.to_ascii_lowercase();
    let tag = format!("<{name}");
    let ends = |at: &usize| {
        lower.get(at + tag.len()..).is_some_and(|rest| rest.starts_with(['>', ' ', '\t', '\r', '\n', '/']))
    };
    let open = lower.match_indices(&tag).map(|(at, _)| at).find(ends)?;
    let start = open + lower[open..].find('>')? + 1;
    let end = start + lower[start..].find(&format!("</{name}"))?;
    Some(&html[start..end])
}

fn without_tags(html: &str) -> String {
    let mut text = String::new();
    let mut inside = false;
    for character in html.chars() {
        match character {
            '<' => inside = true,
            '>' if inside => {
                inside = false;
                text.push(' ');
            }
            other if !inside => text.push(other),
            _ => {}
        }
    }
    text
}

/// One line of at most `limit` characters.
pub(crate) fn shorten(text: &str, limit: usize) -> String {
    let mut line = String::new();
    let words = text.split(|character: char| character.is_whitespace() || character.is_control());
    for word in words.filter(|word| !word.is_empty()) {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    match line.char_indices().nth(limit) {
        Some((end, _)) => format!("{}\u{2026}", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> String {
        ApiError::parse(body.as_bytes(), &Redactor::default()).to_string()
    }

    #[test]
    fn every_documented_shape_is_read() {
        let table = [
            (
                r#"{"code":"InvalidObject","message":"company object is invalid","errors":[{"code":"MissingRequiredField","message":"The name field is required.","resource":"company","field":"name"}]}"#,
                "InvalidObject: company object is invalid (company/name: The name field is required)",
            ),
            (r#"{"code":"Security","message":"SSL is required.","errors":null}"#, "Security: SSL is required"),
            (r#"{"code":"NotFound","message":"Ticket 7 not found"}"#, "NotFound: Ticket 7 not found"),
            (
                r#"{"error":"ConnectWiseAPI","message":"Too many requests. Please try again in 30 seconds."}"#,
                "ConnectWiseAPI: Too many requests. Please try again in 30 seconds",
            ),
            (r#"{"message":"An error has occurred."}"#, "An error has occurred"),
            (
                "<!DOCTYPE html><html><head><TITLE>502 Bad\n Gateway</TITLE></head><body>x</body></html>",
                "502 Bad Gateway",
            ),
            ("<html><body><h1>Service</h1><p>Unavailable</p></body></html>", "Service Unavailable"),
            ("upstream connect error", "upstream connect error"),
            ("", "the answer says nothing more"),
            ("{}", "the answer says nothing more"),
            (r#"{"errors":[{"code":"InvalidField","field":"name"}]}"#, "(name: InvalidField)"),
        ];
        for (body, expected) in table {
            assert_eq!(read(body), expected, "{body}");
        }
    }

    #[test]
    fn texts_become_one_short_line() {
        assert_eq!(read("{\"message\":\"a\\r\\nb\\u0000c\"}"), "a b c");
        let long = "x".repeat(1_000);
        assert_eq!(read(&long), format!("{}\u{2026}", "x".repeat(120)));
        assert_eq!(read(&format!("{{\"message\":\"{long}\"}}")), format!("{}\u{2026}", "x".repeat(500)));
        assert_eq!(read(&"\u{e9}".repeat(200)), format!("{}\u{2026}", "\u{e9}".repeat(120)));
    }

    #[test]
    fn odd_bodies_do_not_break_it() {
        for body in
            ["<", "<title", "<title>never closed", "[1,2]", "null", "{\"code\":5}", "<\u{130}title>\u{130}</title>"]
        {
            read(body);
        }
        ApiError::parse(&[0xff, 0xfe, b'<', 0x00], &Redactor::default());
    }

    #[test]
    fn nothing_is_shown_of_what_looks_like_a_record() {
        let left_out = "[what looks like a record is left out]";
        for body in [
            r#"[{"id":7,"password":"geheim"}]"#,
            r#"{"id":7,"password":"geheim","rate":NaN}"#,
            r#"{password: 'geheim'}"#,
            r#""password":"geheim","token":"x"}]"#,
            r#"'password' : 'geheim'"#,
            "\u{feff}[{\"password\":\"geheim\"}]",
            " [ \"geheim\" ",
            r#""{\"password\":\"geheim\"}""#,
            "&quot;password&quot;:&quot;geheim&quot;",
            "%7B%22password%22%3A%22geheim%22%7D",
        ] {
            assert_eq!(read(body), left_out, "{body}");
        }
        let table = [
            ("can't write {\"password\":\"geheim\"} now", format!("can't write {left_out}")),
            (r#"{"message":"bad value in {\"password\":\"geheim\"}"}"#, format!("bad value in {left_out}")),
            ("<html><body>{\"password\":\"geheim\"}</body></html>", left_out.to_owned()),
            ("<Member><id>7</id><password>geheim</password></Member>", "the answer says nothing more".to_owned()),
            ("<Error><Message>An error has occurred.</Message></Error>", "An error has occurred".to_owned()),
            ("the property \"name\": it is required", "the property \"name\": it is required".to_owned()),
            ("[ERROR] no route", "[ERROR] no route".to_owned()),
            ("expected [2026-01-31T00:00:00Z] in quotes", "expected [2026-01-31T00:00:00Z] in quotes".to_owned()),
        ];
        for (body, expected) in table {
            assert_eq!(read(body), expected, "{body}");
        }
    }
}
