//! Instants as the API writes them, and as columns hold them.

use chrono::{DateTime, NaiveDate};

/// What a text says about an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Instant {
    /// Microseconds since 1970, written in the API's own form: the text can be written again from the number.
    Canonical(i64),
    /// Microseconds since 1970, written in another form, which the number doesn't keep.
    Other(i64),
    /// No instant.
    None,
}

/// Reads `2018-05-05T14:00:00Z`, the only form seen from a live server, and any other RFC 3339 text.
#[must_use]
#[inline]
pub fn parse(text: &str) -> Instant {
    if let Some(micros) = canonical(text.as_bytes()) {
        return Instant::Canonical(micros);
    }
    match DateTime::parse_from_rfc3339(text) {
        Ok(instant) => Instant::Other(instant.timestamp_micros()),
        Err(_) => Instant::None,
    }
}

#[inline]
fn canonical(text: &[u8]) -> Option<i64> {
    let [y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1, b'T', h0, h1, b':', n0, n1, b':', s0, s1, b'Z'] = text else {
        return None;
    };
    let number = |digits: &[u8]| {
        digits.iter().try_fold(0u32, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + u32::from(digit - b'0')))
    };
    let year = number(&[*y0, *y1, *y2, *y3])?;
    let date = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, number(&[*m0, *m1])?, number(&[*d0, *d1])?)?;
    let instant = date.and_hms_opt(number(&[*h0, *h1])?, number(&[*n0, *n1])?, number(&[*s0, *s1])?)?;
    Some(instant.and_utc().timestamp_micros())
}

/// The API's form of an instant, given in microseconds since 1970; `None` if it lies outside of all calendars. The inverse of
/// [`parse`] for canonical texts.
#[must_use]
#[inline]
pub fn format(micros: i64) -> Option<String> {
    Some(DateTime::from_timestamp_micros(micros)?.format("%Y-%m-%dT%H:%M:%SZ").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_api_form_survives_and_others_are_told_apart() {
        for text in ["2018-05-05T14:00:00Z", "0001-01-01T00:00:00Z", "1900-01-01T00:00:00Z", "9999-12-31T23:59:59Z"] {
            let Instant::Canonical(micros) = parse(text) else { panic!("{text} isn't canonical") };
            assert_eq!(format(micros).as_deref(), Some(text));
        }
        assert_eq!(parse("1970-01-01T01:00:00+01:00"), Instant::Other(0));
        assert_eq!(parse("1970-01-01T00:00:00.5Z"), Instant::Other(500_000));
        for text in [
            "",
            "2018-05-05",
            "2018-02-30T00:00:00Z",
            "2018-05-05T14:00:00",
            "2018-05-05T24:00:00Z",
            "20x8-05-05T14:00:00Z",
        ] {
            assert_eq!(parse(text), Instant::None, "{text}");
        }
    }
}
