//! One case: a script, and what has to come of it.

use crate::answer::Answer;
use crate::program::{Ended, Lakehouse};
use crate::server::{About, Script, Scripts, Server};

/// What is in the table afterwards.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Table {
    /// The files that were there, and no other.
    Unchanged,
    /// The rows of [`news`].
    News,
    /// These rows.
    Rows(&'static str),
    /// Whatever it is.
    Any,
}

/// The rows that were loaded.
pub(crate) const OLD: &str = r#"[{"id":1,"name":"Role 1","hourlyRate":10.5},{"id":2,"name":"Role 2","hourlyRate":20.5},{"id":3,"name":"Role 3","hourlyRate":30.5},{"id":4,"name":"Role 4","hourlyRate":40.5},{"id":5,"name":"Role 5","hourlyRate":50.5},{"id":6,"name":"Role 6","hourlyRate":60.5}]"#;

/// The rows of [`news`] without the new one.
pub(crate) const NOT_THE_SEVENTH: &str = r#"[{"id":1,"name":"Role 1","hourlyRate":10.5},{"id":2,"name":"Changed 2","hourlyRate":20.5},{"id":3,"name":"Role 3","hourlyRate":30.5},{"id":4,"name":"Role 4","hourlyRate":40.5},{"id":5,"name":"Role 5","hourlyRate":50.5},{"id":6,"name":"Role 6","hourlyRate":60.5}]"#;

/// What the lakehouse was loaded from.
pub(crate) fn records() -> Vec<String> {
    (1..=6).map(|id| record(id, "Role")).collect()
}

/// What the server has now: a row changed, and one came.
pub(crate) fn news() -> Vec<String> {
    let mut records = records();
    records[1] = record(2, "Changed");
    records.push(record(7, "Role"));
    records
}

pub(crate) fn record(id: u32, name: &str) -> String {
    format!("{{\"id\":{id},\"name\":\"{name} {id}\",\"hourlyRate\":{id}0.5,\"inactiveFlag\":false}}")
}

/// A page of all news.
pub(crate) fn page() -> String {
    format!("[{}]", news().join(","))
}

pub(crate) struct Case {
    pub(crate) name: &'static str,
    scripts: Scripts,
    settings: Vec<(&'static str, &'static str)>,
    code: i32,
    says: Vec<&'static str>,
    never: Vec<&'static str>,
    table: Table,
    quarantined: Option<&'static str>,
    most_requests: usize,
}

/// A case in which the table takes the news, and nothing is said.
pub(crate) fn case(name: &'static str) -> Case {
    Case {
        name,
        scripts: Scripts::new(),
        settings: Vec::new(),
        code: 0,
        says: Vec::new(),
        // Of the credentials, whatever the server echoes.
        never: vec!["geheim", "11111111-2222", "YWNtZStwdWJsaWM6", "panicked", "RUST_BACKTRACE"],
        table: Table::News,
        quarantined: None,
        most_requests: 60,
    }
}

impl Case {
    /// Pages in their turn, and then the right ones.
    pub(crate) fn list(self, answers: impl IntoIterator<Item = Answer>) -> Self {
        self.on(About::List, answers)
    }

    pub(crate) fn on(mut self, about: About, answers: impl IntoIterator<Item = Answer>) -> Self {
        self.scripts.insert(about, Script { turns: answers.into_iter().collect(), then: None });
        self
    }

    /// The same answer to all requests of a kind.
    pub(crate) fn always(mut self, about: About, answer: Answer) -> Self {
        self.scripts.insert(about, Script { turns: Vec::new(), then: Some(answer) });
        self
    }

    /// The same answer to all that needs credentials.
    pub(crate) fn everything(self, answer: Answer) -> Self {
        [About::Count, About::List, About::One].into_iter().fold(self, |case, about| case.always(about, answer.clone()))
    }

    pub(crate) fn set(mut self, name: &'static str, value: &'static str) -> Self {
        self.settings.push((name, value));
        self
    }

    /// A run that fails: nothing is written, and this is said.
    pub(crate) fn fails(mut self, sentence: &'static str) -> Self {
        (self.code, self.table) = (3, Table::Unchanged);
        self.says.push(sentence);
        self
    }

    /// A run that leaves something out.
    pub(crate) fn incomplete(mut self, sentence: &'static str) -> Self {
        self.code = 1;
        self.says.push(sentence);
        self
    }

    /// Said beside what is written.
    pub(crate) fn notes(mut self, sentence: &'static str) -> Self {
        self.says.push(sentence);
        self
    }

    pub(crate) fn never_says(mut self, text: &'static str) -> Self {
        self.never.push(text);
        self
    }

    pub(crate) fn rows(mut self, rows: &'static str) -> Self {
        self.table = Table::Rows(rows);
        self
    }

    pub(crate) fn any_rows(mut self) -> Self {
        self.table = Table::Any;
        self
    }

    pub(crate) fn quarantines(mut self, text: &'static str) -> Self {
        self.quarantined = Some(text);
        self
    }

    pub(crate) fn within(mut self, requests: usize) -> Self {
        self.most_requests = requests;
        self
    }

    /// Runs it. The memory that the program took, and what is wrong.
    pub(crate) fn run(&self, loaded: &Lakehouse) -> (u64, Option<String>) {
        let lakehouse = loaded.copy();
        let server = Server::start(news(), self.scripts.clone());
        let ended = lakehouse.run(&server, &self.settings);
        let mut wrong = self.judge(&ended);
        if server.requests() > self.most_requests {
            wrong.push(format!("it sent {} requests, and {} have to do", server.requests(), self.most_requests));
        }
        wrong.extend(self.judge_table(loaded, &lakehouse));
        let wrong = (!wrong.is_empty()).then(|| {
            format!(
                "== {}\n{}\n-- it said, with exit code {:?}:\n{}",
                self.name,
                wrong.join("\n"),
                ended.code,
                ended.said
            )
        });
        (ended.memory, wrong)
    }

    fn judge(&self, ended: &Ended) -> Vec<String> {
        let mut wrong = Vec::new();
        if ended.code != Some(self.code) {
            wrong.push(format!("exit code {:?} in place of {}", ended.code, self.code));
        }
        wrong.extend(
            self.says.iter().filter(|text| !ended.said.contains(**text)).map(|text| format!("it doesn't say: {text}")),
        );
        wrong.extend(
            self.never.iter().filter(|text| ended.said.contains(**text)).map(|text| format!("it says: {text}")),
        );
        wrong
    }

    fn judge_table(&self, loaded: &Lakehouse, lakehouse: &Lakehouse) -> Vec<String> {
        let mut wrong = Vec::new();
        let expected = match self.table {
            Table::Unchanged => {
                let (before, after) = (loaded.files(), lakehouse.files());
                if before != after {
                    wrong.push(format!("the table was written: {before:?} became {after:?}"));
                }
                None
            }
            Table::Any => None,
            Table::News => Some(page().replace(",\"inactiveFlag\":false", "")),
            Table::Rows(rows) => Some(rows.to_owned()),
        };
        if let Some(expected) = expected {
            let rows = lakehouse.rows();
            if json(&rows) != json(&expected) || json(&rows).is_null() {
                wrong.push(format!("the table holds {rows} in place of {expected}"));
            }
        }
        if let Some(text) = self.quarantined {
            let found = lakehouse.quarantine();
            if !found.contains(text) {
                wrong.push(format!("the quarantine holds {found} and not {text}"));
            }
        }
        wrong
    }
}

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap_or_default()
}
