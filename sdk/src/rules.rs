//! Rules for records that are written, and how a record breaks them.

use std::fmt;
use std::ops::Deref;

use serde_json::Value;

/// Which kind of write a record is checked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Write {
    /// A new record.
    Create,
    /// A record that exists: it is replaced as a whole.
    Update,
}

/// What the interface document demands of one property.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    property: &'static str,
    required: bool,
    required_on_update: bool,
    create_only: bool,
    update_only: bool,
    max_length: Option<usize>,
    minimum: Option<f64>,
    maximum: Option<f64>,
    nested: Option<fn() -> &'static [Rule]>,
}

impl Rule {
    /// A rule for a property, by its wire name, that demands nothing yet.
    #[must_use]
    pub const fn new(property: &'static str) -> Self {
        Self {
            property,
            required: false,
            required_on_update: false,
            create_only: false,
            update_only: false,
            max_length: None,
            minimum: None,
            maximum: None,
            nested: None,
        }
    }

    /// It must be there.
    #[must_use]
    pub const fn required(self) -> Self {
        Self { required: true, ..self }
    }

    /// It must be there in an update.
    #[must_use]
    pub const fn required_on_update(self) -> Self {
        Self { required_on_update: true, ..self }
    }

    /// Only a create takes it.
    #[must_use]
    pub const fn create_only(self) -> Self {
        Self { create_only: true, ..self }
    }

    /// Only an update takes it.
    #[must_use]
    pub const fn update_only(self) -> Self {
        Self { update_only: true, ..self }
    }

    /// Longest text.
    #[must_use]
    pub const fn max_length(self, length: usize) -> Self {
        Self { max_length: Some(length), ..self }
    }

    /// Smallest number.
    #[must_use]
    pub const fn minimum(self, minimum: f64) -> Self {
        Self { minimum: Some(minimum), ..self }
    }

    /// Largest number.
    #[must_use]
    pub const fn maximum(self, maximum: f64) -> Self {
        Self { maximum: Some(maximum), ..self }
    }

    /// It is an object, or an array of objects, with rules of its own.
    #[must_use]
    pub const fn nested(self, rules: fn() -> &'static [Rule]) -> Self {
        Self { nested: Some(rules), ..self }
    }

    /// Wire name of the property.
    #[must_use]
    pub fn property(&self) -> &'static str {
        self.property
    }

    /// Whether a change of a record that exists may not touch the property.
    #[must_use]
    pub fn is_create_only(&self) -> bool {
        self.create_only
    }
}

/// A rule that a record breaks.
#[derive(Debug, Clone, PartialEq)]
pub struct Violation {
    path: String,
    problem: Problem,
}

#[derive(Debug, Clone, PartialEq)]
enum Problem {
    Missing,
    CreateOnly,
    UpdateOnly,
    TooLong { length: usize, limit: usize },
    TooSmall { limit: f64 },
    TooLarge { limit: f64 },
    Unwritable { message: String },
}

impl Violation {
    pub(crate) fn unwritable(error: &serde_json::Error) -> Self {
        Self { path: "the record".to_owned(), problem: Problem::Unwritable { message: error.to_string() } }
    }

    /// Where: `name`, `contact/name`, `taxes/0/amount`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Whether a required property is absent.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        self.problem == Problem::Missing
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = &self.path;
        match &self.problem {
            Problem::Missing => write!(f, "{path} is required"),
            Problem::CreateOnly => write!(f, "{path} can only be set in a create"),
            Problem::UpdateOnly => write!(f, "{path} can only be set in an update"),
            Problem::TooLong { length, limit } => {
                write!(f, "{path} has {length} characters, and at most {limit} are stored")
            }
            Problem::TooSmall { limit } => write!(f, "{path} is less than {limit}"),
            Problem::TooLarge { limit } => write!(f, "{path} is more than {limit}"),
            Problem::Unwritable { message } => write!(f, "{path} can't be written as JSON: {message}"),
        }
    }
}

impl std::error::Error for Violation {}

/// All rules that a record breaks, in the order of its properties.
#[derive(Debug, Clone, PartialEq)]
pub struct Violations {
    record: &'static str,
    found: Vec<Violation>,
}

impl Violations {
    pub(crate) fn new(record: &'static str, found: Vec<Violation>) -> Self {
        Self { record, found }
    }
}

