//! What conditions on the items of a row say is what a server with a parser of its own understands: a row is in if one
//! item of it meets the whole condition. Compared over HTTP with all the rows.

#![allow(clippy::unwrap_used, reason = "clippy takes what tests share for library code")]

mod simulated;
mod tenant;

use std::sync::LazyLock;

use connectwise_sdk::{
    Condition,
    conditions::{Field, custom_field, field},
};
use proptest::prelude::*;
use serde_json::Value;
use tenant::{Operator, Tenant, folded, operator};

/// What a property of an item has to be like.
#[derive(Debug, Clone)]
enum Wanted {
    Number(Operator, f64),
    Flag(bool, bool),
    Text(bool, String),
    Contains(String),
    Null(bool),
}

/// What one item has to be like.
#[derive(Debug, Clone)]
enum Test {
    /// A custom field's caption, and its value.
    Custom(String, Wanted),
    /// Any property of an item.
    Property(&'static str, Wanted),
    And(Box<Test>, Box<Test>),
    Or(Box<Test>, Box<Test>),
}

impl Wanted {
    fn condition(&self, field: &Field) -> Condition {
        match self {
            Self::Number(operator, wanted) => operator.condition(field, (*wanted).into()),
            Self::Flag(true, wanted) => field.eq(*wanted),
            Self::Flag(false, wanted) => field.ne(*wanted),
            Self::Text(true, wanted) => field.eq(wanted),
            Self::Text(false, wanted) => field.ne(wanted),
            Self::Contains(wanted) => field.contains(wanted),
            Self::Null(true) => field.is_null(),
            Self::Null(false) => field.is_not_null(),
        }
    }

    fn holds(&self, found: Option<&Value>) -> bool {
        match self {
            Self::Number(operator, wanted) => found
                .and_then(Value::as_f64)
                .and_then(|found| found.partial_cmp(wanted))
                .is_some_and(|order| operator.allows(order)),
            Self::Flag(same, wanted) => found.and_then(Value::as_bool).is_some_and(|found| (found == *wanted) == *same),
            Self::Text(same, wanted) => {
                found.and_then(Value::as_str).is_some_and(|found| (folded(found) == folded(wanted)) == *same)
            }
            Self::Contains(wanted) => {
                found.and_then(Value::as_str).is_some_and(|found| found.to_lowercase().contains(&wanted.to_lowercase()))
            }
            Self::Null(null) => found.is_none() == *null,
        }
    }
}

impl Test {
    /// `None` where the query language can't express it.
    fn condition(&self) -> Option<Condition> {
        Some(self.unchecked()).filter(|condition| condition.check().is_ok())
    }

    fn unchecked(&self) -> Condition {
        match self {
            Self::Custom(caption, wanted) => custom_field(caption).value(|value| wanted.condition(value)),
            Self::Property(name, wanted) => wanted.condition(&field(format!("customFields/{name}"))),
            Self::And(one, other) => one.unchecked() & other.unchecked(),
            Self::Or(one, other) => one.unchecked() | other.unchecked(),
        }
    }

    fn holds_of(&self, item: &Value) -> bool {
        let value = |name: &str| item.get(name).filter(|value| !value.is_null());
        match self {
            Self::Custom(caption, wanted) => {
                let same =
                    value("caption").and_then(Value::as_str).is_some_and(|found| folded(found) == folded(caption));
                same && wanted.holds(value("value"))
            }
            Self::Property(name, wanted) => wanted.holds(value(name)),
            Self::And(one, other) => one.holds_of(item) && other.holds_of(item),
            Self::Or(one, other) => one.holds_of(item) || other.holds_of(item),
        }
    }

