//! The credentials out of texts that a server wrote: some servers and proxies echo what they were sent.
//!
//! Everything that comes from outside and may be shown goes through [`Redactor::clean`] where it comes in: texts of bodies,
//! header values, causes of broken connections. It reads the text as it stands and as it reads once URL, JSON and HTML
//! escapes, quoted-printable, Base64 and hexadecimal digits are decoded, in UTF-8 and UTF-16.
//!
//! What counts as a find depends on the credential, as it must not eat words: with the client id `any`, `company` has to stay
//! `company`.
//!
//! - **Strong**: at least 8 characters that look drawn by chance (letters and digits mixed, or letters of both cases), or at
//!   least 16 of any kind. It is taken out wherever it stands, within words, in any case and with white space in it; so is a part of
//!   8 characters that look drawn by chance, since echoes are cut off.
//! - **Weak**: anything shorter or plainer, such as a word. It is taken out only where it stands alone, between characters that
//!   are neither letters nor digits, and only as it is written.
//! - Below 3 characters nothing is taken out: that guards nothing, and would leave holes in any text. Within Base64 that
//!   limit is 5, since three bytes are found by chance in what isn't Base64 at all.

mod view;

use std::collections::HashSet;
use std::fmt;
use std::ops::Range;

use base64::{Engine as _, engine::general_purpose::STANDARD};

pub(crate) use view::View;

/// What stands in place of a credential.
const REDACTED: &str = "[redacted]";

/// Shortest text that is taken out on its own.
const SHORTEST: usize = 3;
/// Shortest text that is taken out where it was decoded from Base64 or hexadecimal digits.
const SHORTEST_PACKED: usize = 5;
/// Length of the part of a strong credential that gives it away.
const PART: usize = 8;
/// From this length on a text is no word.
const NO_WORD: usize = 16;

/// Takes credentials out of texts.
#[derive(Clone, Default)]
pub(crate) struct Redactor {
    strong: Vec<Vec<u8>>,
    weak: Vec<Vec<u8>>,
    /// Parts of the strong ones that look drawn by chance.
    parts: HashSet<[u8; PART]>,
}

impl Redactor {
    /// Knows a user name (`company+publicKey`), a password and a client id, alone and as they are sent. The company isn't
    /// secret.
    pub(crate) fn new(username: &str, password: &str, client_id: &str) -> Self {
        let mut known = Self::default();
        let pair = format!("{username}:{password}");
        known.add_whole(username);
        known.add(&STANDARD.encode(&pair));
        known.add(&STANDARD.encode(password));
        if let Some((_, key)) = username.split_once('+') {
            known.add(key);
        }
        known.add(password);
        known.add(client_id);
        known
    }

    /// Knows what a request sends by a header of its own, too: all of it, and the words in it that look like secrets.
    pub(crate) fn with_header(mut self, value: &str) -> Self {
        self.add_whole(value);
        // `Bearer abc` and `name=abc; other=def`.
        for word in value.split(|letter: char| letter.is_whitespace() || matches!(letter, ';' | ',')) {
            let value = word.split_once('=').map_or(word, |(_, value)| value);
            for word in [word, value].into_iter().filter(|word| is_strong(word.as_bytes())) {
                self.add(word);
            }
        }
        self
    }

    fn add(&mut self, secret: &str) {
        if is_strong(secret.as_bytes()) {
            let parts = secret.as_bytes().windows(PART).filter_map(|part| <[u8; PART]>::try_from(part).ok());
            self.parts.extend(parts.filter(|part| looks_random(part)));
        }
        self.add_whole(secret);
    }

    /// Without its parts, of which one isn't secret.
    fn add_whole(&mut self, secret: &str) {
        let bytes = secret.as_bytes();
        if is_strong(bytes) {
            self.strong.push(bytes.to_ascii_lowercase());
        } else if bytes.len() >= SHORTEST {
            self.weak.push(bytes.to_vec());
        }
    }

    /// The text without credentials.
    pub(crate) fn clean(&self, text: &str) -> String {
        let mut found = Vec::new();
        for view in View::layers(text) {
            self.look(&view, SHORTEST, &mut found);
            let squeezed = view.squeezed();
            self.look_for_strong(&squeezed, &mut found);
            for packed in view.packed().into_iter().chain(squeezed.packed()) {
                let mut within = Vec::new();
                self.look(&packed, SHORTEST_PACKED, &mut within);
                // Of UTF-16 every other byte is none.
                self.look_for_strong(&packed.squeezed(), &mut within);
                found.extend(within.into_iter().map(|range| whole_word(text, range)));
            }
        }
        without(text, found)
    }

    fn look(&self, view: &View, shortest: usize, found: &mut Vec<Range<usize>>) {
        self.look_for_strong(view, found);
        for weak in self.weak.iter().filter(|weak| weak.len() >= shortest) {
            let is_word = |at: Option<&u8>| at.is_some_and(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii());
            for at in places(&view.bytes, weak) {
                let before = at.checked_sub(1).and_then(|before| view.bytes.get(before));
                if !is_word(before) && !is_word(view.bytes.get(at + weak.len())) {
                    found.extend(view.origin(at..at + weak.len()));
                }
            }
        }
    }

