//! What is told while the server is waited for: a program that is silent for a minute looks dead.

use connectwise_storage::locked;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use connectwise_sdk::{Attempt, AttemptResult, ErrorKind, Observer};

use super::output::Output;

/// No more is told within this time: requests that are under way together are silent together.
const APART: Duration = Duration::from_secs(5);

/// Tells of requests without an answer.
#[derive(Debug)]
pub(crate) struct Waiting {
    output: Output,
    told: Mutex<Option<Instant>>,
}

impl Waiting {
    pub(crate) fn new(output: Output) -> Self {
        Self { output, told: Mutex::default() }
    }

    fn tell(&self, text: &str) {
        let mut told = locked(&self.told);
        if told.is_none_or(|told| told.elapsed() >= APART) {
            *told = Some(Instant::now());
            self.output.note(text);
        }
    }
}

impl Observer for Waiting {
    fn waiting(&self, attempt: &Attempt<'_>, waited: Duration) {
        let Attempt { method, path, number, .. } = attempt;
        let again = if *number > 1 { format!(", attempt {number}") } else { String::new() };
        self.tell(&format!("waiting: {method} {path} has no whole answer after {} s{again}", waited.as_secs().max(1)));
    }

    fn finished(&self, attempt: &Attempt<'_>, result: &AttemptResult<'_>) {
        if result.error == Some(ErrorKind::Timeout) {
            let Attempt { method, path, number, .. } = attempt;
            let seconds = result.duration.as_secs().max(1);
            self.tell(&format!("no answer: {method} {path} timed out after {seconds} s, attempt {number}"));
        }
    }
}
