//! One value at a time: text and numbers to decimals, days and instants.

use chrono::{DateTime, NaiveDate, NaiveDateTime};
use connectwise_extract::contract::DECIMAL;

/// The first number that a decimal column can't hold.
const LIMIT: i128 = 10_i128.pow(DECIMAL.0 as u32);
/// Units of a decimal column in one.
const UNITS: i128 = 10_i128.pow(DECIMAL.1 as u32);

/// A whole number as units of a decimal column. `None` when it is too large.
pub(crate) fn decimal_of_integer(value: i64) -> Option<i128> {
    fits(i128::from(value) * UNITS)
}

/// A number as units of a decimal column, rounded half away from zero as it is written in decimal digits: 1.00005 is
/// 1.0001, though its binary form lies below. `None` when it is too large or no number.
pub(crate) fn decimal_of_number(value: f64) -> Option<i128> {
    let units = value * UNITS as f64;
    let nearest = units.round();
    if nearest.abs() < 1e15 && (units - nearest).abs() < 1e-3 {
        return Some(nearest as i128);
    }
    value.is_finite().then(|| value.to_string()).and_then(|text| decimal_of_text(&text))
}

/// A decimal text as units of a decimal column, rounded half away from zero. `None` when it is something else.
pub(crate) fn decimal_of_text(text: &str) -> Option<i128> {
    let text = text.trim();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if digits.contains(['e', 'E']) {
        let number: f64 = text.parse().ok()?;
        // Without its exponent, the text of the number can't come back here.
        return number.is_finite().then(|| format!("{number:.20}")).and_then(|text| decimal_of_text(&text));
    }
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |text: &str| text.bytes().all(|digit| digit.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    let whole = whole.trim_start_matches('0');
    if whole.len() > usize::from(DECIMAL.0) {
        return None;
    }
    let mut units: i128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let mut places = fraction.bytes().chain(std::iter::repeat(b'0')).map(|digit| i128::from(digit - b'0'));
    for digit in places.by_ref().take(DECIMAL.1 as usize) {
        units = units * 10 + digit;
    }
    if places.next().is_some_and(|digit| digit >= 5) {
        units += 1;
    }
    fits(if negative { -units } else { units })
}

fn fits(units: i128) -> Option<i128> {
    (units.abs() < LIMIT).then_some(units)
}

/// A whole number of 64 bits, also as `5.0`. `None` when the text is something else.
pub(crate) fn integer_of_text(text: &str) -> Option<i64> {
    let text = text.trim();
    let whole = text.split_once('.').filter(|(_, fraction)| fraction.bytes().all(|digit| digit == b'0'));
    whole.map_or(text, |(whole, _)| whole).parse().ok()
}

/// What a text says of yes and no.
pub(crate) fn flag_of_text(text: &str) -> Option<bool> {
    match text.trim().to_lowercase().as_str() {
        "true" | "1" | "yes" | "y" => Some(true),
        "false" | "0" | "no" | "n" => Some(false),
        _ => None,
    }
}

/// The day that an instant in microseconds is in, in UTC: a day that the API writes as midnight is never shifted.
pub(crate) fn day_of_micros(micros: i64) -> Option<i32> {
    i32::try_from(micros.div_euclid(86_400_000_000)).ok()
}

/// The day that a text starts with, as days since 1970. What follows the day is a time of that day.
pub(crate) fn day_of_text(text: &str) -> Option<i32> {
    let text = text.trim();
    let day = text.get(..10)?;
    if !text.get(10..)?.is_empty() && !text.get(10..)?.starts_with(['T', 't', ' ']) {
        return None;
    }
    let day = NaiveDate::parse_from_str(day, "%Y-%m-%d").ok()?;
    Some(day.to_epoch_days())
}

/// An instant in microseconds since 1970. A text without a zone is UTC, as all of the API's are.
pub(crate) fn micros_of_text(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
        return Some(instant.timestamp_micros());
    }
    for form in ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"] {
        if let Ok(instant) = NaiveDateTime::parse_from_str(text, form) {
            return Some(instant.and_utc().timestamp_micros());
        }
    }
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    Some(day.and_hms_opt(0, 0, 0)?.and_utc().timestamp_micros())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_round_half_away_from_zero_as_they_are_written() {
        assert_eq!(decimal_of_number(0.73), Some(7300));
        assert_eq!(decimal_of_number(1.00005), Some(10_001));
        assert_eq!(decimal_of_number(-1.00005), Some(-10_001));
        assert_eq!(decimal_of_number(2.000_049_999), Some(20_000));
        assert_eq!(decimal_of_number(123_456_789_012.123_4), Some(1_234_567_890_121_234));
        assert_eq!(decimal_of_number(1e15), None);
        assert_eq!(decimal_of_number(999_999_999_999_999.0), Some(9_999_999_999_999_990_000));
        assert_eq!(decimal_of_number(f64::NAN), None);
        assert_eq!(decimal_of_number(f64::INFINITY), None);
    }

    #[test]
    fn texts_are_decimals_or_nothing() {
        assert_eq!(decimal_of_text("10800.00"), Some(108_000_000));
        assert_eq!(decimal_of_text(" -.5 "), Some(-5000));
        assert_eq!(decimal_of_text("+00012."), Some(120_000));
        assert_eq!(decimal_of_text("0.00005"), Some(1));
        assert_eq!(decimal_of_text("0.99995"), Some(10_000));
        assert_eq!(decimal_of_text("1.5E3"), Some(15_000_000));
        for text in ["", ".", "-", "1,234.50", "12 kr", "1.2.3", "NaN", "1e400", "99999999999999999999"] {
            assert_eq!(decimal_of_text(text), None, "{text:?}");
        }
    }

    #[test]
    fn texts_are_whole_numbers_and_flags_or_nothing() {
        assert_eq!(integer_of_text(" 9007199254740993 "), Some(9_007_199_254_740_993), "beyond what a double holds");
        assert_eq!(integer_of_text("-5.0"), Some(-5));
        for text in ["", "5.5", "5e2", "five", "9223372036854775808"] {
            assert_eq!(integer_of_text(text), None, "{text:?}");
        }
        assert_eq!((flag_of_text("Yes"), flag_of_text("0")), (Some(true), Some(false)));
        assert_eq!(flag_of_text("perhaps"), None);
    }

    #[test]
    fn days_keep_their_date() {
        assert_eq!(day_of_text("2018-05-17T00:00:00Z"), Some(17_668));
        assert_eq!(day_of_text("2018-05-17"), Some(17_668));
        assert_eq!(day_of_text("2018-05-17 23:59"), Some(17_668));
        assert_eq!(day_of_text("1969-12-31"), Some(-1));
        assert_eq!(day_of_text("2018-05-171"), None);
        assert_eq!(day_of_text("17.5.2018"), None);
        assert_eq!(day_of_text("þþþþþþþ"), None);
        assert_eq!(day_of_micros(-1), Some(-1));
        assert_eq!(day_of_micros(86_400_000_000), Some(1));
    }

    #[test]
    fn instants_are_utc() {
        assert_eq!(micros_of_text("1970-01-01T00:00:01Z"), Some(1_000_000));
        assert_eq!(micros_of_text("1970-01-01T01:00:01.5+01:00"), Some(1_500_000));
        assert_eq!(micros_of_text("1970-01-01 00:00:02"), Some(2_000_000));
        assert_eq!(micros_of_text("1970-01-02"), Some(86_400_000_000));
        assert_eq!(micros_of_text("soon"), None);
    }
}
