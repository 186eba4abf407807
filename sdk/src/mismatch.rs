//! Reading JSON into types, and saying where it doesn't fit without repeating what stands there.

use serde::de::DeserializeOwned;

use crate::{api_error::shown, redact::Redactor, response::LONGEST_WORD};

/// Where JSON doesn't have the shape of a type.
#[derive(Debug)]
pub(crate) struct Mismatch {
    /// For example `company.id`; `.` is the value itself.
    pub(crate) json_path: String,
    /// What should stand there. What does may be a secret, or somebody's name.
    pub(crate) expected: Option<String>,
    /// Whether it isn't JSON at all.
    pub(crate) is_syntax: bool,
}

pub(crate) fn read<T: DeserializeOwned>(json: &[u8]) -> Result<T, Mismatch> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let json_path = error.path().to_string();
        let inner = error.into_inner();
        Mismatch { json_path, expected: expected(&inner.to_string()), is_syntax: !inner.is_data() }
    })?;
    match deserializer.end() {
        Ok(()) => Ok(value),
        Err(_) => Err(Mismatch { json_path: ".".to_owned(), expected: None, is_syntax: true }),
    }
}

impl Mismatch {
    /// The place as it may be shown: names may be the server's, while the number of an element is none of its words.
    pub(crate) fn place(&self, redactor: &Redactor) -> String {
        let mut names = self.json_path.as_str();
        while let Some((number, rest)) = names.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            if !number.bytes().all(|byte| byte.is_ascii_digit()) {
                break;
            }
            names = rest;
        }
        let elements = self.json_path.strip_suffix(names).unwrap_or_default();
        format!("{elements}{}", shown(names, redactor, LONGEST_WORD))
    }
}

/// The harmless part of serde's message, which otherwise quotes the value.
pub(crate) fn expected(message: &str) -> Option<String> {
    let message = message.rsplit_once(" at line ").map_or(message, |(message, _)| message);
    if message.starts_with("missing field") || message.starts_with("duplicate field") {
        return Some(message.to_owned());
    }
    message.rsplit_once(", expected ").map(|(_, expected)| format!("expected {expected}"))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Outer {
        #[serde(rename = "inner")]
        _inner: Inner,
    }

    #[derive(Debug, Deserialize)]
    struct Inner {
        #[serde(rename = "ids")]
        _ids: Vec<i64>,
    }

    #[test]
    fn the_place_is_named_and_the_value_is_not() {
        let table = [
            (r#"{"inner":{"ids":[1,"geheim, expected x"]}}"#, "inner.ids[1]", Some("expected i64")),
            (r#"{"inner":{}}"#, "inner", Some("missing field `ids`")),
            ("5", ".", Some("expected struct Outer")),
        ];
        for (json, json_path, expected) in table {
            let mismatch = read::<Outer>(json.as_bytes()).unwrap_err();
            assert_eq!((mismatch.json_path.as_str(), mismatch.expected.as_deref()), (json_path, expected), "{json}");
            assert!(!mismatch.is_syntax);
        }
        for json in ["<html>", "", r#"{"inner":{"ids":[]}} x"#] {
            assert!(read::<Outer>(json.as_bytes()).unwrap_err().is_syntax, "{json}");
        }
    }
}
