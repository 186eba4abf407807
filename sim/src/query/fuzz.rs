//! Made-up conditions against a naive evaluator. A share runs with every test; all of them on demand:
//! `cargo test --release -p connectwise-sim --lib -- --ignored fuzz`

use serde_json::{Value as Json, json};

use super::{Names, condition};
use crate::calendar;
use crate::data::rng::Draw;
use crate::document::Document;
use crate::tree;

/// Rows that have what a time entry may have or lack.
fn rows() -> Vec<Json> {
    vec![
        json!({ "id": 1, "notes": "Lokið ", "hourlyRate": 14_900.0, "invoiceFlag": true, "timeStart": "2025-01-02T08:00:00Z",
            "company": { "id": 250, "name": "Ísfell" } }),
        json!({ "id": 2, "notes": "", "hourlyRate": 0.0, "invoiceFlag": false, "timeStart": "2025-03-01T00:00:00Z",
            "company": { "id": 251, "name": "a'b" } }),
        json!({ "id": 3, "hourlyRate": -5.5, "invoiceFlag": false, "company": { "id": 252 } }),
        json!({ "id": 4, "notes": "LOKIÐ", "timeStart": "2024-12-31T23:59:59Z" }),
        json!({ "id": 5, "notes": "a b c", "invoiceFlag": true }),
    ]
}

/// What a condition was made of, to be evaluated without its text.
enum Naive {
    Not,
    And(Box<Naive>, Box<Naive>),
    Or(Box<Naive>, Box<Naive>),
    Test(&'static str, &'static str, Json),
    In(&'static str, bool, Vec<Json>),
    Like(&'static str, bool, String),
}

struct Maker {
    draw: Draw,
    at: u64,
}

impl Maker {
    fn below(&mut self, n: u64) -> usize {
        self.at += 1;
        self.draw.below(self.at, n) as usize
    }

    fn number(&mut self) -> (String, Json) {
        let (text, value) =
            [("1", 1.0), ("3", 3.0), ("250", 250.0), ("-5.5", -5.5), ("0", 0.0), ("14900.0", 14_900.0)][self.below(6)];
        (text.to_owned(), json!(value))
    }

    fn text(&mut self) -> (String, Json) {
        let value = ["lokið", "", "Ísfell", "a b c", "x"][self.below(5)];
        let quote = ["\"", "'"][self.below(2)];
        (format!("{quote}{value}{quote}"), json!(value))
    }

    fn value(&mut self, path: &str) -> (String, Json) {
        if self.below(8) == 0 {
            return (["null", "NULL"][self.below(2)].to_owned(), Json::Null);
        }
        match path {
            "notes" | "company/name" => self.text(),
            "invoiceFlag" => {
                let flag = self.below(2) == 0;
                ((if flag { "True" } else { "false" }).to_owned(), json!(flag))
            }
            "timeStart" => {
                let text = ["2025-01-02T08:00:00Z", "2025-03-01", "2024-12-31T23:59:59Z"][self.below(3)];
                (format!("[{text}]"), json!(calendar::parse(text)))
            }
            _ => self.number(),
        }
    }

    /// A condition that is one, and its meaning.
    fn right(&mut self, depth: u32) -> (String, Naive) {
        if depth > 0 && self.below(2) == 0 {
            let ((left, a), (right, b)) = (self.right(depth - 1), self.right(depth - 1));
            return match self.below(2) {
                0 => (format!("({left}) {} ({right})", ["and", "AND"][self.below(2)]), Naive::And(a.into(), b.into())),
                _ => {
                    (format!("(({left}) or {right})", right = format_args!("({right})")), Naive::Or(a.into(), b.into()))
                }
            };
        }
        let path =
            ["id", "notes", "hourlyRate", "invoiceFlag", "timeStart", "company/id", "company/name"][self.below(7)];
        let texts = matches!(path, "notes" | "company/name");
        match self.below(4) {
            0 => {
                let negated = self.below(2) == 0;
                let values: Vec<(String, Json)> = (0..1 + self.below(3)).map(|_| self.value(path)).collect();
                let list: Vec<&str> = values.iter().map(|(text, _)| text.as_str()).collect();
                let word = if negated { "not in" } else { "in" };
                (
                    format!("{path} {word} ({})", list.join(",")),
                    Naive::In(path, negated, values.into_iter().map(|(_, value)| value).collect()),
                )
            }
            1 if texts => {
                let negated = self.below(2) == 0;
                let pattern = ["lok*", "%I*", "*", "a*c", "Ís%", ""][self.below(6)];
                let word = if negated { "not like" } else { "LIKE" };
                (format!("{path} {word} \"{pattern}\""), Naive::Like(path, negated, pattern.to_owned()))
            }
            _ => {
                let (text, value) = self.value(path);
                let operators: &[&str] =
                    if value.is_null() { &["=", "!="] } else { &["=", "!=", "<", "<=", ">", ">="] };
                let operator = operators[self.below(operators.len() as u64)];
                (format!("{path}{operator} {text}"), Naive::Test(path, operator, value))
            }
        }
    }

    /// Pieces that seldom fit together, or a right condition with a character changed.
    fn wild(&mut self) -> String {
        const PIECES: [&str; 26] = [
            "id",
            "notes",
            "nothing",
            "company/id",
            "/",
            "=",
            "!=",
            "<",
            ">=",
            "(",
            ")",
            "and",
            "or",
            "not",
            "in",
            "like",
            "1",
            "'a'",
            "\"",
            "[2025-01-01]",
            "[",
            "null",
            ",",
            "\u{200b}",
            "é",
            " ",
        ];
        if self.below(2) == 0 {
            return (0..self.below(16))
                .map(|_| PIECES[self.below(26)])
                .collect::<Vec<_>>()
                .join([" ", ""][self.below(2)]);
        }
        let (text, _) = self.right(2);
        let mut chars: Vec<char> = text.chars().collect();
        if !chars.is_empty() {
            let at = self.below(chars.len() as u64);
            match self.below(3) {
                0 => drop(chars.remove(at)),
                1 => chars.insert(at, ['(', '\'', '=', '\0', 'þ'][self.below(5)]),
                _ => chars.truncate(at),
            }
        }
        chars.into_iter().collect()
    }
}

fn find<'a>(row: &'a Json, path: &str) -> Option<&'a Json> {
    path.split('/').try_fold(row, |row, step| row.get(step)).filter(|value| !value.is_null())
}

