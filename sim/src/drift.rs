//! Rows that change while they are read: after every so many list answers, a list changes under the reader's hands.

use serde::Deserialize;

use crate::calls::Changes;
use crate::tenant::Amounts;

/// What `POST /_sim/drift` takes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
pub(crate) struct Drift {
    /// List answers from one change to the next; 0 is none.
    every: u64,
    edit: u64,
    insert: u64,
    delete: u64,
    /// Below the API's root; absent = every list.
    path: Option<String>,
    #[serde(skip)]
    answers: u64,
}

impl Default for Drift {
    fn default() -> Self {
        Self { every: 1, edit: 1, insert: 1, delete: 1, path: None, answers: 0 }
    }
}

impl Drift {
    pub(crate) fn of(every: u64, changes: Changes, path: Option<&str>) -> Result<Self, String> {
        let Changes { edit, insert, delete, .. } = changes;
        Self { every, edit, insert, delete, path: path.map(str::to_owned), answers: 0 }.checked()
    }

    fn checked(self) -> Result<Self, String> {
        match [self.edit, self.insert, self.delete].into_iter().max() {
            Some(most) if most > 10_000 => Err("a drift changes at most 10000 rows".to_owned()),
            _ => Ok(self),
        }
    }

    pub(crate) fn read(body: &[u8]) -> Result<Self, String> {
        let body = if body.trim_ascii().is_empty() { b"{}" } else { body };
        serde_json::from_slice::<Self>(body).map_err(|error| error.to_string())?.checked()
    }

    /// Counts the answer to a list request, and says what changes after it.
    pub(crate) fn after(&mut self, path: &str) -> Option<Amounts> {
        if self.every == 0 || self.path.as_deref().is_some_and(|wanted| !wanted.eq_ignore_ascii_case(path)) {
            return None;
        }
        self.answers += 1;
        let amounts = Amounts { edit: self.edit, insert: self.insert, delete: self.delete, merge: 0 };
        self.answers.is_multiple_of(self.every).then_some(amounts)
    }
}
