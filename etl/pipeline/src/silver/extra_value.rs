//! The values of properties that the interface document lacks, out of what bronze rescued.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, BooleanArray, Date32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
    new_null_array,
};
use arrow::datatypes::DataType;
use connectwise_extract::contract::{ExtraType, RESCUED};
use connectwise_extract::decode::properties;

use super::flatten::{counted, decimals, typed};
use super::guard::ValueGuard;
use super::value;
use crate::error::Result;

/// The values of the property at a path, and how many of them could not be read.
pub(super) fn column(bronze: &RecordBatch, path: &[String], kind: ExtraType) -> Result<(ArrayRef, u64)> {
    let Some(rescued) = bronze.column_by_name(RESCUED) else {
        return Ok((new_null_array(&kind.data_type(), bronze.num_rows()), 0));
    };
    let rescued = typed(rescued, &DataType::Utf8)?;
    let values: Vec<Option<Scalar>> =
        rescued.as_string::<i32>().iter().map(|text| scalar(&at(text?, path)?, kind)).collect();
    Ok(match kind {
        ExtraType::String => built(read(&values, Scalar::text), |texts| Arc::new(StringArray::from(texts))),
        ExtraType::Integer => built(read(&values, Scalar::integer), |numbers| Arc::new(Int64Array::from(numbers))),
        ExtraType::Decimal => decimals(read(&values, Scalar::decimal))?,
        ExtraType::Boolean => built(read(&values, Scalar::flag), |flags| Arc::new(BooleanArray::from(flags))),
        ExtraType::Date => built(read(&values, Scalar::day), |days| Arc::new(Date32Array::from(days))),
        ExtraType::Timestamp => built(read(&values, Scalar::micros), |micros| {
            Arc::new(TimestampMicrosecondArray::from(micros).with_timezone("UTC"))
        }),
    })
}

/// Each value read; what is there and can't be is `Some(None)`.
fn read<'a, T>(
    values: &'a [Option<Scalar>],
    read: impl Fn(&Scalar) -> Option<T> + 'a,
) -> impl Iterator<Item = Option<Option<T>>> + 'a {
    values.iter().map(move |value| value.as_ref().map(&read))
}

fn built<T>(
    values: impl Iterator<Item = Option<Option<T>>>,
    array: impl Fn(Vec<Option<T>>) -> ArrayRef,
) -> (ArrayRef, u64) {
    let (values, bad) = counted(values);
    (array(values), bad)
}

/// The JSON text at a path in the text of `_rescued`. What isn't known is kept there with all that is in it, under the pointer to it.
fn at(rescued: &str, path: &[String]) -> Option<String> {
    let rescued = properties(rescued)?;
    let mut pointer = String::new();
    for (step, below) in path.iter().zip(1..) {
        pointer.push('/');
        pointer.push_str(&step.replace('~', "~0"));
        if let Some((_, text)) = rescued.iter().rfind(|(known, _)| *known == pointer) {
            return within(text, path.get(below..)?);
        }
    }
    None
}

fn within(text: &str, path: &[String]) -> Option<String> {
    let Some((step, below)) = path.split_first() else { return Some(text.to_owned()) };
    // Of equal names the last counts, as everywhere in JSON.
    let (_, text) = properties(text)?.into_iter().rfind(|(known, _)| known == step)?;
    within(text, below)
}

/// A value that is there.
enum Scalar {
    Text(String),
    Number(String),
    Flag(bool),
    /// An object, an array, or what is no JSON: it fits no type.
    Other,
}

/// A JSON text as a value. `None` where there is none: null, and a blank text in a column of another type.
fn scalar(json: &str, kind: ExtraType) -> Option<Scalar> {
    let json = json.trim();
    Some(match json.as_bytes().first()? {
        _ if json == "null" => return None,
        _ if json == "true" => Scalar::Flag(true),
        _ if json == "false" => Scalar::Flag(false),
        b'"' => match serde_json::from_str::<String>(json) {
            Ok(text) if kind != ExtraType::String && text.trim().is_empty() => return None,
            Ok(text) => Scalar::Text(text),
            Err(_) => Scalar::Other,
        },
        b'-' | b'0'..=b'9' => Scalar::Number(json.to_owned()),
        _ => Scalar::Other,
    })
}

impl Scalar {
    /// As text without what is called like a secret, where it is JSON itself.
    fn text(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(ValueGuard::free_text(text)),
            Self::Number(digits) => Some(digits.clone()),
            Self::Flag(flag) => Some(flag.to_string()),
            Self::Other => None,
        }
    }

    fn integer(&self) -> Option<i64> {
        self.digits().and_then(value::integer_of_text)
    }

    fn decimal(&self) -> Option<i128> {
        self.digits().and_then(value::decimal_of_text)
    }

    fn digits(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Number(text) => Some(text),
            Self::Flag(_) | Self::Other => None,
        }
    }

    fn flag(&self) -> Option<bool> {
        match self {
            Self::Flag(flag) => Some(*flag),
            _ => self.digits().and_then(value::flag_of_text),
        }
    }

    fn day(&self) -> Option<i32> {
        match self {
            Self::Text(text) => value::day_of_text(text),
            _ => None,
        }
    }

    fn micros(&self) -> Option<i64> {
        match self {
            Self::Text(text) => value::micros_of_text(text),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(path: &str) -> Vec<String> {
        path.split('/').map(str::to_owned).collect()
    }

    #[test]
    fn a_value_is_found_under_the_pointer_to_what_is_unknown() {
        let rescued = "{\"/grade\":{\"name\":\"A\",\"name\":\"B\"},\"/member/a~0b\":7,\"/odd\":NaN}";
        let found = |path: &str| at(rescued, &steps(path));
        assert_eq!(found("grade/name").as_deref(), Some("\"B\""), "the last of equal names counts");
        assert_eq!(found("member/a~b").as_deref(), Some("7"));
        assert_eq!(found("odd").as_deref(), Some("NaN"), "what is no JSON hides nothing else");
        for path in ["grade/other", "grade/name/more", "member", "other"] {
            assert_eq!(found(path), None, "{path}");
        }
    }

    #[test]
    fn what_fits_no_type_is_told_from_what_is_not_there() {
        let text = |json: &str| scalar(json, ExtraType::String).map(|value| value.text());
        assert_eq!(text("\" A \""), Some(Some("A".to_owned())));
        assert_eq!(text("12.50"), Some(Some("12.50".to_owned())), "to the digit");
        assert_eq!(text("{}"), Some(None));
        assert_eq!(text("null"), None);
        let day = |json: &str| scalar(json, ExtraType::Date).map(|value| value.day());
        assert_eq!(day("\"1970-01-02T00:00:00Z\""), Some(Some(1)));
        assert_eq!(day("20240101"), Some(None));
        assert_eq!(day("\" \""), None);
    }
}
