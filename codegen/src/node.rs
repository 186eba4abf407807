//! A place in the document: a JSON value together with its pointer, so that every complaint can say where.

use serde_json::Value;

use crate::error::{Error, Kind, Result};

/// A value of the document and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Node<'a> {
    value: &'a Value,
    pointer: String,
    operation: Option<&'a str>,
}

impl<'a> Node<'a> {
    pub(crate) fn root(value: &'a Value) -> Self {
        Self { value, pointer: String::new(), operation: None }
    }

    /// The same place, with complaints naming this operation.
    pub(crate) fn of_operation(mut self, id: &'a str) -> Self {
        self.operation = Some(id);
        self
    }

    pub(crate) fn expected(&self, expected: &'static str) -> Error {
        let (operation, pointer) = (self.operation.map(str::to_owned), self.pointer.clone());
        Kind::Shape { operation, pointer, expected }.into()
    }

    fn child(&self, key: &str, value: &'a Value) -> Self {
        let pointer = format!("{}/{}", self.pointer, escape(key));
        Self { value, pointer, operation: self.operation }
    }

    pub(crate) fn get(&self, key: &str) -> Option<Self> {
        let value = self.value.as_object()?.get(key)?;
        Some(self.child(key, value))
    }

    pub(crate) fn require(&self, key: &str, expected: &'static str) -> Result<Self> {
        match self.value.as_object() {
            Some(object) => match object.get(key) {
                Some(value) => Ok(self.child(key, value)),
                None => Err(self.child(key, &Value::Null).expected(expected)),
            },
            None => Err(self.expected("an object")),
        }
    }

    /// Entries of an object, sorted by key.
    pub(crate) fn entries(&self) -> Result<Vec<(&'a str, Self)>> {
        let object = self.value.as_object().ok_or_else(|| self.expected("an object"))?;
        let mut entries: Vec<_> = object.iter().map(|(key, value)| (key.as_str(), self.child(key, value))).collect();
        entries.sort_by(|a, b| a.0.cmp(b.0));
        Ok(entries)
    }

    pub(crate) fn items(&self) -> Result<Vec<Self>> {
        let array = self.value.as_array().ok_or_else(|| self.expected("an array"))?;
        Ok(array.iter().enumerate().map(|(index, value)| self.child(&index.to_string(), value)).collect())
    }

    pub(crate) fn text(&self) -> Result<&'a str> {
        self.value.as_str().ok_or_else(|| self.expected("a text"))
    }

    pub(crate) fn flag(&self) -> Result<bool> {
        self.value.as_bool().ok_or_else(|| self.expected("true or false"))
    }

    pub(crate) fn number(&self) -> Result<&'a Value> {
        if self.value.is_number() { self.exact() } else { Err(self.expected("a number")) }
    }

    pub(crate) fn is_null(&self) -> bool {
        self.value.is_null()
    }

    /// A text, number or truth value.
    pub(crate) fn scalar(&self) -> Result<&'a Value> {
        match self.value {
            Value::String(_) | Value::Number(_) | Value::Bool(_) => self.exact(),
            _ => Err(self.expected("a text, a number or a truth value")),
        }
    }

    /// The value, unless it is a number with more digits than a float holds: written down and read again, it would be another.
    fn exact(&self) -> Result<&'a Value> {
        let again = || serde_json::from_str::<Value>(&self.value.to_string());
        if self.value.is_f64() && again().is_ok_and(|again| again != *self.value) {
            return Err(self.expected("a number of at most 15 digits"));
        }
        Ok(self.value)
    }

    /// Text of an optional entry.
    pub(crate) fn text_of(&self, key: &str) -> Result<Option<&'a str>> {
        self.get(key).map(|node| node.text()).transpose()
    }
}

/// A JSON pointer of these steps.
pub(crate) fn pointer(steps: &[&str]) -> String {
    steps.iter().map(|step| format!("/{}", escape(step))).collect()
}

/// One step of a JSON pointer.
pub(crate) fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}
