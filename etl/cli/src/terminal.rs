//! Text for a terminal: nothing that comes from data may move its cursor, colour it, make links or turn text around.

use connectwise_storage::locked;
use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::sync::Mutex;

use indicatif::MultiProgress;

/// Longest line of a table's cell: one long text would make every row as wide.
const LONGEST: usize = 200;

/// Whether a terminal obeys a character instead of showing it: controls, marks that turn the direction of text around, and
/// line breaks that other programs than terminals take for one.
fn is_obeyed(letter: char) -> bool {
    letter.is_control() || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
}

/// A text that a terminal only shows: `�` stands for each character that it would obey, but line feeds and tabs.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    let obeyed = |letter: char| is_obeyed(letter) && !matches!(letter, '\n' | '\t');
    if !text.contains(obeyed) {
        return Cow::Borrowed(text);
    }
    // A carriage return before a line feed is half of a line break.
    let text = text.replace("\r\n", "\n");
    Cow::Owned(text.chars().map(|letter| if obeyed(letter) { '\u{fffd}' } else { letter }).collect())
}

/// What a table shows of a text: plain, and of each line no more than [`LONGEST`] characters.
pub(crate) fn cell(text: &str) -> String {
    plain(text).split('\n').map(|line| shortened(&line.replace('\t', " "))).collect::<Vec<_>>().join("\n")
}

fn shortened(line: &str) -> String {
    match line.char_indices().nth(LONGEST) {
        None => line.to_owned(),
        Some(_) => line.chars().take(LONGEST - 1).chain(['…']).collect(),
    }
}

/// A text on one line.
pub(crate) fn one_line(text: &str) -> String {
    text.replace("\r\n", "↵").replace(['\n', '\r'], "↵")
}

/// JSON that a terminal only shows. Outside of strings there is nothing that it would obey but white space, and within them an
/// escape means the same.
pub(crate) fn escaped(json: &str) -> Cow<'_, str> {
    let obeyed = |letter: char| is_obeyed(letter) && !matches!(letter, '\n' | '\r' | '\t');
    if !json.contains(obeyed) {
        return Cow::Borrowed(json);
    }
    let mut text = String::with_capacity(json.len() + 16);
    for letter in json.chars() {
        if obeyed(letter) {
            // Writing to a String can't fail, and all of these are of the first plane.
            write!(text, "\\u{:04x}", u32::from(letter)).ok();
        } else {
            text.push(letter);
        }
    }
    Cow::Owned(text)
}

/// Standard error for a log: what can't be written is dropped, as a run must not end for want of somebody who reads along.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Log;

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // An event comes in one piece, and what it tells of must not look like another one.
        let event = String::from_utf8_lossy(bytes);
        note(&format!("{}\n", one_line(event.trim_end_matches('\n'))));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Bars on the terminal, above which other text belongs.
static BARS: Mutex<Option<MultiProgress>> = Mutex::new(None);

/// Writes notes above these bars from now on.
pub(crate) fn above(bars: MultiProgress) {
    *locked(&BARS) = Some(bars);
}

/// Writes to standard error, if it takes anything.
pub(crate) fn note(text: &str) {
    let write = || io::stderr().lock().write_all(plain(text).as_bytes()).ok();
    let bars = locked(&BARS).clone();
    match bars {
        Some(bars) => bars.suspend(write),
        None => write(),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a name can do to a terminal: colour, title, link, its 8-bit forms, a rewritten line, reversed text.
    const HOSTILE: [&str; 9] = [
        "\u{1b}[31mred",
        "\u{1b}]0;title\u{7}",
        "\u{1b}]8;;http://x\u{1b}\\link",
        "\u{9b}31mred",
        "\u{9d}0;title\u{9c}",
        "safe\rpaid",
        "nul\0",
        "\u{202e}cod.exe\u{202c}",
        "\u{2066}x\u{2069}",
    ];

    #[test]
    fn a_terminal_obeys_nothing() {
        for text in HOSTILE {
            for shown in [plain(text).into_owned(), cell(text), escaped(text).into_owned()] {
                let obeyed = |letter: char| {
                    letter < ' '
                        || ('\u{7f}'..='\u{9f}').contains(&letter)
                        || ('\u{202a}'..='\u{202e}').contains(&letter)
                        || ('\u{2066}'..='\u{2069}').contains(&letter)
                };
                assert!(!shown.contains(obeyed) || shown.contains('\r') && text.contains('\r'), "{shown:?}");
            }
            assert!(!plain(text).contains('\r') && !cell(text).contains('\r'));
        }
        assert_eq!(plain("safe\rpaid"), "safe\u{fffd}paid");
        assert_eq!(
            plain("two\r\nlines\tÞór 日本 \u{200f}שלום"),
            "two\r\nlines\tÞór 日本 \u{200f}שלום".replace("\r\n", "\n")
        );
        assert!(matches!(plain("Þór & sons\n"), Cow::Borrowed(_)));
    }

    #[test]
    fn escaped_json_means_the_same() {
        let value = serde_json::json!({ "name": HOSTILE.concat() });
        let text = serde_json::to_string_pretty(&value).unwrap();
        let shown = escaped(&text);
        assert!(shown.is_ascii(), "{shown}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
    }

    #[test]
    fn a_cell_is_cut_and_says_so() {
        let long = "é".repeat(5_000);
        assert_eq!(cell(&long).chars().count(), LONGEST);
        assert!(cell(&long).ends_with('…'));
        assert_eq!(cell(&"é".repeat(LONGEST)), "é".repeat(LONGEST));
        assert_eq!(cell("a\tb\nc"), "a b\nc");
        assert_eq!(one_line("a\r\nb\nc"), "a↵b↵c");
    }
}