fn order(path: &str, found: &Json, value: &Json) -> Option<std::cmp::Ordering> {
    match (found, value) {
        (Json::Number(a), Json::Number(b)) => a.as_f64()?.partial_cmp(&b.as_f64()?),
        (Json::Bool(a), Json::Bool(b)) => Some(a.cmp(b)),
        (Json::String(a), Json::Number(b)) if path == "timeStart" => Some(calendar::parse(a)?.cmp(&b.as_i64()?)),
        (Json::String(a), Json::String(b)) => Some(a.trim_end().to_lowercase().cmp(&b.trim_end().to_lowercase())),
        _ => None,
    }
}

/// Whether a text is like a pattern, by trying every way to cut it.
fn like(pattern: &str, text: &str) -> bool {
    match pattern.chars().next() {
        None => text.is_empty(),
        Some('*' | '%') => {
            (0..=text.len()).filter(|at| text.is_char_boundary(*at)).any(|at| like(&pattern[1..], &text[at..]))
        }
        Some(c) => text.strip_prefix(c).is_some_and(|rest| like(&pattern[c.len_utf8()..], rest)),
    }
}

impl Naive {
    fn holds(&self, row: &Json) -> bool {
        match self {
            Self::Not => false,
            Self::And(a, b) => a.holds(row) && b.holds(row),
            Self::Or(a, b) => a.holds(row) || b.holds(row),
            Self::Test(path, operator, Json::Null) => find(row, path).is_none() == (*operator == "="),
            Self::Test(path, operator, value) => {
                find(row, path).and_then(|found| order(path, found, value)).is_some_and(|order| match *operator {
                    "=" => order.is_eq(),
                    "!=" => order.is_ne(),
                    "<" => order.is_lt(),
                    "<=" => order.is_le(),
                    ">" => order.is_gt(),
                    _ => order.is_ge(),
                })
            }
            Self::In(path, negated, values) => find(row, path).is_some_and(|found| {
                values.iter().any(|value| order(path, found, value).is_some_and(|order| order.is_eq())) != *negated
            }),
            Self::Like(path, negated, pattern) => find(row, path)
                .and_then(Json::as_str)
                .is_some_and(|text| like(&pattern.to_lowercase(), &text.to_lowercase()) != *negated),
        }
    }
}

fn fuzz(seed: u64, count: u64) {
    let document = Document::pinned().unwrap();
    let names = Names::of(
        document,
        document.schema_named("TimeEntry").unwrap(),
        super::Grammar { percent: true, null_references: true, ..super::Grammar::default() },
    );
    let rows = rows();
    let (mut right, mut refused) = (0, 0);
    for at in 0..count {
        let mut maker = Maker { draw: Draw::of(seed, 95, at), at: 0 };
        let (text, meaning) = match maker.below(2) {
            0 => maker.right(3),
            _ => (maker.wild(), Naive::Not),
        };
        match condition(names, &text) {
            Err(refusal) => {
                assert!(matches!(meaning, Naive::Not), "refused: {text}: {}", refusal.message);
                assert_eq!(refusal.code, "ApiFindCondition", "{text}");
                refused += 1;
            }
            Ok(Some(condition)) => {
                let mut probe = condition.probe();
                for row in &rows {
                    probe.begin();
                    tree::visit(row, &mut probe);
                    let holds = condition.holds(&probe);
                    assert!(matches!(meaning, Naive::Not) || holds == meaning.holds(row), "{text}: {row}");
                }
                right += u64::from(!matches!(meaning, Naive::Not));
            }
            Ok(None) => assert!(text.trim().is_empty(), "{text}"),
        }
    }
    assert!(right > count / 3 && refused > count / 5, "{right} right, {refused} refused");
}

#[test]
fn ten_thousand_conditions_are_right_or_refused() {
    fuzz(1, 10_000);
}

#[test]
#[ignore = "takes some seconds; the ten thousand are asked with every run"]
fn a_million_conditions_are_right_or_refused() {
    fuzz(2, 1_000_000);
}
