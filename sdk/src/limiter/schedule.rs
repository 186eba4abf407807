//! Starting times of requests: evenly spaced, so that no second has more of them than the rate allows, and still spaced where a
//! program that is busy starts them late.

use std::time::Duration;

/// After a 429 the rate comes back to what was set within this time.
const RECOVERY: Duration = Duration::from_secs(60);
/// What a 429 leaves of the rate.
const SLOWER: f64 = 0.5;
/// The rate never falls below this part of what was set, however many 429 come.
const SLOWEST: f64 = 1.0 / 32.0;

/// A token bucket of size one that may go into debt, with a rate that recovers over time.
#[derive(Debug)]
pub(super) struct Schedule {
    /// Tokens in a second at best; `None` for as many as one likes.
    per_second: Option<f64>,
    /// Less than nothing: starts that are promised to others.
    tokens: f64,
    /// When `tokens` was right.
    at: Duration,
    /// When the last request started.
    started: Option<Duration>,
    /// The part of the rate that was left at `slowed_at`.
    factor: f64,
    slowed_at: Duration,
    paused_until: Duration,
}

/// The part of the space between two starts that may be missing: timers are rounded, and a rate that grows lets starts come nearer.
const NEARLY: f64 = 0.03;

/// Most tokens that are saved up. A second's worth of them would allow a second with twice the rate.
const SAVED: f64 = 1.0;

impl Schedule {
    pub(super) fn new(per_second: Option<f64>) -> Self {
        let per_second = per_second.filter(|rate| rate.is_finite() && *rate > 0.0);
        Self {
            per_second,
            tokens: SAVED,
            at: Duration::ZERO,
            started: None,
            factor: 1.0,
            slowed_at: Duration::ZERO,
            paused_until: Duration::ZERO,
        }
    }

    /// Takes the next start and says how far off it is.
    pub(super) fn reserve(&mut self, now: Duration) -> Duration {
        let paused = self.paused(now);
        let Some(rate) = self.rate(now) else { return paused };
        self.refill(now, rate);
        self.tokens -= 1.0;
        let owed = Duration::try_from_secs_f64((-self.tokens).max(0.0) / rate).unwrap_or(RECOVERY);
        paused.max(owed)
    }

    /// Starts a request whose reserved time has come: gives no time if it starts now, and else how long it has to wait still. That is
    /// the rest of a pause, or of the space behind the last start: requests whose times passed while nothing ran would start together.
    pub(super) fn start(&mut self, now: Duration) -> Duration {
        let space = self.rate(now).and_then(|rate| Duration::try_from_secs_f64(1.0 / rate).ok()).unwrap_or_default();
        let spaced = self.started.map_or(Duration::ZERO, |last| last.saturating_add(space).saturating_sub(now));
        let wait = self.paused(now).max(if spaced < space.mul_f64(NEARLY) { Duration::ZERO } else { spaced });
        if wait.is_zero() {
            self.started = Some(now);
        }
        wait
    }

    /// The rest of a pause that the server asked for.
    fn paused(&self, now: Duration) -> Duration {
        self.paused_until.saturating_sub(now)
    }

    pub(super) fn slow_down(&mut self, now: Duration, pause: Duration) {
        // Requests that were under way together are turned away together: that is one 429.
        if self.paused(now).is_zero() {
            let left = self.share(now) * SLOWER;
            if let Some(rate) = self.rate(now) {
                self.refill(now, rate);
                // What was saved up would come as a burst right after the pause.
                self.tokens = self.tokens.min(0.0);
            }
            self.factor = left.max(SLOWEST);
        }
        self.paused_until = self.paused_until.max(now.saturating_add(pause));
        self.slowed_at = self.paused_until;
    }

    /// Starts in a second as of now.
    fn rate(&self, now: Duration) -> Option<f64> {
        self.per_second.map(|rate| rate * self.share(now))
    }

    /// The part of the rate that is allowed now: it grows back evenly.
    fn share(&self, now: Duration) -> f64 {
        let recovered = now.saturating_sub(self.slowed_at).as_secs_f64() / RECOVERY.as_secs_f64();
        (self.factor + (1.0 - self.factor) * recovered).min(1.0)
    }

