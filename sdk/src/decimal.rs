//! Decimal numbers as texts of the API hold them.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Neg;
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
///
/// Numbers are compared by their value: `1.5` equals `1.50`. Sums and products are exact, or nothing where they don't fit:
///
/// ```
/// # use connectwise_sdk::Decimal;
/// let (rate, hours): (Decimal, Decimal) = ("120.50".parse()?, "1.25".parse()?);
/// assert_eq!(rate.checked_mul(hours), Some("150.625".parse()?));
/// assert_eq!(rate.checked_sub(rate), Some(Decimal::ZERO));
/// assert!(hours < rate);
/// # Ok::<(), connectwise_sdk::NotDecimal>(())
/// ```
#[derive(Debug, Clone, Copy)]
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
    /// Nothing.
    pub const ZERO: Self = Self { mantissa: 0, scale: 0 };

    /// The sum, with as many places as the number that has more; `None` if it has more than 38 digits.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        let scale = self.scale.max(other.scale);
        Self::checked(self.at_scale(scale)?.checked_add(other.at_scale(scale)?)?, scale)
    }

    /// The difference, as [`checked_add`](Self::checked_add) gives the sum.
    #[must_use]
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.checked_add(-other)
    }

    /// The product, with the places of both; `None` if it has more than 38 digits.
    #[must_use]
    pub fn checked_mul(self, other: Self) -> Option<Self> {
        Self::checked(self.mantissa.checked_mul(other.mantissa)?, self.scale.checked_add(other.scale)?)
    }

    fn checked(mantissa: i128, scale: u8) -> Option<Self> {
        let fits = mantissa.unsigned_abs() < 10_u128.pow(MOST_DIGITS as u32) && usize::from(scale) <= MOST_DIGITS;
        fits.then_some(Self { mantissa, scale })
    }

    /// The mantissa that the number has with more places.
    fn at_scale(self, scale: u8) -> Option<i128> {
        self.mantissa.checked_mul(10_i128.checked_pow(u32::from(scale - self.scale))?)
    }

    /// The whole number, and what is behind the point in units of the 38th place: both have the number's sign.
    fn split(self) -> (i128, i128) {
        let one = 10_i128.pow(u32::from(self.scale));
        let places = MOST_DIGITS as u32 - u32::from(self.scale);
        (self.mantissa / one, self.mantissa % one * 10_i128.pow(places))
    }

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

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        self.split().cmp(&other.split())
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.split() == other.split()
    }
}

impl Eq for Decimal {}

impl Hash for Decimal {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.split().hash(state);
    }
}

impl Neg for Decimal {
    type Output = Self;

    fn neg(self) -> Self {
        Self { mantissa: -self.mantissa, ..self }
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

    #[test]
    fn numbers_are_compared_by_value_and_computed_exactly() {
        let read = |text: &str| text.parse::<Decimal>().unwrap();
        let most = read(&"9".repeat(38));
        assert_eq!(read("1.50"), read("1.5"));
        assert_ne!(read("1.50"), read("-1.5"));
        let mut sorted = ["0.01", "-1.5", "1.5", "-0.5", "1.49", "0", "-1.05"].map(read);
        sorted.sort();
        assert_eq!(sorted.map(|number| number.to_string()), ["-1.5", "-1.05", "-0.5", "0", "0.01", "1.49", "1.5"]);
        assert!(read(".00000000000000000000000000000000000001") < read("0.1") && read("0.1") < most);
        // 0.1 + 0.2 is no 0.3 in binary.
        assert_eq!(read("0.1").checked_add(read("0.20")).unwrap().to_string(), "0.30");
        assert_eq!(read("0.1").checked_sub(read("1")).unwrap().to_string(), "-0.9");
        assert_eq!(read("-0.25").checked_mul(read("4.0")).unwrap().to_string(), "-1.000");
        assert_eq!(most.checked_add(read("1")), None);
        assert_eq!(most.checked_add(read("0.1")), None);
        assert_eq!(most.checked_mul(read("10")), None);
        assert_eq!(read("0.00000000000000000001").checked_mul(read("0.00000000000000000001")), None);
    }

    proptest! {
        #[test]
        fn equal_numbers_have_equal_hashes(mantissa in -10_i128.pow(20)..10_i128.pow(20), scale in 0_u8..18, more in 0_u8..18) {
            let (short, long) = (Decimal { mantissa, scale }, Decimal { mantissa: mantissa * 10_i128.pow(u32::from(more)), scale: scale + more });
            prop_assert_eq!(short, long);
            prop_assert_eq!(std::collections::HashSet::from([short, long]).len(), 1);
        }

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