    fn holds(&self, row: &Value) -> bool {
        items(row).any(|item| self.holds_of(item))
    }
}

fn items(row: &Value) -> impl Iterator<Item = &Value> {
    row["customFields"].as_array().into_iter().flatten()
}

/// All its configurations.
static TENANT: LazyLock<Tenant> = LazyLock::new(|| {
    let tenant = Tenant::new("/company/configurations");
    let several = tenant.rows.iter().filter(|row| items(row).count() > 1).count();
    assert!(several > 20, "hardly any row has custom fields");
    tenant
});

/// What queries stumble over.
fn some_text() -> impl Strategy<Value = String> {
    let pieces = vec!["'", "\"", "[", "]", "(", ")", "*", "%", "&", "+", "#", "=", "\\", ",", " ", "é", "or", "a"];
    prop::collection::vec(prop::sample::select(pieces), 1..5).prop_map(|pieces| pieces.concat())
}

/// Something like what some item has there.
fn wanted(found: Option<Value>) -> BoxedStrategy<Wanted> {
    let null = any::<bool>().prop_map(Wanted::Null);
    match found {
        Some(Value::Number(found)) => {
            let found = found.as_f64().unwrap();
            let near = prop_oneof![Just(found), Just(found + 1.0), Just(found - 0.5)];
            prop_oneof![4 => (operator(), near).prop_map(|(operator, value)| Wanted::Number(operator, value)), 1 => null]
                .boxed()
        }
        Some(Value::Bool(_)) => {
            prop_oneof![4 => any::<(bool, bool)>().prop_map(|(same, value)| Wanted::Flag(same, value)), 1 => null]
                .boxed()
        }
        Some(Value::String(found)) => {
            let piece: String = found.chars().skip(1).take(3).collect();
            let piece = if piece.is_empty() { found.clone() } else { piece };
            prop_oneof![
                2 => (any::<bool>(), Just(found)).prop_map(|(same, value)| Wanted::Text(same, value)),
                1 => (any::<bool>(), some_text()).prop_map(|(same, value)| Wanted::Text(same, value)),
                2 => Just(piece).prop_map(Wanted::Contains),
                1 => null
            ]
            .boxed()
        }
        _ => null.boxed(),
    }
}

/// An item that some row has.
fn item() -> impl Strategy<Value = Value> {
    let all: Vec<Value> = TENANT.rows.iter().flat_map(items).cloned().collect();
    prop::sample::select(all)
}

fn combined(leaf: impl Strategy<Value = Test> + 'static) -> impl Strategy<Value = Test> {
    leaf.prop_recursive(3, 8, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(one, other)| Test::And(one.into(), other.into())),
            (inner.clone(), inner).prop_map(|(one, other)| Test::Or(one.into(), other.into())),
        ]
    })
}

fn custom_test() -> impl Strategy<Value = Test> {
    combined(item().prop_flat_map(|item| {
        let caption = item["caption"].as_str().unwrap().to_owned();
        wanted(item.get("value").cloned()).prop_map(move |wanted| Test::Custom(caption.clone(), wanted))
    }))
}

fn property_test() -> impl Strategy<Value = Test> {
    let names = prop::sample::select(vec!["id", "caption", "type", "entryMethod", "numberOfDecimals"]);
    combined((item(), names).prop_flat_map(|(item, name)| {
        wanted(item.get(name).cloned()).prop_map(move |wanted| Test::Property(name, wanted))
    }))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_custom_field_condition_means_what_it_says(test in custom_test()) {
        let Some(condition) = test.condition() else { return Ok(()) };
        let shown = condition.to_string();
        let found = TENANT.ids(|listing| listing.custom_field_conditions(condition));
        prop_assert_eq!(found, TENANT.wanted(|row| test.holds(row)), "{}", shown);
    }

    #[test]
    fn a_child_condition_means_what_it_says(test in property_test()) {
        let Some(condition) = test.condition() else { return Ok(()) };
        let shown = condition.to_string();
        let found = TENANT.ids(|listing| listing.child_conditions(condition));
        prop_assert_eq!(found, TENANT.wanted(|row| test.holds(row)), "{}", shown);
    }
}

/// The generators are worth something only if their conditions tell rows apart.
#[test]
fn conditions_that_are_tried_select_some_rows() {
    use proptest::{strategy::ValueTree as _, test_runner::TestRunner};
    fn share(tests: impl Strategy<Value = Test>) -> usize {
        let mut runner = TestRunner::deterministic();
        let tests = (0..300).map(|_| tests.new_tree(&mut runner).unwrap().current());
        tests.filter(|test| (1..TENANT.rows.len()).contains(&TENANT.wanted(|row| test.holds(row)).len())).count()
    }
    let (custom, property) = (share(custom_test()), share(property_test()));
    assert!(custom > 80 && property > 30, "{custom} and {property} of 300");
}
