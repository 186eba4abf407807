//! Page numbers and forward-only paging: what was asked, and the `Link` header of the answer.

use url::form_urlencoded;

use crate::data::names::{API, API_DOUBLED};
use crate::switches::{Switch, Switches};

/// Rows a page where the client doesn't say.
const DEFAULT_SIZE: u64 = 25;
/// More than this is cut to it without a word, or refused.
const LARGEST_SIZE: u64 = 1_000;

/// Which page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// By number, from 1.
    Numbered { page: u64 },
    /// The rows whose ids are above `after`, in the order of ids.
    Forward { after: Option<i64> },
}

/// How much of which page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Paging {
    pub(crate) mode: Mode,
    pub(crate) size: u64,
    pub(crate) end: End,
    /// What the addresses of other pages start with.
    root: &'static str,
}

/// Which forward-only pages name a next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Every full one: nobody looks whether there is more.
    Full,
    /// Those that have a next one.
    Exact,
    /// All that have rows.
    Always,
}

impl End {
    pub(crate) fn of(switches: &Switches) -> Self {
        match () {
            () if switches.is(Switch::LastLink, "exact") => Self::Exact,
            () if switches.is(Switch::LastLink, "always") => Self::Always,
            () => Self::Full,
        }
    }
}

/// A number that is out of bounds: the parameter and its message.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct OutOfRange(pub(crate) String);

impl Paging {
    /// Reads the paging of a request. A `pageId` asks for forward-only paging even without the header.
    pub(crate) fn read(
        parameters: &[(String, String)],
        forward_only: bool,
        switches: &Switches,
    ) -> Result<Self, OutOfRange> {
        let find = |name: &str| {
            parameters
                .iter()
                .find(|(key, _)| key.eq_ignore_ascii_case(name))
                .map(|(_, value)| value.trim())
                .filter(|value| !value.is_empty())
        };
        let at_least_1 = |name: &str, default: u64| match find(name) {
            None => Ok(default),
            Some(text) => text
                .parse()
                .ok()
                .filter(|number| *number > 0)
                .ok_or_else(|| OutOfRange(format!("{name} must be a whole number of at least 1."))),
        };
        let size = at_least_1("pageSize", DEFAULT_SIZE)?;
        if size > LARGEST_SIZE && switches.is(Switch::LargePages, "refused") {
            return Err(OutOfRange(format!("pageSize must be between 1 and {LARGEST_SIZE}.")));
        }
        let size = size.min(LARGEST_SIZE);
        let after = match find("pageId") {
            None => None,
            Some(text) => Some(text.parse().map_err(|_| OutOfRange("pageId must be a whole number.".to_owned()))?),
        };
        let mode = if forward_only || after.is_some() {
            Mode::Forward { after }
        } else {
            Mode::Numbered { page: at_least_1("page", 1)? }
        };
        let root = if switches.is(Switch::DoubleSlashes, "everywhere") { API_DOUBLED } else { API };
        Ok(Self { mode, size, end: End::of(switches), root })
    }

    /// Everything on one page.
    pub(crate) fn unpaged(self) -> Self {
        Self { mode: Mode::Numbered { page: 1 }, size: u64::MAX, ..self }
    }

    /// The `Link` header: in forward-only mode always there, and empty at the end. `more` says whether rows follow.
    pub(crate) fn link(
        &self,
        path: &str,
        parameters: &[(String, String)],
        ids: &[i64],
        total: Option<u64>,
        more: bool,
    ) -> Option<String> {
        let path = format!("{}{}", self.root, path.trim_start_matches('/'));
        let rel =
            |name: &str, key: &str, value: i64| format!("<{}>; rel=\"{name}\"", address(&path, parameters, key, value));
        match self.mode {
            Mode::Forward { .. } => {
                let named = match self.end {
                    End::Full => ids.len() as u64 == self.size,
                    End::Exact => more,
                    End::Always => true,
                };
                Some(ids.last().filter(|_| named).map(|last| rel("next", "pageId", *last)).unwrap_or_default())
            }
            Mode::Numbered { page } => {
                let last = total.unwrap_or(0).div_ceil(self.size).max(1);
                let mut links = Vec::new();
                if page < last {
                    links.push(rel("next", "page", page as i64 + 1));
                    links.push(rel("last", "page", last as i64));
                }
                if page > 1 {
                    links.push(rel("first", "page", 1));
                    links.push(rel("prev", "page", (page - 1).min(last) as i64));
                }
                (!links.is_empty()).then(|| links.join(", "))
            }
        }
    }
}

/// The address of another page as the live server writes it: with its own idea of its host, a slash after the path, and the
/// query encoded anew.
fn address(list: &str, parameters: &[(String, String)], key: &str, value: i64) -> String {
    let mut out = format!("{list}/?");
    for (name, text) in
        parameters.iter().filter(|(name, _)| !["page", "pageId"].iter().any(|own| name.eq_ignore_ascii_case(own)))
    {
        out.push_str(&encode(name));
        out.push('=');
        out.push_str(&encode(text));
        out.push('&');
    }
    out.push_str(key);
    out.push('=');
    out.push_str(&value.to_string());
    out
}

/// Percent-encoding with lower-case hex digits, `+` for a blank, and a few signs left alone.
fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'!' | b'*' | b'(' | b')' => {
                out.push(char::from(byte))
            }
            b' ' => out.push('+'),
            _ => {
                out.push('%');
                for half in [byte >> 4, byte & 15] {
                    out.extend(char::from_digit(u32::from(half), 16));
                }
            }
        }
    }
    out
}

/// The parameters of a query string, decoded, in their order.
pub(crate) fn parameters(query: Option<&str>) -> Vec<(String, String)> {
    form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect()
}
