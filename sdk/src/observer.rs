//! What a client tells whoever counts: each attempt when it starts and when it is over.

use std::{fmt, time::Duration};

use crate::{ErrorKind, Method};

/// Hears of every attempt, for metrics. Calls come from the task that sends the request: they should be quick.
///
/// ```
/// use connectwise_sdk::{Attempt, AttemptResult, Observer};
/// use std::sync::atomic::{AtomicU64, Ordering};
///
/// #[derive(Debug, Default)]
/// struct Failures(AtomicU64);
///
/// impl Observer for Failures {
///     fn finished(&self, _: &Attempt<'_>, result: &AttemptResult<'_>) {
///         if result.error.is_some() {
///             self.0.fetch_add(1, Ordering::Relaxed);
///         }
///     }
/// }
/// ```
pub trait Observer: fmt::Debug + Send + Sync {
    /// An attempt is about to be sent: the limiter has let it through.
    fn started(&self, attempt: &Attempt<'_>) {
        let _ = attempt;
    }

    /// An attempt is over, well or not.
    fn finished(&self, attempt: &Attempt<'_>, result: &AttemptResult<'_>) {
        let _ = (attempt, result);
    }

    /// An attempt that failed is repeated after `pause`.
    fn retried(&self, attempt: &Attempt<'_>, pause: Duration) {
        let _ = (attempt, pause);
    }
}

/// Which attempt of which request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attempt<'a> {
    /// Method.
    pub method: Method,
    /// Path below the API root, for example `/time/entries`. Query parameters are left out.
    pub path: &'a str,
    /// Number of the attempt, from 1.
    pub number: u32,
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct AttemptResult<'a> {
    /// HTTP status, if the server answered.
    pub status: Option<u16>,
    /// What went wrong, if something did.
    pub error: Option<ErrorKind>,
    /// Bytes of the answer's body after decompression. A body that is read as a stream counts nothing here.
    pub bytes: u64,
    /// Time from the start to the end of the body, without the wait for the limiter.
    pub duration: Duration,
    /// The server's id of the request.
    pub request_id: Option<&'a str>,
}