    fn refill(&mut self, now: Duration, rate: f64) {
        // Nothing is earned in a pause.
        let since = self.at.max(self.paused_until.min(now));
        self.tokens = (self.tokens + now.saturating_sub(since).as_secs_f64() * rate).min(SAVED);
        self.at = self.at.max(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    /// How long each of `count` starts that are asked for at `now` has to wait, in milliseconds.
    fn waits(schedule: &mut Schedule, now: Duration, count: usize) -> Vec<u128> {
        (0..count).map(|_| schedule.reserve(now).as_millis()).collect()
    }

    #[test]
    fn starts_are_even_whatever_was_saved() {
        let mut schedule = Schedule::new(Some(4.0));
        assert_eq!(waits(&mut schedule, MS(0), 4), [0, 250, 500, 750]);
        // The debt is worked off: at 500 ms the start at 750 is still to come, and the next one is at 1000.
        assert_eq!(waits(&mut schedule, MS(500), 2), [500, 750]);
        // After a long rest there is one start, not more.
        assert_eq!(waits(&mut schedule, MS(60_000), 3), [0, 250, 500]);
    }

    /// The vendor advises to stay below 1,000 requests in a minute.
    #[test]
    fn the_default_rate_stays_below_what_the_vendor_allows() {
        let mut schedule = Schedule::new(Some(crate::config::DEFAULT_RATE));
        let within = (0..2_000).filter(|_| schedule.reserve(MS(0)) < Duration::from_secs(60)).count();
        assert!((900..1_000).contains(&within), "{within}");
    }

    #[test]
    fn starts_that_are_late_together_are_spaced_again() {
        let mut schedule = Schedule::new(Some(4.0));
        assert_eq!(waits(&mut schedule, MS(0), 4), [0, 250, 500, 750]);
        assert_eq!(schedule.start(MS(0)), MS(0));
        // The program did something else until 700 ms.
        assert_eq!(schedule.start(MS(700)), MS(0));
        assert_eq!(schedule.start(MS(700)), MS(250), "the third one, whose time has come too");
        assert_eq!(schedule.start(MS(750)), MS(200), "the fourth one");
        assert_eq!(schedule.start(MS(950)), MS(0));
        assert_eq!(schedule.start(MS(951)), MS(249));
        assert_eq!(schedule.start(MS(1_199)), MS(0), "a millisecond is no wait");
        schedule.slow_down(MS(1_200), MS(30_000));
        assert_eq!(schedule.start(MS(2_000)), MS(29_200));
    }

    #[test]
    fn a_slow_rate_lets_one_through_at_once() {
        let mut schedule = Schedule::new(Some(0.5));
        assert_eq!(waits(&mut schedule, MS(0), 3), [0, 2_000, 4_000]);
    }

    #[test]
    fn a_429_stops_everyone_and_halves_the_rate_for_a_while() {
        let mut schedule = Schedule::new(Some(4.0));
        schedule.slow_down(MS(1_000), MS(30_000));
        assert_eq!(schedule.paused(MS(1_000)), MS(30_000));
        assert_eq!(schedule.reserve(MS(11_000)), MS(20_000));
        // Right after the pause there is nothing saved up, and half the rate; the start above is owed still.
        assert_eq!(waits(&mut schedule, MS(31_000), 2), [1_000, 1_500]);
        // Half-way through the recovery three quarters of it, afterwards all.
        assert_eq!(schedule.rate(MS(61_000)), Some(3.0));
        assert_eq!(schedule.rate(MS(91_000)), Some(4.0));
        assert_eq!(schedule.rate(MS(500_000)), Some(4.0));
    }

    #[test]
    fn requests_that_are_turned_away_together_count_once() {
        let mut schedule = Schedule::new(Some(8.0));
        schedule.slow_down(MS(0), MS(10_000));
        schedule.slow_down(MS(5), MS(30_000));
        schedule.slow_down(MS(10), MS(1_000));
        assert_eq!(schedule.paused(MS(10)), MS(29_995));
        assert_eq!(schedule.rate(MS(30_005)), Some(4.0));
        // The next one after the pause halves what is left by then.
        schedule.slow_down(MS(30_005), MS(0));
        assert_eq!(schedule.rate(MS(30_005)), Some(2.0));
        for _ in 0..100 {
            schedule.slow_down(MS(30_005), MS(0));
        }
        assert_eq!(schedule.rate(MS(30_005)), Some(0.25));
    }

    #[test]
    fn without_a_rate_only_a_pause_holds_anybody_up() {
        for per_second in [None, Some(0.0), Some(-1.0), Some(f64::NAN), Some(f64::INFINITY)] {
            let mut schedule = Schedule::new(per_second);
            assert_eq!(waits(&mut schedule, MS(0), 3), [0, 0, 0]);
            schedule.slow_down(MS(0), MS(2_000));
            assert_eq!(waits(&mut schedule, MS(500), 2), [1_500, 1_500]);
            assert_eq!(waits(&mut schedule, MS(2_000), 2), [0, 0]);
            assert_eq!([schedule.start(MS(2_000)), schedule.start(MS(2_000))], [MS(0), MS(0)]);
        }
    }

    #[test]
    fn a_clock_that_goes_back_breaks_nothing() {
        let mut schedule = Schedule::new(Some(1.0));
        schedule.slow_down(MS(10_000), MS(0));
        assert!(schedule.reserve(MS(0)) < Duration::from_secs(60));
        assert!(schedule.reserve(Duration::MAX) < Duration::from_secs(60));
    }
}
