//! Evaluates a condition on the values that a probe has picked.

use std::cmp::Ordering;

use super::lex::Compare;
use super::like::Pattern;
use super::names::Column;
use super::parse::Literal;
use super::probe::{Probe, Value, as_text};
use crate::calendar;

/// A condition with its names looked up.
#[derive(Debug)]
pub(crate) struct Condition {
    columns: Vec<Column>,
    test: Test,
}

/// What a row has to pass. A value that the row lacks passes nothing but `= null`.
#[derive(Debug)]
pub(crate) enum Test {
    All(Vec<Test>),
    Any(Vec<Test>),
    Compare { column: usize, operator: Compare, value: Literal },
    In { column: usize, negated: bool, values: Vec<Literal> },
    Like { column: usize, negated: bool, pattern: Pattern },
}

impl Condition {
    pub(crate) fn new(columns: Vec<Column>, test: Test) -> Self {
        Self { columns, test }
    }

    /// A probe for the columns of this condition.
    pub(crate) fn probe(&self) -> Probe {
        Probe::new(self.columns.clone())
    }

    /// Whether the row that the probe has visited passes.
    pub(crate) fn holds(&self, probe: &Probe) -> bool {
        holds(&self.test, probe)
    }
}

fn holds(test: &Test, probe: &Probe) -> bool {
    match test {
        Test::All(tests) => tests.iter().all(|test| holds(test, probe)),
        Test::Any(tests) => tests.iter().any(|test| holds(test, probe)),
        Test::Compare { column, operator, value: Literal::Null } => {
            probe.value(*column).is_none() == (*operator == Compare::Equal)
        }
        Test::Compare { column, operator, value } => {
            probe.value(*column).and_then(|found| compare(found, value)).is_some_and(|order| match operator {
                Compare::Equal => order.is_eq(),
                Compare::NotEqual => order.is_ne(),
                Compare::Less => order.is_lt(),
                Compare::LessOrEqual => order.is_le(),
                Compare::Greater => order.is_gt(),
                Compare::GreaterOrEqual => order.is_ge(),
            })
        }
        Test::In { column, negated, values } => probe.value(*column).is_some_and(|found| {
            values.iter().any(|value| compare(found, value).is_some_and(Ordering::is_eq)) != *negated
        }),
        Test::Like { column, negated, pattern } => {
            probe.value(*column).and_then(as_text).is_some_and(|text| pattern.matches(&text) != *negated)
        }
    }
}

/// `None` where the two can't be compared: that passes no test.
fn compare(found: &Value, value: &Literal) -> Option<Ordering> {
    match (found, value) {
        (Value::Number(found), Literal::Number(value)) => found.partial_cmp(value),
        (Value::Flag(found), Literal::Flag(value)) => Some(found.cmp(value)),
        (Value::Time(found), Literal::Time(value)) => Some(found.cmp(value)),
        (Value::Text(found), Literal::Time(value)) => Some(calendar::parse(found)?.cmp(value)),
        (found, Literal::Text(value)) => Some(folded(&as_text(found)?).cmp(value)),
        _ => None,
    }
}

/// A text as the server's database compares it: case and trailing blanks don't matter.
pub(crate) fn folded(text: &str) -> String {
    text.trim_end_matches(' ').to_lowercase()
}
