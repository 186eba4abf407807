//! What conditions say is what a server with a parser of its own understands: compared over HTTP with all the rows.

#![allow(clippy::unwrap_used, reason = "clippy takes what tests share for library code")]

mod simulated;
mod tenant;

use std::{collections::HashSet, sync::LazyLock};

use chrono::{DateTime, TimeDelta, Utc};
use connectwise_sdk::{Condition, Page, PagingMode, conditions::Field};
use futures::{StreamExt as _, TryStreamExt as _};
use proptest::prelude::*;
use serde_json::Value;
use tenant::{Operator, Tenant, folded, operator};

/// What a row has to be like, apart from how the query language says it.
#[derive(Debug, Clone)]
enum Test {
    Number(Field, Operator, f64),
    Time(Field, Operator, DateTime<Utc>),
    Flag(Field, bool, bool),
    Text(Field, bool, String),
    Like(Field, Place, String),
    Null(Field, bool),
    In(Field, bool, Vec<i64>),
    Names(Field, bool, Vec<String>),
    And(Box<Test>, Box<Test>),
    Or(Box<Test>, Box<Test>),
}

#[derive(Debug, Clone, Copy)]
enum Place {
    Start,
    End,
    Anywhere,
}

impl Test {
    /// `None` where the query language can't express it.
    fn condition(&self) -> Option<Condition> {
        Some(self.unchecked()).filter(|condition| condition.check().is_ok())
    }

    fn unchecked(&self) -> Condition {
        match self {
            Self::Number(field, operator, value) => operator.condition(field, (*value).into()),
            Self::Time(field, operator, value) => operator.condition(field, (*value).into()),
            Self::Flag(field, true, value) => field.eq(*value),
            Self::Flag(field, false, value) => field.ne(*value),
            Self::Text(field, true, value) => field.eq(value),
            Self::Text(field, false, value) => field.ne(value),
            Self::Like(field, Place::Start, value) => field.starts_with(value),
            Self::Like(field, Place::End, value) => field.ends_with(value),
            Self::Like(field, Place::Anywhere, value) => field.contains(value),
            Self::Null(field, true) => field.is_null(),
            Self::Null(field, false) => field.is_not_null(),
            Self::In(field, true, values) => field.in_(values.iter().copied()),
            Self::In(field, false, values) => field.not_in(values.iter().copied()),
            Self::Names(field, wanted, values) => {
                if *wanted {
                    field.in_(values)
                } else {
                    field.not_in(values)
                }
            }
            Self::And(one, other) => one.unchecked() & other.unchecked(),
            Self::Or(one, other) => one.unchecked() | other.unchecked(),
        }
    }

    /// The meaning: what a row lacks meets nothing but `= null`; neither case nor blanks at the end of a text count.
    fn holds(&self, row: &Value) -> bool {
        let value = |field: &Field| row.pointer(&format!("/{}", field.path())).filter(|value| !value.is_null());
        let found = |field: &Field| value(field).and_then(Value::as_str);
        match self {
            Self::Number(field, operator, wanted) => value(field)
                .and_then(Value::as_f64)
                .and_then(|found| found.partial_cmp(wanted))
                .is_some_and(|order| operator.allows(order)),
            Self::Time(field, operator, wanted) => found(field)
                .and_then(|found| found.parse::<DateTime<Utc>>().ok())
                .is_some_and(|found| operator.allows(found.cmp(wanted))),
            Self::Flag(field, same, wanted) => {
                value(field).and_then(Value::as_bool).is_some_and(|found| (found == *wanted) == *same)
            }
            Self::Text(field, same, wanted) => {
                found(field).is_some_and(|found| (folded(found) == folded(wanted)) == *same)
            }
            Self::Like(field, place, wanted) => found(field).is_some_and(|found| {
                let (found, wanted) = (found.to_lowercase(), wanted.to_lowercase());
                match place {
                    Place::Start => found.starts_with(&wanted),
                    Place::End => found.ends_with(&wanted),
                    Place::Anywhere => found.contains(&wanted),
                }
            }),
            Self::Null(field, null) => value(field).is_none() == *null,
            Self::In(field, within, wanted) => {
                value(field).and_then(Value::as_i64).is_some_and(|found| wanted.contains(&found) == *within)
            }
            Self::Names(field, within, wanted) => {
                found(field).is_some_and(|found| wanted.iter().any(|wanted| folded(wanted) == folded(found)) == *within)
            }
            Self::And(one, other) => one.holds(row) && other.holds(row),
            Self::Or(one, other) => one.holds(row) || other.holds(row),
        }
    }
}

