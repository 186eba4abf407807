//! What conditions on the items of a row say is what a server with a parser of its own understands: a row is in if one
//! item of it meets the whole condition. Compared over HTTP with all the rows.

#![allow(clippy::unwrap_used, reason = "clippy takes what tests share for library code")]

use std::{cmp::Ordering, sync::LazyLock};

use connectwise_sdk::{
    Client, Condition, Config, ConfigParts, ListRequest, Page,
    conditions::{Field, Value as Literal, custom_field, field, number, text},
};
use connectwise_sim::Simulator;
use futures::TryStreamExt as _;
use proptest::prelude::*;
use serde_json::Value;
use tokio::runtime::Runtime;

const PATH: &str = "/company/configurations";

#[derive(Debug, Clone, Copy)]
enum Operator {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

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
    /// `None` where the query language has no words for it.
    fn condition(&self, field: &Field) -> Option<Condition> {
        let compare = |operator, value: Literal| match operator {
            Operator::Eq => field.eq(value),
            Operator::Ne => field.ne(value),
            Operator::Lt => field.lt(value),
            Operator::Le => field.le(value),
            Operator::Gt => field.gt(value),
            Operator::Ge => field.ge(value),
        };
        Some(match self {
            Self::Number(operator, wanted) => compare(*operator, number(*wanted).unwrap()),
            Self::Flag(true, wanted) => field.eq(*wanted),
            Self::Flag(false, wanted) => field.ne(*wanted),
            Self::Text(true, wanted) => field.eq(text(wanted).ok()?),
            Self::Text(false, wanted) => field.ne(text(wanted).ok()?),
            Self::Contains(wanted) => field.contains(wanted).ok()?,
            Self::Null(true) => field.is_null(),
            Self::Null(false) => field.is_not_null(),
        })
    }

    fn holds(&self, found: Option<&Value>) -> bool {
        match self {
            Self::Number(operator, wanted) => found
                .and_then(Value::as_f64)
                .and_then(|found| found.partial_cmp(wanted))
                .is_some_and(|order| match operator {
                    Operator::Eq => order == Ordering::Equal,
                    Operator::Ne => order != Ordering::Equal,
                    Operator::Lt => order == Ordering::Less,
                    Operator::Le => order != Ordering::Greater,
                    Operator::Gt => order == Ordering::Greater,
                    Operator::Ge => order != Ordering::Less,
                }),
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

/// Neither case nor blanks at the end of a text count.
fn folded(text: &str) -> String {
    text.trim_end_matches(' ').to_lowercase()
}

impl Test {
    fn condition(&self) -> Option<Condition> {
        Some(match self {
            Self::Custom(caption, wanted) => {
                wanted.condition(&Field::new("value"))?;
                custom_field(caption).ok()?.value(|value| wanted.condition(value).unwrap())
            }
            Self::Property(name, wanted) => wanted.condition(&field(format!("customFields/{name}")))?,
            Self::And(one, other) => one.condition()? & other.condition()?,
            Self::Or(one, other) => one.condition()? | other.condition()?,
        })
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

fn id(row: &Value) -> i64 {
    row["id"].as_i64().unwrap()
}

/// A simulated tenant, a client of it, and all its configurations.
struct Tenant {
    runtime: Runtime,
    _simulator: Simulator,
    client: Client,
    rows: Vec<Value>,
}

static TENANT: LazyLock<Tenant> = LazyLock::new(|| {
    let runtime = Runtime::new().unwrap();
    let (simulator, client, rows) = runtime.block_on(async {
        let simulator = Simulator::builder().seed(1).scale(300).start().await.unwrap();
        let parts = ConfigParts {
            base_url: Some(simulator.base_url()),
            username: Some(simulator.username().to_owned()),
            password: Some(simulator.password().into()),
            client_id: Some("11111111-2222-3333-4444-555555555555".to_owned()),
            ..ConfigParts::default()
        };
        let client = Client::new(Config::from_parts(parts).unwrap()).unwrap();
        let truth = format!("{}/_sim/truth?path={PATH}", simulator.url());
        let rows = reqwest::get(truth).await.unwrap().bytes().await.unwrap();
        (simulator, client, serde_json::from_slice::<Vec<Value>>(&rows).unwrap())
    });
    assert!(rows.iter().filter(|row| items(row).count() > 1).count() > 20, "hardly any row has custom fields");
    Tenant { runtime, _simulator: simulator, client, rows }
});

impl Tenant {
    fn ids(&self, narrow: impl FnOnce(ListRequest) -> ListRequest) -> Vec<i64> {
        let listing = narrow(self.client.list(PATH).fields("id").page_size(100));
        let pages: Vec<Page> = self.runtime.block_on(listing.pages().try_collect()).unwrap();
        let records = pages.iter().flat_map(|page| page.records().unwrap());
        records.map(|record| id(&serde_json::from_str(record.get()).unwrap())).collect()
    }

    fn wanted(&self, test: &Test) -> Vec<i64> {
        self.rows.iter().filter(|row| test.holds(row)).map(id).collect()
    }
}

fn operator() -> impl Strategy<Value = Operator> {
    use Operator::{Eq, Ge, Gt, Le, Lt, Ne};
    prop::sample::select(vec![Eq, Ne, Lt, Le, Gt, Ge])
}

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
        prop_assert_eq!(found, TENANT.wanted(&test), "{}", shown);
    }

    #[test]
    fn a_child_condition_means_what_it_says(test in property_test()) {
        let Some(condition) = test.condition() else { return Ok(()) };
        let shown = condition.to_string();
        let found = TENANT.ids(|listing| listing.child_conditions(condition));
        prop_assert_eq!(found, TENANT.wanted(&test), "{}", shown);
    }
}

/// The generators are worth something only if their conditions tell rows apart.
#[test]
fn conditions_that_are_tried_select_some_rows() {
    use proptest::{strategy::ValueTree as _, test_runner::TestRunner};
    fn share(tests: impl Strategy<Value = Test>) -> usize {
        let mut runner = TestRunner::deterministic();
        let tests = (0..300).map(|_| tests.new_tree(&mut runner).unwrap().current());
        tests.filter(|test| (1..TENANT.rows.len()).contains(&TENANT.wanted(test).len())).count()
    }
    let (custom, property) = (share(custom_test()), share(property_test()));
    assert!(custom > 80 && property > 30, "{custom} and {property} of 300");
}