impl Deref for Violations {
    type Target = [Violation];

    fn deref(&self) -> &[Violation] {
        &self.found
    }
}

impl IntoIterator for Violations {
    type Item = Violation;
    type IntoIter = std::vec::IntoIter<Violation>;

    fn into_iter(self) -> Self::IntoIter {
        self.found.into_iter()
    }
}

impl fmt::Display for Violations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a {} like this would be refused", self.record)?;
        for (index, violation) in self.found.iter().enumerate() {
            write!(f, "{}{violation}", if index == 0 { ": " } else { "; " })?;
        }
        Ok(())
    }
}

impl std::error::Error for Violations {}

/// Everything in a record that breaks a rule.
pub(crate) fn violations(rules: &[Rule], record: &Value, write: Write) -> Vec<Violation> {
    let mut found = Vec::new();
    walk(rules, record, "", write, &mut found);
    found
}

fn walk(rules: &[Rule], record: &Value, prefix: &str, write: Write, found: &mut Vec<Violation>) {
    for rule in rules {
        let path = format!("{prefix}{}", rule.property);
        match record.get(rule.property).filter(|value| !value.is_null()) {
            None if rule.required || (rule.required_on_update && write == Write::Update) => {
                found.push(Violation { path, problem: Problem::Missing });
            }
            None => {}
            Some(value) => check(rule, value, path, write, found),
        }
    }
}

fn check(rule: &Rule, value: &Value, path: String, write: Write, found: &mut Vec<Violation>) {
    let mut add = |problem| found.push(Violation { path: path.clone(), problem });
    if rule.create_only && write == Write::Update {
        add(Problem::CreateOnly);
    }
    if rule.update_only && write == Write::Create {
        add(Problem::UpdateOnly);
    }
    if let (Some(limit), Some(text)) = (rule.max_length, value.as_str()) {
        // The server counts as its framework does: UTF-16 units.
        let length = text.encode_utf16().count();
        if length > limit {
            add(Problem::TooLong { length, limit });
        }
    }
    if let Some(number) = value.as_f64() {
        if let Some(limit) = rule.minimum.filter(|limit| number < *limit) {
            add(Problem::TooSmall { limit });
        }
        if let Some(limit) = rule.maximum.filter(|limit| number > *limit) {
            add(Problem::TooLarge { limit });
        }
    }
    let Some(nested) = rule.nested else { return };
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                walk(nested(), item, &format!("{path}/{index}/"), write, found);
            }
        }
        value => walk(nested(), value, &format!("{path}/"), write, found),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Rule, Write, violations};

    fn nested() -> &'static [Rule] {
        const RULES: &[Rule] = &[Rule::new("name").required().max_length(3)];
        RULES
    }

    #[test]
    fn each_rule_is_told_with_its_place() {
        let rules = [
            Rule::new("name").required().max_length(5),
            Rule::new("status").required_on_update(),
            Rule::new("first").create_only(),
            Rule::new("rate").update_only(),
            Rule::new("sort").minimum(1.0).maximum(500.0),
            Rule::new("site").nested(nested),
            Rule::new("types").nested(nested),
        ];
        let told = |record: serde_json::Value, write| {
            violations(&rules, &record, write).iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(told(json!({}), Write::Create), ["name is required"]);
        assert_eq!(told(json!({"name": null}), Write::Update), ["name is required", "status is required"]);
        assert_eq!(told(json!({"name": "12345", "rate": null, "sort": 1}), Write::Create), Vec::<String>::new());
        let record = json!({
            "name": "abcde\u{1F600}", "status": 1, "first": true, "rate": 2.5, "sort": 501,
            "site": {"name": "long"}, "types": [{"name": "ok"}, {}]
        });
        assert_eq!(
            told(record.clone(), Write::Create),
            [
                "name has 7 characters, and at most 5 are stored",
                "rate can only be set in an update",
                "sort is more than 500",
                "site/name has 4 characters, and at most 3 are stored",
                "types/1/name is required",
            ]
        );
        assert_eq!(told(record, Write::Update)[1], "first can only be set in a create");
        assert_eq!(told(json!({"name": "a", "sort": 0.5}), Write::Create), ["sort is less than 1"]);
    }
}
