//! What people and programs read: results on standard output, everything else on standard error.

use std::io::{self, IsTerminal, Write};

use comfy_table::{CellAlignment, ContentArrangement, Table, TableComponent, presets};
use connectwise_pipeline::error::{Error, Result};
use serde::Serialize;

use super::terminal::{cell, escaped, note, plain};
use crate::error;

/// Where results go, as text or as JSON.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    json: bool,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        Self { json }
    }

    pub(crate) fn is_json(self) -> bool {
        self.json
    }

    /// Whether progress bars make sense.
    pub(crate) fn is_terminal(self) -> bool {
        !self.json && io::stderr().is_terminal()
    }

    /// A value as JSON.
    pub(crate) fn json<T: Serialize + ?Sized>(self, value: &T) -> Result<()> {
        let text = serde_json::to_string_pretty(value).map_err(|error| error::no_json().with_source(error))?;
        self.write(format!("{}\n", escaped(&text)).as_bytes())
    }

    /// A line of a result, for people: a terminal obeys nothing in it.
    pub(crate) fn line(self, text: &str) -> Result<()> {
        self.write(format!("{}\n", plain(text)).as_bytes())
    }

    /// Bytes of a result, for programs: as they are, but on a terminal. A reader that has seen enough, such as `head`, is no
    /// error.
    pub(crate) fn write(self, bytes: &[u8]) -> Result<()> {
        let fault = |error| error::unwritten_result().with_source(error);
        self.pass(bytes).map(|_| ()).map_err(fault)
    }

    /// Bytes of a result, and whether somebody still reads them.
    pub(crate) fn pass(self, bytes: &[u8]) -> io::Result<bool> {
        let mut target = io::stdout().lock();
        let shown = if target.is_terminal() { Some(String::from_utf8_lossy(bytes)) } else { None };
        let shown = shown.as_deref().map(plain);
        let bytes = shown.as_ref().map_or(bytes, |shown| shown.as_bytes());
        match target.write_all(bytes).and_then(|()| target.flush()) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Ends a command whose work is done: that stands, whether what it did can be shown or not.
    pub(crate) fn done(self, shown: Result<()>, code: u8) -> u8 {
        match shown {
            Ok(()) => code,
            Err(error) => {
                self.note(&format!("the work is done and stands, but its report isn't complete: {}", error.report()));
                code.max(1)
            }
        }
    }

    /// A line beside the result.
    pub(crate) fn note(self, text: &str) {
        note(&format!("{text}\n"));
    }

    /// A failure, as one line.
    pub(crate) fn error(self, error: &Error) {
        let text = error.report();
        if self.json {
            let body = serde_json::json!({ "error": { "kind": format!("{:?}", error.kind()).to_lowercase(), "message": text } });
            self.note(&escaped(&body.to_string()));
        } else {
            self.note(&format!("error: {text}"));
        }
    }
}

/// Characters that a column needs, unless its texts are shorter: with fewer, words are cut to pieces.
const LEGIBLE: usize = 10;

/// A table that fits the terminal, row below row where the columns have no room side by side; the columns in `right` hold
/// numbers. A terminal obeys no cell, and no cell is so long that it spoils the others: the whole texts are for `--json`.
pub(crate) fn table(header: &[&str], right: &[usize], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let header: Vec<String> = header.iter().map(|name| cell(name)).collect();
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let rows = rows.into_iter().map(|row| row.iter().map(|text| cell(text)).collect()).collect();
    // Someone's file or pipe has no width to fit, so nothing is wrapped there.
    arranged(&header, right, rows, Table::new().width())
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
        let widest = texts.flat_map(str::lines).map(|line| line.chars().count()).max().unwrap_or(0);
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
    table.trim_fmt()
}

/// 1234567.891 with two decimal places as `1,234,567.89`.
pub(crate) fn decimal(number: f64, places: usize) -> String {
    let text = format!("{number:.places$}");
    let (sign, digits) = text.strip_prefix('-').map_or(("", text.as_str()), |digits| ("-", digits));
    let (whole, rest) = digits.split_once('.').map_or((digits, None), |(whole, rest)| (whole, Some(rest)));
    // What rounds to nothing has no sign.
    let sign = if digits.bytes().all(|digit| matches!(digit, b'0' | b'.')) { "" } else { sign };
    // What is no number, or too large for one, stays as it is.
    let whole = whole.parse().map_or_else(|_| whole.to_owned(), thousands);
    rest.map_or_else(|| format!("{sign}{whole}"), |rest| format!("{sign}{whole}.{rest}"))
}

/// 1234567 as `1,234,567`.
pub(crate) fn thousands(number: u64) -> String {
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
    use super::{arranged, decimal, table, thousands};

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
    fn one_long_text_does_not_pad_every_row() {
        let mut cells: Vec<Vec<String>> =
            (0..100).map(|at| vec![format!("column{at}"), "string".to_owned(), "keep".to_owned()]).collect();
        cells[50][1] = "custom field ".repeat(400);
        cells[50][2] = "x".repeat(5_000);
        let text = table(&["column", "type", "policy"], &[], cells);
        assert!(text.len() < 30_000, "{} bytes", text.len());
        assert!(text.contains("column99") && text.contains('…'), "{text}");
    }

    #[test]
    fn no_cell_and_no_header_reaches_the_terminal_as_a_command() {
        let text = table(&["\u{1b}[2Jname"], &[], vec![vec!["\u{1b}]0;x\u{7}\u{202e}Þór\r".to_owned()]]);
        assert!(text.contains("Þór") && !text.contains(['\u{1b}', '\u{7}', '\u{202e}', '\r']), "{text:?}");
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
    fn numbers_have_the_decimal_places_that_are_asked_for() {
        let shown = [(1_234_567.891, 2), (-1_500.0, 0), (-0.04, 1), (0.05, 1), (12.0, 2), (f64::NAN, 1)]
            .map(|(number, places)| decimal(number, places));
        assert_eq!(shown, ["1,234,567.89", "-1,500", "0.0", "0.1", "12.00", "NaN"]);
    }

    #[test]
    fn thousands_are_grouped_from_the_right() {
        assert_eq!(
            [0, 12, 123, 1234, 123_456, 1_234_567].map(thousands),
            ["0", "12", "123", "1,234", "123,456", "1,234,567"]
        );
    }
}
