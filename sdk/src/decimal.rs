//! Decimal numbers as texts of the API hold them.

use std::fmt;
use std::str::FromStr;

/// A decimal number, exact to its last place: `120.50` is 12050 with two places.
///
/// The API sends some money as text (`"hourlyCost": "55.25"`). [`f64`] can't hold that exactly; this can.
///
/// ```
/// use connectwise_sdk::Decimal;
///
/// let cost: Decimal = "1,234.50".parse()?;
/// assert_eq!((cost.mantissa(), cost.scale()), (123_450, 2));
/// assert_eq!(cost.to_string(), "1234.50");
/// assert_eq!(cost.to_f64(), 1234.5);
/// # Ok::<(), connectwise_sdk::NotDecimal>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Decimal {
    mantissa: i128,
    scale: u8,
}

/// A text that holds no decimal number of at most 38 digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotDecimal;

/// Digits that are sure to fit.
const MOST_DIGITS: usize = 38;

impl Decimal {
    /// The number without its decimal point.
    #[must_use]
    pub fn mantissa(self) -> i128 {
        self.mantissa
    }

    /// Places behind the decimal point, 0 to 38.
    #[must_use]
    pub fn scale(self) -> u8 {
        self.scale
    }

    /// The nearest binary number.
    #[must_use]
    pub fn to_f64(self) -> f64 {
        // Parsing the text rounds once, where a division would round twice.
        self.to_string().parse().unwrap_or(f64::NAN)
    }
}

impl FromStr for Decimal {
    type Err = NotDecimal;

    /// Reads an optional sign, digits with or without commas between thousands, and a point with places.
    fn from_str(text: &str) -> Result<Self, NotDecimal> {
        let text = text.trim();
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, places) = digits.split_once('.').unwrap_or((digits, ""));
        let plain = whole_digits(whole).ok_or(NotDecimal)?;
        let all = format!("{plain}{places}");
        if all.is_empty() || all.len() > MOST_DIGITS || !all.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(NotDecimal);
        }
        let mantissa: i128 = all.parse().map_err(|_| NotDecimal)?;
        let scale = u8::try_from(places.len()).map_err(|_| NotDecimal)?;
        Ok(Self { mantissa: if negative { -mantissa } else { mantissa }, scale })
    }
}

/// The digits without commas, which may only stand before three digits each.
fn whole_digits(whole: &str) -> Option<String> {
    let mut groups = whole.split(',');
    let first = groups.next()?;
    let mut plain = first.to_owned();
    for group in groups {
        if group.len() != 3 || first.is_empty() || first.len() > 3 {
            return None;
        }
        plain.push_str(group);
    }
    Some(plain)
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scale = usize::from(self.scale);
        let digits = format!("{:0width$}", self.mantissa.unsigned_abs(), width = scale + 1);
        let (whole, places) = digits.split_at(digits.len() - scale);
        let sign = if self.mantissa < 0 { "-" } else { "" };
        let point = if places.is_empty() { "" } else { "." };
        write!(f, "{sign}{whole}{point}{places}")
    }
}

impl fmt::Display for NotDecimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the text holds no decimal number of at most 38 digits")
    }
}

impl std::error::Error for NotDecimal {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Decimal, NotDecimal};

    #[test]
    fn reads_the_forms_of_money() {
        let read = |text: &str| text.parse::<Decimal>().map(|decimal| decimal.to_string());
        for (text, expected) in [
            ("55.25", "55.25"),
            ("-0.5", "-0.5"),
            (".5", "0.5"),
            ("5.", "5"),
            ("+12", "12"),
            (" 7.00 ", "7.00"),
            ("1,234,567.8", "1234567.8"),
            ("0", "0"),
            ("99999999999999999999999999999999999999", "99999999999999999999999999999999999999"),
        ] {
            assert_eq!(read(text), Ok(expected.to_owned()), "{text}");
        }
        for text in ["", "-", ".", "1e5", "abc", "$5", "1,23", "1234,567", ",123", "1.2.3", "--1", "\u{665}", "NaN"] {
            assert_eq!(read(text), Err(NotDecimal), "{text}");
        }
        assert_eq!(read(&"9".repeat(39)), Err(NotDecimal));
    }

    proptest! {
        #[test]
        fn what_is_written_reads_as_the_same(mantissa in -10_i128.pow(30)..10_i128.pow(30), scale in 0_u8..20) {
            let decimal = Decimal { mantissa, scale };
            prop_assert_eq!(decimal.to_string().parse::<Decimal>(), Ok(decimal));
        }

        #[test]
        fn no_text_panics(text in any::<String>()) {
            let _ = text.parse::<Decimal>();
        }
    }
}
