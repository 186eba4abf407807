//! Texts of libraries as parts of one sentence, and the errors behind an error.

use std::error::Error;

/// An error and those behind it, each the source of the one before.
pub fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

/// A sentence with every error behind it, on one line and without backtraces.
pub fn with_sources(sentence: &str, source: Option<&(dyn Error + 'static)>) -> String {
    let mut text = sentence.to_owned();
    for source in source.into_iter().flat_map(chain) {
        let part = without_backtrace(source.to_string());
        // Wrapped errors often repeat the text of what they wrap.
        if !text.contains(&part) {
            text.push_str(": ");
            text.push_str(&part);
        }
    }
    on_one_line(&text)
}

/// A text whose lines stand one behind the other: libraries write lists of columns and the like below their sentences.
fn on_one_line(text: &str) -> String {
    let lines: Vec<&str> = text.split(['\n', '\r']).map(str::trim).filter(|line| !line.is_empty()).collect();
    lines.join(" ")
}

/// A text without the backtraces that libraries write into theirs when `RUST_BACKTRACE` is set: messages are for people, and go
/// into the ledger and the report.
pub fn without_backtrace(text: String) -> String {
    let is_frame = |line: &str| {
        let inner = line.trim_start();
        let number = inner.bytes().take_while(u8::is_ascii_digit).count();
        let numbered = number > 0 && inner.get(number..).is_some_and(|rest| rest.starts_with(": "));
        line.len() > inner.len() && (numbered || inner.starts_with("at "))
    };
    let is_heading = |line: &str| {
        let line = line.trim_start();
        line.starts_with("backtrace:") || line.starts_with("stack backtrace:")
    };
    if !text.lines().any(|line| is_heading(line) || is_frame(line)) {
        return text;
    }
    let kept: Vec<&str> = text.lines().filter(|line| !is_heading(line) && !is_frame(line)).collect();
    kept.join("\n").trim_end().to_owned()
}
