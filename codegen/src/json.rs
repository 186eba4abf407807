//! Places and entries of a JSON document.

use serde_json::Value;

/// A JSON pointer of these steps.
pub(crate) fn pointer(steps: &[&str]) -> String {
    steps.iter().map(|step| format!("/{}", escape(step))).collect()
}

/// One step of a JSON pointer.
pub(crate) fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// Entries of an object, sorted by key; none of anything else.
pub(crate) fn entries(value: &Value) -> Vec<(&str, &Value)> {
    let mut entries: Vec<_> =
        value.as_object().into_iter().flatten().map(|(key, value)| (key.as_str(), value)).collect();
    entries.sort_by_key(|(key, _)| *key);
    entries
}

/// Elements of an array; none of anything else.
pub(crate) fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// Number of values in a text of JSON, known before memory is taken for them; at least so many where it isn't JSON.
pub(crate) fn count(text: &[u8]) -> usize {
    let mut values = 1;
    let mut quoted = false;
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => quoted = !quoted,
            b'\\' if quoted => drop(bytes.next()),
            b',' | b'{' | b'[' if !quoted => values += 1,
            _ => {}
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::count;

    #[test]
    fn values_are_counted_without_reading_them() {
        assert_eq!(count(b"7"), 1);
        assert_eq!(count(br#"{"a": [1, 2, {"b,[": "\\\"{,"}], "c": null}"#), 7);
    }
}
