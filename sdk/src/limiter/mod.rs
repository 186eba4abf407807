//! Limits the requests under way and those started per second: one limiter for a client and all its clones.
//!
//! Both limits adapt to the server and never exceed the configured ones. The arithmetic is pure functions of the clock's
//! reading: `schedule` hands out starting times and never refuses, so that each caller waits once, in the order of asking;
//! `window` says how many requests the server takes at once.

mod schedule;
mod window;

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::Clock;
use schedule::Schedule;
use window::RequestWindow;
pub(crate) use window::Sign;

/// Requests that start evenly don't arrive so: one that is this much late is in the same second as the next ones. Starts are spaced as if the
/// second were that much longer, so that the server doesn't count more in any second than the rate says.
const JITTER: Duration = Duration::from_millis(50);

#[derive(Debug)]
pub(crate) struct Limiter {
    under_way: Semaphore,
    window: Mutex<Allowed>,
    schedule: Mutex<Schedule>,
}

/// The window, and the permits of the semaphore that follow it.
#[derive(Debug)]
struct Allowed {
    window: RequestWindow,
    /// Permits that the semaphore has or gave out, without those owed.
    given: usize,
    /// Permits to drop as soon as their requests end, after the window shrank.
    owed: usize,
}

/// A request that is under way until this is dropped.
pub(crate) struct UnderWay<'a> {
    limiter: &'a Limiter,
    permit: Option<SemaphorePermit<'a>>,
}

impl Limiter {
    /// `per_second` is `None` for no limit of the rate.
    pub(crate) fn new(concurrency: usize, per_second: Option<f64>) -> Self {
        let window = RequestWindow::new(concurrency.clamp(1, Semaphore::MAX_PERMITS));
        let given = window.size();
        Self {
            under_way: Semaphore::new(given),
            window: Mutex::new(Allowed { window, given, owed: 0 }),
            schedule: Mutex::new(Schedule::new(per_second.map(spaced))),
        }
    }

    /// Waits until a request may be started. It counts as under way until the returned value is dropped.
    pub(crate) async fn admit(&self, clock: &dyn Clock) -> UnderWay<'_> {
        // The semaphore is never closed.
        let permit = self.under_way.acquire().await.ok();
        let under_way = UnderWay { limiter: self, permit };
        let mut wait = self.schedule().reserve(clock.monotonic());
        loop {
            if !wait.is_zero() {
                clock.sleep(wait).await;
            }
            // Meanwhile the server may have asked for a pause, or others may have started late.
            wait = self.schedule().start(clock.monotonic());
            if wait.is_zero() {
                return under_way;
            }
        }
    }

    /// The server turned a request away: nothing is started for `pause`, and less often for a while.
    pub(crate) fn slow_down(&self, clock: &dyn Clock, pause: Duration) {
        self.schedule().slow_down(clock.monotonic(), pause);
    }

    /// Adapts the window to the outcome of a request. Latency is compared among requests with the same `alike`.
    pub(crate) fn saw(&self, clock: &dyn Clock, alike: &str, sign: Sign) {
        let mut allowed = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        allowed.window.saw(clock.monotonic(), alike, sign);
        let (size, given) = (allowed.window.size(), allowed.given);
        allowed.given = size;
        if size > given {
            let more = size - given;
            let kept = more.min(allowed.owed);
            allowed.owed -= kept;
            self.under_way.add_permits(more - kept);
        } else if size < given {
            let less = given - size;
            allowed.owed += less - self.under_way.forget_permits(less);
        }
    }

    fn schedule(&self) -> MutexGuard<'_, Schedule> {
        // Plain numbers: a panic can't leave them half-changed.
        self.schedule.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Starts in a second of which no more than `per_second` arrive in one.
fn spaced(per_second: f64) -> f64 {
    per_second / (Duration::from_secs(1) + JITTER).as_secs_f64()
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let mut allowed = self.limiter.window.lock().unwrap_or_else(PoisonError::into_inner);
        if allowed.owed > 0
            && let Some(permit) = self.permit.take()
        {
            allowed.owed -= 1;
            permit.forget();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SystemClock;

    #[test]
    fn late_requests_put_no_more_into_a_second_than_the_rate() {
        let rate = crate::config::DEFAULT_RATE;
        let mut schedule = Schedule::new(Some(spaced(rate)));
        // Every third request takes longer on its way, by almost as much as is allowed for.
        let late = |at: u32| if at.is_multiple_of(3) { JITTER * 9 / 10 } else { Duration::ZERO };
        let mut arrivals: Vec<_> = (0..200).map(|at| schedule.reserve(Duration::ZERO) + late(at)).collect();
        arrivals.sort();
        for first in &arrivals {
            let within = arrivals.iter().filter(|at| (*first..*first + Duration::from_secs(1)).contains(at)).count();
            assert!(within as f64 <= rate, "{within} from {first:?} on");
        }
    }

    #[tokio::test]
    async fn permits_are_taken_back_and_given_again() {
        let limiter = Limiter::new(4, None);
        let mut under_way = Vec::new();
        for _ in 0..4 {
            under_way.push(limiter.admit(&SystemClock).await);
        }
        limiter.saw(&SystemClock, "/x", Sign::TurnedAway);
        under_way.pop();
        under_way.pop();
        assert_eq!(limiter.under_way.available_permits(), 0, "two of four are left, and both are under way");
        under_way.clear();
        assert_eq!(limiter.under_way.available_permits(), 2);
        for _ in 0..20 {
            limiter.saw(&SystemClock, "/x", Sign::Answered(Duration::from_millis(400)));
        }
        assert_eq!(limiter.under_way.available_permits(), 4, "never more than were set");
    }
}
