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

/// Characters that a column needs, unless its texts are shorter: with fewer, words are cut to pieces.
const LEGIBLE: usize = 10;

/// A table that fits the terminal, row below row where the columns have no room side by side; the columns in `right` hold
/// numbers.
pub(super) fn table(header: &[&str], right: &[usize], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    // Someone's file or pipe has no width to fit, so nothing is wrapped there.
    arranged(header, right, rows.into_iter().collect(), Table::new().width())
}

fn arranged(header: &[&str], right: &[usize], rows: Vec<Vec<String>>, room: Option<u16>) -> String {
    if room.is_none_or(|room| fits(header, &rows, room.into())) {
        return side_by_side(header, right, rows, room);
    }
    let records = rows.into_iter().enumerate().map(|(at, row)| {
        let lines = header.iter().zip(row).map(|(name, value)| vec![(*name).to_owned(), value]).collect();
        side_by_side(&[&format!("row {}", at + 1), ""], &[], lines, room)
    });
    records.collect::<Vec<_>>().join("\n\n")
}

/// Whether each column can have what it needs.
fn fits(header: &[&str], rows: &[Vec<String>], room: usize) -> bool {
    let needed = header.iter().enumerate().map(|(at, name)| {
        let texts = rows.iter().filter_map(|row| row.get(at)).map(String::as_str).chain([*name]);
        let widest = texts.flat_map(str::lines).map(|line| line.chars().count()).max().unwrap_or_default();
        // With a blank on both sides.
        widest.min(LEGIBLE) + 2
    });
    needed.sum::<usize>() <= room
}

fn side_by_side(header: &[&str], right: &[usize], rows: Vec<Vec<String>>, room: Option<u16>) -> String {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_HORIZONTAL_ONLY).set_header(header).add_rows(rows);
    // One line under the header; rows stand close, so that many fit.
    table.remove_style(TableComponent::HorizontalLines).remove_style(TableComponent::MiddleIntersections);
    if let Some(room) = room {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(room);
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
    use super::{arranged, thousands};

    fn rows(texts: &[&[&str]]) -> Vec<Vec<String>> {
        texts.iter().map(|row| row.iter().map(|text| (*text).to_owned()).collect()).collect()
    }

    fn widest(text: &str) -> usize {
        text.lines().map(|line| line.trim_end().chars().count()).max().unwrap()
    }

    #[test]
    fn long_texts_are_wrapped_where_the_columns_have_room() {
        let cells = rows(&[&["Reykjavíkurborg og nágrenni, fjármálasvið", "12.5000", "true"]]);
        let text = arranged(&["companyName", "hours", "billable"], &[1], cells.clone(), Some(40));
        assert!(widest(&text) <= 40, "{text}");
        let header = text.lines().find(|line| line.contains("companyN")).unwrap();
        assert!(header.contains("hours") && header.contains("billable"), "{text}");
        let unwrapped = arranged(&["companyName", "hours", "billable"], &[1], cells, None);
        assert!(unwrapped.contains("Reykjavíkurborg og nágrenni, fjármálasvið"), "{unwrapped}");
    }

    #[test]
    fn many_columns_stand_below_each_other_on_a_narrow_terminal() {
        let header: Vec<String> = (0..30).map(|at| format!("agreementBillingBehavior{at}")).collect();
        let header: Vec<&str> = header.iter().map(String::as_str).collect();
        let row = |text: &str| header.iter().map(|name| format!("{text} {name}")).collect::<Vec<_>>();
        for room in [40, 80] {
            let text = arranged(&header, &[], vec![row("a"), row("the second")], Some(room));
            assert!(widest(&text) <= room.into(), "{text}");
            assert!(text.contains("row 1") && text.contains("row 2") && text.contains("second"), "{text}");
            assert!(text.lines().count() >= 60, "a line a value: {text}");
        }
        let text = arranged(&header, &[], vec![row("a")], None);
        assert!(text.contains("agreementBillingBehavior0") && !text.contains("row 1"), "{text}");
    }

    #[test]
    fn thousands_are_grouped_from_the_right() {
        assert_eq!(
            [0, 12, 123, 1234, 123_456, 1_234_567].map(thousands),
            ["0", "12", "123", "1,234", "123,456", "1,234,567"]
        );
    }
}
