//! The body of an error answer, in each of the shapes that the API and what stands before it produce.

use std::fmt::{self, Write as _};

use serde::Deserialize;

/// Longest text that is kept of a body that isn't the API's own.
const EXCERPT: usize = 120;
/// Longest message that is kept of the API's own.
const MESSAGE: usize = 500;

/// What the server said about an error.
///
/// Shapes: `{"code","message","errors":[..]}`, the rate limit's `{"error","message"}`, a bare `{"message"}`, and the
/// HTML of a proxy or a wrong host, of which the title stays, or the first 120 characters of text.
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
struct Body {
    #[serde(alias = "Code", alias = "error")]
    code: Option<String>,
    #[serde(alias = "Message")]
    message: Option<String>,
    #[serde(alias = "Errors")]
    errors: Option<Vec<Entry>>,
}

#[derive(Deserialize)]
struct Entry {
    code: Option<String>,
    message: Option<String>,
    resource: Option<String>,
    field: Option<String>,
}

impl ApiError {
    /// Reads a body. `clean` takes secrets out of every text that is kept.
    pub(crate) fn parse(body: &[u8], clean: impl Fn(&str) -> String) -> Self {
        let text = |value: Option<String>| {
            value.map(|value| shorten(&clean(&value), MESSAGE)).filter(|value| !value.is_empty())
        };
        if let Ok(body) = serde_json::from_slice::<Body>(body) {
            let errors = body.errors.unwrap_or_default().into_iter().map(|entry| FieldError {
                code: text(entry.code),
                message: text(entry.message),
                resource: text(entry.resource),
                field: text(entry.field),
            });
            return Self { code: text(body.code), message: text(body.message), errors: errors.collect() };
        }
        // Cleaned before it is shortened: half a secret is no longer recognised.
        let excerpt = excerpt(clean(&String::from_utf8_lossy(top(body))).as_bytes());
        Self { message: Some(excerpt).filter(|text| !text.is_empty()), ..Self::default() }
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

/// What a person should see of a body that isn't the API's JSON: an HTML title, or the first characters of text.
pub(crate) fn excerpt(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(top(body));
    if !text.trim_start().starts_with('<') {
        return shorten(&text, EXCERPT);
    }
    match element(&text, "title").map(|title| shorten(title, EXCERPT)) {
        Some(title) if !title.is_empty() => title,
        _ => shorten(&without_tags(&text), EXCERPT),
    }
}

/// A page's title stands near its top; the rest of a large page isn't worth reading.
fn top(body: &[u8]) -> &[u8] {
    &body[..body.len().min(16 * 1024)]
}

fn element<'a>(html: &'a str, name: &str) -> Option<&'a str> {
    // ASCII lower case keeps every byte position.
    let lower = html.to_ascii_lowercase();
    let open = lower.find(&format!("<{name}"))?;
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
fn shorten(text: &str, limit: usize) -> String {
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

    fn shown(body: &str) -> String {
        ApiError::parse(body.as_bytes(), str::to_owned).to_string()
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
            assert_eq!(shown(body), expected, "{body}");
        }
    }

    #[test]
    fn texts_become_one_short_line() {
        assert_eq!(shown("{\"message\":\"a\\r\\nb\\u0000c\"}"), "a b c");
        let long = "x".repeat(1_000);
        assert_eq!(shown(&long), format!("{}\u{2026}", "x".repeat(120)));
        assert_eq!(shown(&format!("{{\"message\":\"{long}\"}}")), format!("{}\u{2026}", "x".repeat(500)));
        assert_eq!(shown(&"\u{e9}".repeat(200)), format!("{}\u{2026}", "\u{e9}".repeat(120)));
    }

    #[test]
    fn odd_bodies_do_not_break_it() {
        for body in
            ["<", "<title", "<title>never closed", "[1,2]", "null", "{\"code\":5}", "<\u{130}title>\u{130}</title>"]
        {
            shown(body);
        }
        ApiError::parse(&[0xff, 0xfe, b'<', 0x00], str::to_owned);
    }
}
