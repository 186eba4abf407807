//! What JSON texts of silver may not hold: secrets, personal values, and custom fields that a policy withholds.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use connectwise_extract::contract::Personal;
use connectwise_extract::privacy::{
    Privacy, Treatment, is_password_type, is_secret, mentions_secret, strip, without_secrets,
};
use connectwise_sdk::catalog::{Column, Entity, Kind, Meaning};
use serde_json::{Map, Value};

use crate::error::{Error, Result};

/// The policy of one entity, as far as it concerns what is inside of JSON texts. A hash has a column of its own, never a
/// place in a text.
#[derive(Debug, Clone)]
pub(crate) struct ValueGuard {
    /// Custom fields without a value in the text.
    pub(crate) withheld: BTreeSet<i64>,
    /// Whether personal details stay.
    keeps_personal: bool,
    /// Whether the names of people who are no members stay.
    keeps_names: bool,
}

impl ValueGuard {
    pub(crate) fn new(entity: &Entity, privacy: &Privacy) -> Self {
        let keeps = |personal| privacy.of_personal(personal) == Treatment::Keep;
        let withheld = privacy.withheld_custom_fields(entity);
        Self { withheld, keeps_personal: keeps(Personal::Detail), keeps_names: keeps(Personal::Name) }
    }

    /// What a table's schema says of personal values inside of JSON texts.
    pub(super) fn mark(&self) -> &'static str {
        match (self.keeps_personal, self.keeps_names) {
            (true, true) => "keep",
            (true, false) => "keep, without names",
            (false, true) => "drop",
            (false, false) => "drop, with names",
        }
    }

    /// Whether a property may be in a text.
    pub(crate) fn keeps(&self, column: &Column) -> bool {
        let kept = match column.meaning {
            Meaning::Secret => false,
            Meaning::Personal => self.keeps_personal,
            Meaning::Name => self.keeps_names,
            _ => true,
        };
        kept && column.kind != Kind::StringMap
    }

    /// An object without the value of a custom field that may not be shown: fields tell their type beside the value.
    pub(crate) fn object(&self, mut object: Map<String, Value>) -> Map<String, Value> {
        let password = object.get("type").and_then(Value::as_str).is_some_and(is_password_type);
        let withheld = object.contains_key("caption")
            && object.get("id").and_then(Value::as_i64).is_some_and(|id| self.withheld.contains(&id));
        if password || withheld {
            object.remove("value");
        }
        object
    }

    /// A free-form value without what is called like a secret. What is no JSON is a text.
    pub(crate) fn free(text: &str) -> Value {
        let mentions = mentions_secret(text);
        let mut value = match serde_json::from_str(text) {
            Ok(value) => value,
            // Too deep to be read, and to be searched.
            Err(_) if mentions && text.trim_start().starts_with(['{', '[']) => Value::Null,
            Err(_) => text.into(),
        };
        if mentions {
            strip(&mut value, &is_secret);
        }
        value
    }

    /// The JSON text of a free-form value, as it came where it mentions no secret.
    pub(crate) fn free_text(text: &str) -> String {
        let text = text.trim();
        if !mentions_secret(text) {
            return text.to_owned();
        }
        without_secrets(text, &is_secret).unwrap_or_else(|| text.to_owned())
    }

    /// Texts that were written under another policy, without what this one withholds.
    ///
    /// # Errors
    /// [`Kind::Internal`](crate::error::Kind::Internal) when they are none.
    pub(crate) fn again(&self, kind: &Kind, texts: &ArrayRef) -> Result<ArrayRef> {
        let misshapen = || Error::misshapen("a text of silver", texts.data_type());
        let texts = texts.as_string_opt::<i32>().ok_or_else(misshapen)?;
        let texts = texts.iter().map(|text| {
            text.map(|text| match serde_json::from_str::<Value>(text) {
                Ok(value) => self.value(kind, value).to_string(),
                // Too deep to be read, and to be searched.
                Err(_) if matches!(kind, Kind::List(_)) => Value::Null.to_string(),
                Err(_) => text.to_owned(),
            })
        });
        Ok(Arc::new(texts.collect::<StringArray>()))
    }

    fn value(&self, kind: &Kind, value: Value) -> Value {
        match (kind, value) {
            (Kind::List(element), Value::Array(values)) => {
                values.into_iter().map(|value| self.value(element, value)).collect()
            }
            (Kind::Struct(columns), Value::Object(object)) => {
                let kept = object.into_iter().filter_map(|(name, value)| {
                    let column = columns.iter().find(|column| column.name == name)?;
                    self.keeps(column).then(|| (name, self.value(&column.kind, value)))
                });
                Value::Object(self.object(kept.collect()))
            }
            (_, value) => value,
        }
    }
}

#[cfg(test)]
mod tests {
    use connectwise_extract::catalog;

    use super::*;

    #[test]
    fn a_text_that_is_too_deep_to_be_searched_is_not_kept() {
        let guard = ValueGuard::new(catalog::entity("TimeEntry").unwrap(), &Privacy::default());
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        let texts: ArrayRef = Arc::new(StringArray::from(vec![Some(deep.as_str()), Some("[1]"), None]));
        let kept = |kind: &Kind| {
            let kept = guard.again(kind, &texts).unwrap();
            kept.as_string::<i32>().iter().map(|text| text.map(str::to_owned)).collect::<Vec<_>>()
        };
        assert_eq!(kept(&Kind::List(&Kind::Int32)), [Some("null".to_owned()), Some("[1]".to_owned()), None]);
        assert_eq!(kept(&Kind::Json), [Some(deep.clone()), Some("[1]".to_owned()), None]);
    }
}
