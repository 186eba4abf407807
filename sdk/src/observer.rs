//! What a client tells whoever counts: each attempt when it starts and when it is over.

use std::{fmt, time::Duration};

use crate::{Clock, ErrorKind, Method};

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

    /// An attempt has no whole answer after so much time: ten seconds, or half of the read time-out where that is less. It goes on.
    fn waiting(&self, attempt: &Attempt<'_>, waited: Duration) {
        let _ = (attempt, waited);
    }

    /// An attempt is over, well or not: each that was started is told once, even if its caller
    /// [dropped](AttemptResult::dropped) it.
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
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
    /// Whether the caller gave it up before it was over, as a time-out around the call does. There is neither a status nor an
    /// error then.
    pub dropped: bool,
}

/// Tells an observer how an attempt ended, if nobody else does before this goes.
pub(crate) struct Watch<'a> {
    observer: &'a dyn Observer,
    attempt: Attempt<'a>,
    clock: &'a dyn Clock,
    started: Duration,
    told: bool,
}

impl<'a> Watch<'a> {
    /// Tells that the attempt starts.
    pub(crate) fn start(observer: &'a dyn Observer, attempt: Attempt<'a>, clock: &'a dyn Clock) -> Self {
        observer.started(&attempt);
        Self { observer, attempt, clock, started: clock.monotonic(), told: false }
    }

    /// Tells how it ended; how long it took is added here.
    pub(crate) fn finish(mut self, result: AttemptResult<'_>) {
        self.tell(result);
    }

    fn tell(&mut self, mut result: AttemptResult<'_>) {
        self.told = true;
        result.duration = self.clock.monotonic().saturating_sub(self.started);
        self.observer.finished(&self.attempt, &result);
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        if !self.told {
            self.tell(AttemptResult { dropped: true, ..AttemptResult::default() });
        }
    }
}