/// All its time entries.
static TENANT: LazyLock<Tenant> = LazyLock::new(|| {
    let tenant = Tenant::new("/time/entries");
    assert_eq!(tenant.rows.len(), 300);
    tenant
});

static NUMBERS: [Field; 4] =
    [Field::new("id"), Field::new("company/id"), Field::new("actualHours"), Field::new("agreement/id")];
static TIMES: [Field; 3] = [Field::new("timeStart"), Field::new("dateEntered"), Field::new("_info/lastUpdated")];
static FLAGS: [Field; 2] = [Field::new("invoiceFlag"), Field::new("addToResolutionFlag")];
static TEXTS: [Field; 5] = [
    Field::new("notes"),
    Field::new("company/name"),
    Field::new("billableOption"),
    Field::new("member/identifier"),
    Field::new("internalNotes"),
];

fn one_of(fields: &'static [Field]) -> impl Strategy<Value = Field> {
    prop::sample::select(fields)
}

/// A field, and a value that some row has there; rows that lack it give the one that is made up.
fn with_value<T: Clone + std::fmt::Debug + 'static>(
    fields: &'static [Field],
    read: fn(&Value) -> Option<T>,
    made_up: impl Strategy<Value = T>,
) -> impl Strategy<Value = (Field, T)> {
    (one_of(fields), 0..300_usize, any::<bool>(), made_up).prop_map(move |(field, row, real, made_up)| {
        let found = TENANT.rows[row].pointer(&format!("/{}", field.path())).and_then(read);
        let value = if real { found.unwrap_or(made_up) } else { made_up };
        (field, value)
    })
}

/// Some text, and what queries stumble over.
fn some_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z ]{0,6}",
        prop::collection::vec(
            prop::sample::select(vec![
                "'", "\"", "[", "]", "(", ")", "*", "%", "&", "+", "#", "=", "\\", ",", "_", " ", "é", "ß", "İ", "or",
                "and", "null", "1"
            ]),
            0..5
        )
        .prop_map(|pieces| pieces.concat()),
    ]
}

/// A piece of a text that some row has, or some text.
fn piece() -> impl Strategy<Value = (Field, String)> {
    (with_value(&TEXTS, |value| value.as_str().map(str::to_owned), some_text()), 0..20_usize, 1..8_usize).prop_map(
        |((field, text), from, length)| {
            let cut: String = text.chars().skip(from).take(length).collect();
            (field, if cut.is_empty() { text } else { cut })
        },
    )
}

