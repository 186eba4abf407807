//! What is wrong with a document and its configuration, all of it: whoever reads on after a fault finds the next one, too.

use std::collections::BTreeSet;

use crate::error::{Error, Result};

/// Faults that were found so far.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    found: Vec<Error>,
    /// The sentences, since one fault can be met on several ways.
    told: BTreeSet<String>,
}

impl Problems {
    /// Adds a fault, and those that it was found with.
    pub(crate) fn add(&mut self, problem: impl Into<Error>) {
        for problem in problem.into().into_all() {
            if self.told.insert(problem.to_string()) {
                self.found.push(problem);
            }
        }
    }

    /// What was found, or nothing and a fault more.
    pub(crate) fn keep<T>(&mut self, result: Result<T>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(problem) => {
                self.add(problem);
                None
            }
        }
    }

    /// The faults that stop the generator, and what is only left over.
    pub(crate) fn split(self) -> (Vec<Error>, Vec<Error>) {
        self.found.into_iter().partition(|problem| !problem.is_left_over())
    }

    /// What is left over, unless something stops the generator.
    pub(crate) fn finish(self) -> Result<Vec<Error>> {
        let (stopping, left_over) = self.split();
        match Error::of(stopping) {
            Some(error) => Err(error),
            None => Ok(left_over),
        }
    }
}
