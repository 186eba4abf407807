//! Free-form JSON without what is called like a secret.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::name::is_password_type;

/// A JSON text without its secrets, `None` where it names none and can stay as it came. What can't be read is `null`.
pub fn without_secrets(text: &str, secret: &impl Fn(&str) -> bool) -> Option<String> {
    // The text has all of several equal names, of which a value keeps one.
    if !names_secret(text, secret) {
        return None;
    }
    let mut value: Value = serde_json::from_str(text).unwrap_or(Value::Null);
    strip(&mut value, secret);
    Some(value.to_string())
}

/// Takes what is called like a secret, and what custom fields of type `Password` hold, out of a free-form value.
pub fn strip(value: &mut Value, secret: &impl Fn(&str) -> bool) -> bool {
    let mut found = false;
    match value {
        Value::Object(object) => {
            let before = object.len();
            object.retain(|name, _| !secret(name));
            if object.get("type").and_then(Value::as_str).is_some_and(is_password_type) {
                object.remove("value");
            }
            found = object.len() != before;
            for value in object.values_mut() {
                found |= strip(value, secret);
            }
        }
        Value::Array(values) => {
            for value in values {
                found |= strip(value, secret);
            }
        }
        _ => {}
    }
    found
}

/// Whether a JSON text names a secret at any depth, in any of several equal names.
fn names_secret(text: &str, secret: &impl Fn(&str) -> bool) -> bool {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    // What can't be read, because it is too deep, can't be searched either.
    Names { secret }.deserialize(&mut deserializer).unwrap_or(true)
}

struct Names<'a, F> {
    secret: &'a F,
}

impl<F> Clone for Names<'_, F> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<F> Copy for Names<'_, F> {}

impl<'de, F: Fn(&str) -> bool> DeserializeSeed<'de> for Names<'_, F> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<bool, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, F: Fn(&str) -> bool> Visitor<'de> for Names<'_, F> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<bool, A::Error> {
        let mut found = false;
        while let Some(name) = map.next_key::<String>()? {
            found |= (self.secret)(&name);
            // A type that has something in it is searched by who takes the secrets out.
            if name == "type" {
                let kind = map.next_value::<Value>()?;
                found |= kind.is_object() || kind.is_array() || kind.as_str().is_some_and(is_password_type);
            } else {
                found |= map.next_value_seed(self)?;
            }
        }
        Ok(found)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> std::result::Result<bool, A::Error> {
        let mut found = false;
        while let Some(inner) = list.next_element_seed(self)? {
            found |= inner;
        }
        Ok(found)
    }

    fn visit_bool<E>(self, _: bool) -> std::result::Result<bool, E> {
        Ok(false)
    }

    fn visit_i64<E>(self, _: i64) -> std::result::Result<bool, E> {
        Ok(false)
    }

    fn visit_u64<E>(self, _: u64) -> std::result::Result<bool, E> {
        Ok(false)
    }

    fn visit_f64<E>(self, _: f64) -> std::result::Result<bool, E> {
        Ok(false)
    }

    fn visit_str<E>(self, _: &str) -> std::result::Result<bool, E> {
        Ok(false)
    }

    fn visit_unit<E>(self) -> std::result::Result<bool, E> {
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::privacy::is_secret;

    #[test]
    fn a_text_that_names_a_secret_anywhere_is_rewritten() {
        let deep = format!("{}{{\"password\":\"geheim\"}}{}", "[".repeat(200), "]".repeat(200));
        for (text, expected) in [
            (r#"{"a":{"password":"geheim"},"a":1.10}"#, Some(r#"{"a":1.1}"#)),
            (r#"{"f":{"type":"Password","value":"geheim"},"f":2}"#, Some(r#"{"f":2}"#)),
            (r#"{"a":1.10,"a":2}"#, None),
            (r#"[{"type":{"password":1}}]"#, Some(r#"[{"type":{}}]"#)),
            (r#"{"password": geheim}"#, Some("null")),
            (deep.as_str(), Some("null")),
        ] {
            assert_eq!(without_secrets(text, &is_secret).as_deref(), expected, "{text}");
        }
    }
}
