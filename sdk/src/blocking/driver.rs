//! The runtime that carries requests out while somebody waits for them.

use std::fmt;

use tokio::runtime::{Builder, Handle, Runtime};

use crate::reason::Reason;
use crate::{Error, Result};

/// Carries requests out on the thread that waits for them. `None` is only there while it is dropped.
pub(super) struct Driver(Option<Runtime>);

impl Driver {
    pub(super) fn new() -> Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build();
        runtime.map(|runtime| Self(Some(runtime))).map_err(|error| Error::new(Reason::Runtime).with_source(error))
    }

    pub(super) fn wait<F: Future>(&self, future: F) -> Result<F::Output> {
        let (Some(runtime), Err(_)) = (&self.0, Handle::try_current()) else {
            return Err(Error::new(Reason::WithinRuntime));
        };
        Ok(runtime.block_on(async {
            // Nobody has looked at the connections since the last call. One that the server has closed meanwhile must not be
            // taken for this request: a write on it would fail and not be repeated. The first turn hears of it, the second acts.
            for _ in 0..2 {
                tokio::task::yield_now().await;
            }
            future.await
        }))
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            // Waits for nothing: a runtime that does mustn't be dropped within another one.
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Driver")
    }
}