    fn look_for_strong(&self, view: &View, found: &mut Vec<Range<usize>>) {
        if self.strong.is_empty() {
            return;
        }
        let lower = view.bytes.to_ascii_lowercase();
        for strong in &self.strong {
            found.extend(places(&lower, strong).filter_map(|at| view.origin(at..at + strong.len())));
        }
        for (at, part) in view.bytes.windows(PART).enumerate() {
            if self.parts.contains(part) {
                found.extend(view.origin(at..at + PART));
            }
        }
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redactor")
    }
}

/// Where a text stands in another.
fn places<'a>(text: &'a [u8], wanted: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    text.windows(wanted.len().max(1)).enumerate().filter(move |(_, window)| *window == wanted).map(|(at, _)| at)
}

fn is_strong(secret: &[u8]) -> bool {
    (secret.len() >= PART && looks_random(secret)) || (secret.len() >= NO_WORD && different(secret) >= 4)
}

/// Letters and digits, or letters of both cases in turns: nothing that is written on purpose.
fn looks_random(text: &[u8]) -> bool {
    let digits = text.iter().any(u8::is_ascii_digit);
    let letters: Vec<bool> =
        text.iter().filter(|byte| byte.is_ascii_alphabetic()).map(u8::is_ascii_uppercase).collect();
    let turns = letters.windows(2).filter(|pair| pair.first() != pair.last()).count();
    different(text) >= 5 && ((digits && !letters.is_empty()) || turns >= 3)
}

fn different(text: &[u8]) -> usize {
    text.iter().collect::<HashSet<_>>().len()
}

/// A piece of Base64 with what is written without a gap around it: half of it would give the rest away.
fn whole_word(text: &str, range: Range<usize>) -> Range<usize> {
    let is_base64 = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_' | b'=');
    let bytes = text.as_bytes();
    let before = bytes.get(..range.start).unwrap_or_default().iter().rev().take_while(is_base64).count();
    let after = bytes.get(range.end..).unwrap_or_default().iter().take_while(is_base64).count();
    range.start - before..range.end + after
}

fn without(text: &str, mut found: Vec<Range<usize>>) -> String {
    found.sort_unstable_by_key(|range| (range.start, range.end));
    let mut clean = String::with_capacity(text.len());
    let mut at = 0;
    let mut open: Option<Range<usize>> = None;
    let mut cut = |range: Range<usize>| {
        let (start, end) = (text.floor_char_boundary(range.start), text.ceil_char_boundary(range.end));
        clean.push_str(text.get(at..start).unwrap_or_default());
        clean.push_str(REDACTED);
        at = end;
    };
    for range in found {
        match &mut open {
            Some(open) if range.start <= open.end => open.end = open.end.max(range.end),
            _ => {
                if let Some(done) = open.replace(range) {
                    cut(done);
                }
            }
        }
    }
    if let Some(done) = open {
        cut(done);
    }
    clean.push_str(text.get(at..).unwrap_or_default());
    clean
}

#[cfg(test)]
mod tests {
    use super::Redactor;

    const USERNAME: &str = "acme+Kq7ZtR2mVx9LpWd4";
    const PASSWORD: &str = "hG5/bN8+yT3cJ6sQ";
    const CLIENT_ID: &str = "1b9e6c1f-52a7-4f0d-9c3a-7de2b84c60aa";

    fn real() -> Redactor {
        Redactor::new(USERNAME, PASSWORD, CLIENT_ID)
    }

