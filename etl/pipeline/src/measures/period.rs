//! Days, months and years as people type them.

use chrono::{Days, Months, NaiveDate};

use crate::error::{Error, Result};

/// The first and the last day of a day (`2026-01-31`), a month (`2026-01`) or a year (`2026`).
///
/// # Errors
/// [`Kind::Usage`](crate::error::Kind::Usage) for anything else.
pub(super) fn days(text: &str) -> Result<(NaiveDate, NaiveDate)> {
    let wanted = text.trim();
    let first = |text: &str, months: u32| {
        let first = strict(text)?;
        Some((first, first.checked_add_months(Months::new(months))?.checked_sub_days(Days::new(1))?))
    };
    let found = match wanted.len() {
        10 => strict(wanted).map(|day| (day, day)),
        7 => first(&format!("{wanted}-01"), 1),
        4 => first(&format!("{wanted}-01-01"), 12),
        _ => None,
    };
    found.ok_or_else(|| Error::no_period(text))
}

/// A day in exactly this form: the parser of dates takes blanks and fewer digits, too.
fn strict(text: &str) -> Option<NaiveDate> {
    let is_strict = text
        .bytes()
        .enumerate()
        .all(|(at, byte)| if at == 4 || at == 7 { byte == b'-' } else { byte.is_ascii_digit() });
    NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|_| is_strict)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_has_a_first_and_a_last_day() {
        let said =
            |text: &str| days(text).map(|(first, last)| format!("{first} {last}")).map_err(|error| error.to_string());
        for (text, expected) in [
            ("2026-01-31", "2026-01-31 2026-01-31"),
            ("2024-02", "2024-02-01 2024-02-29"),
            ("2025-12", "2025-12-01 2025-12-31"),
            (" 2026 ", "2026-01-01 2026-12-31"),
        ] {
            assert_eq!(said(text).as_deref(), Ok(expected), "{text}");
        }
        for text in [
            "",
            "2026-13",
            "2026-02-30",
            "26",
            "January",
            "2026-1-1",
            "2026/01",
            "2026-01-01T00:00:00Z",
            "+026",
            "2026-Q1",
            " 026",
        ] {
            assert!(
                said(text).unwrap_err().ends_with("is no day, month or year: write it as 2026-01-31, 2026-01 or 2026"),
                "{text}"
            );
        }
    }
}
