//! Numbers as JSON writes them, and what of them a column keeps.

/// A number read into a double.
#[derive(Debug, PartialEq)]
pub(super) enum Double {
    /// The double is the number.
    Exact(f64),
    /// The double is near it: the text has more digits, or a smaller exponent, than a double holds.
    Near(f64),
    /// Too large for a double.
    None,
}

/// Reads a JSON number as a double.
pub(super) fn double(text: &str) -> Double {
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => {
            if is_short(text) || normal(text) == normal(&format!("{value:e}")) {
                Double::Exact(value)
            } else {
                Double::Near(value)
            }
        }
        _ => Double::None,
    }
}

/// Reads a JSON number as an integer: `5`, and also `5.0` and `5e0`.
pub(super) fn integer(text: &str) -> Option<i64> {
    /// Integers up to this size are exact in a double.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if let Ok(value) = text.parse() {
        return Some(value);
    }
    match double(text) {
        Double::Exact(value) if value.fract() == 0.0 && value.abs() <= EXACT => Some(value as i64),
        _ => None,
    }
}

/// Up to 15 digits and no exponent: always exact, and nearly every number there is.
fn is_short(text: &str) -> bool {
    text.len() <= 15 && !text.contains(['e', 'E'])
}

/// Sign, digits without leading and trailing zeros, and the power of ten of the first digit.
fn normal(text: &str) -> (bool, String, i64) {
    let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_start_matches('0');
    let leading = digits.len() - significant.len();
    let significant = significant.trim_end_matches('0');
    if significant.is_empty() {
        return (false, String::new(), 0);
    }
    // No double has an exponent near the bounds of 64 bits, so that any of them differs from all that doubles have.
    let exponent = exponent.trim_start_matches('+').parse::<i64>().unwrap_or(i64::MAX);
    let place = exponent.saturating_add(whole.len() as i64).saturating_sub(leading as i64);
    (negative, significant.to_owned(), place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_are_told_apart_from_what_is_only_near_them() {
        for (text, value) in [
            ("0", 0.0),
            ("-0.0", 0.0),
            ("23800.0", 23800.0),
            ("0.1", 0.1),
            ("1.5e3", 1500.0),
            ("1E+2", 100.0),
            ("12345678901234567000", 1.2345678901234567e19),
        ] {
            assert_eq!(double(text), Double::Exact(value), "{text}");
        }
        assert_eq!(double("-3.0198727370414897e-164"), Double::Exact(-3.0198727370414897e-164));
        for text in ["0.12345678901234567890", "9007199254740993", "1e-400", "0.1000000000000000055511151231257827"] {
            assert!(matches!(double(text), Double::Near(_)), "{text}");
        }
        assert_eq!(double("1e999"), Double::None);
        // Exponents at the bounds of 64 bits and beyond.
        for text in ["0.0000001e-9223372036854775808", "1e-9223372036854775809", "100e-9223372036854775808"] {
            assert!(matches!(double(text), Double::Near(0.0)), "{text}");
        }
        assert_eq!(double("0e9223372036854775807"), Double::Exact(0.0));
    }

    #[test]
    fn integers_may_be_written_as_floats() {
        assert_eq!(
            ["7", "-7", "5.0", "5e2", "9223372036854775807"].map(integer),
            [Some(7), Some(-7), Some(5), Some(500), Some(i64::MAX)]
        );
        assert_eq!(["5.5", "9223372036854775808", "1e30", "1e-400"].map(integer), [None; 4]);
    }
}
