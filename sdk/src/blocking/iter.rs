//! A listing as an iterator.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use futures::{Stream, StreamExt as _};

use super::driver::Driver;
use crate::Result;

/// What a listing gives, one after the other. It ends after the error of a call within tokio's runtime, as after any that the
/// listing ends with.
#[must_use = "an iterator asks for nothing until it is read"]
pub struct Iter<T> {
    /// `None` at the end.
    stream: Option<Pin<Box<dyn Stream<Item = Result<T>> + Send>>>,
    driver: Arc<Driver>,
}

impl<T> Iter<T> {
    pub(super) fn new(stream: impl Stream<Item = Result<T>> + Send + 'static, driver: &Arc<Driver>) -> Self {
        Self { stream: Some(Box::pin(stream)), driver: driver.clone() }
    }
}

impl<T> Iterator for Iter<T> {
    type Item = Result<T>;

    fn next(&mut self) -> Option<Result<T>> {
        let stream = self.stream.as_mut()?;
        let (item, ends) = match self.driver.wait(stream.next()) {
            Ok(item) => (item, false),
            Err(error) => (Some(Err(error)), true),
        };
        if ends || item.is_none() {
            self.stream = None;
        }
        item
    }
}

impl<T> fmt::Debug for Iter<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Iter").field("ended", &self.stream.is_none()).finish_non_exhaustive()
    }
}