fn test() -> impl Strategy<Value = Test> {
    let time = with_value(
        &TIMES,
        |value| value.as_str()?.parse().ok(),
        (0..4_000_i64).prop_map(|days| DateTime::UNIX_EPOCH + TimeDelta::days(15_000 + days)),
    );
    let place = prop::sample::select(vec![Place::Start, Place::End, Place::Anywhere]);
    let names =
        prop::collection::vec(with_value(&TEXTS[2..3], |value| value.as_str().map(str::to_owned), some_text()), 1..4);
    let nullable = prop::sample::select([&NUMBERS[..], &TIMES, &FLAGS, &TEXTS].concat());
    let leaf = prop_oneof![
        (
            with_value(&NUMBERS, Value::as_f64, (-50_000..50_000).prop_map(|tenths| f64::from(tenths) / 10.0)),
            operator()
        )
            .prop_map(|((field, value), operator)| Test::Number(field, operator, value)),
        (time, operator()).prop_map(|((field, value), operator)| Test::Time(field, operator, value)),
        (one_of(&FLAGS), any::<bool>(), any::<bool>()).prop_map(|(field, same, value)| Test::Flag(field, same, value)),
        (with_value(&TEXTS, |value| value.as_str().map(str::to_owned), some_text()), any::<bool>())
            .prop_map(|((field, value), same)| Test::Text(field, same, value)),
        (piece(), place).prop_map(|((field, value), place)| Test::Like(field, place, value)),
        (nullable, any::<bool>()).prop_map(|(field, null)| Test::Null(field, null)),
        (one_of(&NUMBERS[..2]), any::<bool>(), prop::collection::vec(0..400_i64, 1..30))
            .prop_map(|(field, within, values)| Test::In(field, within, values)),
        (names, any::<bool>()).prop_map(|(names, within)| {
            Test::Names(TEXTS[2].clone(), within, names.into_iter().map(|(_, name)| name).collect())
        }),
    ];
    leaf.prop_recursive(4, 10, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(one, other)| Test::And(one.into(), other.into())),
            (inner.clone(), inner).prop_map(|(one, other)| Test::Or(one.into(), other.into())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_condition_means_what_it_says(test in test(), keyset in any::<bool>()) {
        let Some(condition) = test.condition() else { return Ok(()) };
        let mode = if keyset { PagingMode::Keyset } else { PagingMode::ForwardOnly };
        let shown = condition.to_string();
        let (mut found, wanted) = (TENANT.ids(|listing| listing.conditions(condition).mode(mode)), TENANT.wanted(|row| test.holds(row)));
        // Pieces of a long list follow each other.
        found.sort_unstable();
        prop_assert_eq!(found, wanted, "{}", shown);
    }

    #[test]
    fn a_list_in_pieces_means_what_it_says(values in prop::collection::hash_set(0..2_000_i64, 500..700), flag in any::<bool>()) {
        let list = Test::In(Field::new("id"), true, values.into_iter().collect());
        let test = Test::And(Test::Flag(FLAGS[0].clone(), true, flag).into(), list.into());
        let condition = test.condition().unwrap();
        prop_assert!(condition.to_string().len() > 2_000);
        let found = TENANT.ids(|listing| listing.conditions(condition).mode(PagingMode::ForwardOnly));
        let once: HashSet<i64> = found.iter().copied().collect();
        prop_assert_eq!(once.len(), found.len(), "a row came twice");
        prop_assert_eq!(once, TENANT.wanted(|row| test.holds(row)).into_iter().collect());
    }
}

/// The generator is worth something only if its conditions tell rows apart.
#[test]
fn conditions_that_are_tried_select_some_rows() {
    use proptest::{strategy::ValueTree as _, test_runner::TestRunner};
    let mut runner = TestRunner::deterministic();
    let tests: Vec<Test> = (0..400).map(|_| test().new_tree(&mut runner).unwrap().current()).collect();
    let some = tests.iter().filter(|test| (1..300).contains(&TENANT.wanted(|row| test.holds(row)).len())).count();
    assert!(some > 150, "{some} of 400");
    let spoken = tests.iter().filter(|test| test.condition().is_some()).count();
    assert!(spoken > 300, "{spoken} of 400");
}

#[test]
fn a_stream_of_pages_can_be_left_half_way() {
    let listing = TENANT.client.list("/time/entries").page_size(100);
    let ids = TENANT.runtime.block_on(async {
        let first: Vec<_> = listing.clone().pages().take(1).collect().await;
        let saved = first[0].as_ref().unwrap().continuation().unwrap().clone();
        let rest: Vec<Page> = listing.resume(saved).pages().try_collect().await.unwrap();
        let first = first.into_iter().map(Result::unwrap);
        let pages: Vec<Page> = first.chain(rest).collect();
        pages.iter().map(|page| page.records().unwrap().len()).sum::<usize>()
    });
    assert_eq!(ids, 300);
}