    #[test]
    fn credentials_are_found_in_every_encoding() {
        let table = [
            // Each as its own tool writes it: printf and base64, jq's @uri, @html and tojson.
            "Authorization: Basic YWNtZStLcTdadFIybVZ4OUxwV2Q0OmhHNS9iTjgreVQzY0o2c1E=",
            "password only aEc1L2JOOCt5VDNjSjZzUQ==",
            "moved by one byte eDpoRzUvYk44K3lUM2NKNnNRCg==",
            "moved by two bytes eHg6aEc1L2JOOCt5VDNjSjZzUQo=",
            "moved by three eHh4OmhHNS9iTjgreVQzY0o2c1E=",
            "url safe aEc1L2JOOCt5VDNjSjZzUQ",
            "broken lines YWNtZStLcTdadFIyb\r\n VZ4OUxwV2Q0OmhHNS9iTjgr\n yVQzY0o2c1E=",
            "plain acme+Kq7ZtR2mVx9LpWd4 and hG5/bN8+yT3cJ6sQ",
            "key alone Kq7ZtR2mVx9LpWd4.",
            "id 1B9E6C1F-52A7-4F0D-9C3A-7DE2B84C60AA",
            "encoded acme%2BKq7ZtR2mVx9LpWd4%3AhG5%2FbN8%2ByT3cJ6sQ",
            "lower acme%2bKq7ZtR2mVx9LpWd4%3ahG5%2fbN8%2byT3cJ6sQ",
            "twice hG5%252FbN8%252ByT3cJ6sQ",
            "every byte %68%47%35%2F%62%4E%38%2B%79%54%33%63%4A%36%73%51",
            r"json hG5\/bN8\u002byT3cJ6sQ",
            "html hG5&#47;bN8&#x2B;yT3cJ6sQ and hG5&sol;bN8&plus;yT3cJ6sQ",
            "glued togetherhG5/bN8+yT3cJ6sQgether",
            "spread hG5/bN8+ yT3cJ6sQ and Kq7ZtR2m\nVx9LpWd4 and 1b9e6c1f-52a7-\t4f0d-9c3a-7de2b84c60aa",
            "cut off hG5/bN8+yT3cJ and Kq7ZtR2mVx and YWNtZStLcTdadFIybVZ4OUxwV2Q0Omh",
            "base64 of utf16 aABHADUALwBiAE4AOAArAHkAVAAzAGMASgA2AHMAUQA= and AHgAaABHADUALwBiAE4AOAArAHkAVAAzAGMASgA2AHMAUQ==",
            "hexadecimal 6847352f624e382b795433634a367351 and 0x613A6847352F624E382B795433634A367351",
            "broken digits 6847352f624e38\n2b795433634a367351",
            "quoted-printable =68=47=35=2F=62=4E=38=2B=79=54=33=63=4A=36=73=51",
            "quoted-printable in lines hG5/bN=\r\n8+yT3c=\nJ6sQ",
            "quoted-printable and more =2568%47%35%2F%62%4E%38%2B%79%54%33%63%4A%36%73%51",
            "utf16 h\0G\x005\0/\0b\0N\x008\0+\0y\0T\x003\0c\0J\x006\0s\0Q\0",
        ];
        for text in table {
            let clean = real().clean(text);
            assert!(clean.contains("[redacted]"), "{text:?}: {clean}");
            let squeezed: String = clean.chars().filter(|letter| !letter.is_whitespace() && *letter != '\0').collect();
            for half in [
                "hG5", "T3cJ6", "Kq7Zt", "Vx9Lp", "1b9e6c", "4c60aa", "YWNtZ", "ZtR2mV", "aEc1L", "NjSjZz", "3Y0o2",
                "%62%4E",
            ] {
                assert!(!squeezed.to_lowercase().contains(&half.to_lowercase()), "{half} in {clean:?}");
            }
        }
    }

    #[test]
    fn words_stay_whole() {
        let table = [
            ("any", "the company may do anything, but not any", "the company may do anything, but not [redacted]"),
            (
                "company",
                "a company of companies (company/companies)",
                "a [redacted] of companies ([redacted]/companies)",
            ),
            ("id", "an id is an id", "an id is an id"),
            ("connectwise", "connectwisedev.com by Connectwise", "connectwisedev.com by Connectwise"),
        ];
        for (client_id, text, expected) in table {
            assert_eq!(Redactor::new("acme+pub", "geheim", client_id).clean(text), expected);
        }
        let weak = Redactor::new("acme+public", "private", "00000000-0000-0000-0000-000000000000");
        for text in [
            "acme's publication of private2 and 00000000-0000",
            "2026-01-01T00:00:00.0000000Z",
            "a text of letters only that is long enough to be read as if it were encoded",
        ] {
            assert_eq!(weak.clean(text), text);
        }
        let text = "acme: 57 records of /time/entries, changed 2026-11-28T20:15:00Z, 1b9e, x-cw-request-id 7f3a9c10-1d2e-4b5f-8a6b-0c9d8e7f6a5b";
        assert_eq!(real().clean(text), text);
    }

    #[test]
    fn weak_credentials_are_found_where_they_stand_alone() {
        let weak = Redactor::new("acme+pub", "geheim", "any");
        let table = [
            ("key geheim, user acme+pub; id=any", "key [redacted], user [redacted]; id=[redacted]"),
            ("%20geheim%26acme%2Bpub", "%20[redacted]%26[redacted]"),
            ("Basic YWNtZStwdWI6Z2VoZWlt", "Basic [redacted]"),
            ("Z2VoZWlt", "[redacted]"),
            ("{\"key\":\"pub\",\"company\":\"acme\"}", "{\"key\":\"[redacted]\",\"company\":\"acme\"}"),
        ];
        for (text, expected) in table {
            assert_eq!(weak.clean(text), expected);
        }
    }

    #[test]
    fn what_a_request_sends_itself_is_known_too() {
        let known =
            real().with_header("Bearer eyJ0b2tlbiI6InYxIn0.sig-9").with_header("session=s3cr3tC00kie; theme=dark");
        assert_eq!(known.clean("got eyJ0b2tlbiI6InYxIn0.sig-9 and s3cr3tC00kie"), "got [redacted] and [redacted]");
    }

    #[test]
    fn any_text_is_taken() {
        for text in [
            "",
            "%",
            "%2",
            "%zz",
            "\\",
            "\\u",
            "\\u12",
            "\\ud800",
            "&",
            "&#",
            "&#x;",
            "&#99999999;",
            "é%C3%A9\u{200b}",
            "====",
        ] {
            assert_eq!(real().clean(text), text);
        }
        assert_eq!(real().clean("éhG5/bN8+yT3cJ6sQé"), "é[redacted]é");
    }
}
