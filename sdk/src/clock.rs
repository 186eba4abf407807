//! Time and chance behind one door, so that a test decides both.

use std::{
    fmt,
    sync::OnceLock,
    time::{Duration, Instant, SystemTime},
};

use futures::future::BoxFuture;

/// What a client needs from the outside world: clocks, a pause and a random number.
pub trait Clock: fmt::Debug + Send + Sync {
    /// The wall clock, to read a `Retry-After` that is a date.
    fn now(&self) -> SystemTime;

    /// Time since some fixed moment, which never goes back: for rates and durations. Whoever replaces
    /// [`sleep`](Self::sleep) lets it advance there.
    fn monotonic(&self) -> Duration {
        static START: OnceLock<Instant> = OnceLock::new();
        START.get_or_init(Instant::now).elapsed()
    }

    /// A number in `0.0..1.0` that spreads retries of several clients.
    fn random(&self) -> f64;

    /// Resolves after `duration`.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;
}

/// The real thing.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn random(&self) -> f64 {
        rand::random()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}
