//! What people and programs read: results on standard output, everything else on standard error.

use std::io::{self, IsTerminal, Write};

use comfy_table::{CellAlignment, ContentArrangement, Table, TableComponent, presets};
use serde::Serialize;

use crate::error::{Error, Kind, Result};

/// Where results go, as text or as JSON.
#[derive(Debug, Clone, Copy)]
pub(super) struct Output {
    json: bool,
}

impl Output {
    pub(super) fn new(json: bool) -> Self {
        Self { json }
    }

    pub(super) fn is_json(self) -> bool {
        self.json
    }

    /// Whether progress bars make sense.
    pub(super) fn is_terminal(self) -> bool {
        !self.json && io::stderr().is_terminal()
    }

    /// A value as JSON.
    pub(super) fn json<T: Serialize + ?Sized>(self, value: &T) -> Result<()> {
        let text = serde_json::to_string_pretty(value)
            .map_err(|error| Error::new(Kind::Io, "the result can't be written as JSON").with_source(error))?;
        self.line(&text)
    }

    /// A line of a result.
    pub(super) fn line(self, text: &str) -> Result<()> {
        self.write(format!("{text}\n").as_bytes())
    }

    /// Bytes of a result. A reader that has seen enough, such as `head`, is no error.
    pub(super) fn write(self, bytes: &[u8]) -> Result<()> {
        match io::stdout().lock().write_all(bytes) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(Error::new(Kind::Io, "the result can't be written to standard output").with_source(error))
            }
            _ => Ok(()),
        }
    }

    /// A line beside the result.
    pub(super) fn note(self, text: &str) {
        writeln!(io::stderr().lock(), "{text}").ok();
    }

    /// A failure, as one line.
    pub(super) fn error(self, error: &Error) {
        let text = error.report();
        if self.json {
            let body = serde_json::json!({ "error": { "kind": format!("{:?}", error.kind()).to_lowercase(), "message": text } });
            self.note(&body.to_string());
        } else {
            self.note(&format!("error: {text}"));
        }
    }
}

/// A table that fits the terminal; the columns in `right` hold numbers.
pub(super) fn table(header: &[&str], right: &[usize], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table
        .load_preset(presets::UTF8_HORIZONTAL_ONLY)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(header);
    // One line under the header; rows stand close, so that many fit.
    table.remove_style(TableComponent::HorizontalLines).remove_style(TableComponent::MiddleIntersections);
    if !io::stdout().is_terminal() {
        // Someone's file or pipe: no width to fit, so nothing is wrapped.
        table.set_content_arrangement(ContentArrangement::Disabled);
    }
    for row in rows {
        table.add_row(row);
    }
    for column in right {
        if let Some(column) = table.column_mut(*column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.to_string()
}

/// 1234567 as `1,234,567`.
pub(super) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::thousands;

    #[test]
    fn thousands_are_grouped_from_the_right() {
        assert_eq!(
            [0, 12, 123, 1234, 123_456, 1_234_567].map(thousands),
            ["0", "12", "123", "1,234", "123,456", "1,234,567"]
        );
    }
}
