//! Whether a failed attempt is repeated, and after how long: a pure function of what happened.

use std::time::{Duration, SystemTime};

use crate::request::Method;

/// How often and how patiently a request is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Attempts in all, the first included.
    pub max_attempts: u32,
    /// Pause before the first repetition; each later one doubles it.
    pub base: Duration,
    /// Longest pause that the back-off reaches.
    pub cap: Duration,
    /// Longest `Retry-After` that is waited for. A server that asks for more is an error at once.
    pub max_retry_after: Duration,
    /// Whether a write that the rate limit turned away (429) is repeated too: whoever turned it away says that it wasn't
    /// carried out, but it had left the machine. Off by default.
    pub repeat_limited_writes: bool,
}

impl Default for RetryPolicy {
    /// Eight attempts, 300 ms doubling to 30 s, five minutes of `Retry-After`: what the vendor advises for background
    /// work.
    fn default() -> Self {
        Self {
            max_attempts: 8,
            base: Duration::from_millis(300),
            cap: Duration::from_secs(30),
            max_retry_after: Duration::from_secs(300),
            repeat_limited_writes: false,
        }
    }
}

impl RetryPolicy {
    /// One attempt, no repetition.
    #[must_use]
    pub fn never() -> Self {
        Self { max_attempts: 1, ..Self::default() }
    }
}

/// How an attempt failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// No connection was made, so the request never left the machine.
    NotSent,
    /// The request was sent, or may have been, and no answer came in time.
    Timeout,
    /// The connection broke, or the answer ended too early.
    Cut,
    /// The answer is larger than any of its kind; asked again, the server would send the same.
    TooLarge,
    /// The server answered with an error.
    Status {
        /// HTTP status code.
        status: u16,
        /// When the server wants to be asked again.
        retry_after: Option<RetryAfter>,
    },
}

impl Outcome {
    /// Whether the server may have failed on what it was asked for, so that asking for less can help.
    pub(crate) fn may_be_the_request(self) -> bool {
        match self {
            Self::Timeout | Self::Cut => true,
            // With a time to come back it is busy, whatever it is asked for.
            Self::Status { status, retry_after } => matches!(status, 500 | 502 | 503 | 504) && retry_after.is_none(),
            Self::NotSent | Self::TooLarge => false,
        }
    }
}

/// The `Retry-After` header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryAfter {
    /// A number of seconds.
    Delay(Duration),
    /// An HTTP date.
    At(SystemTime),
}

impl RetryAfter {
    /// Reads the header's value in either form; anything else is no wish at all.
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        let value = value.trim();
        match value.parse::<u64>() {
            Ok(seconds) => Some(Self::Delay(Duration::from_secs(seconds))),
            Err(_) => httpdate::parse_http_date(value).ok().map(Self::At),
        }
    }

    /// How long that is from `now`; a date that has passed is no wait at all.
    pub(crate) fn wait(self, now: SystemTime) -> Duration {
        match self {
            Self::Delay(delay) => delay,
            Self::At(time) => time.duration_since(now).unwrap_or(Duration::ZERO),
        }
    }
}

/// What to do after a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Repeat the request.
    Retry {
        /// Pause before it.
        after: Duration,
    },
    /// Report the failure.
    GiveUp,
}

/// Decides what follows attempt number `attempt` (from 1) that ended in `outcome`.
///
/// Reads are repeated whenever a repetition may help. A write is repeated only when it never left the machine, or when the
/// rate limit turned it away and the policy [says so](RetryPolicy::repeat_limited_writes). `random` is in `0.0..1.0`: half of every back-off
/// is chance, and a `Retry-After` is stretched by up to `base`, so that waiting clients don't return all at once.
#[must_use]
pub fn decide(
    attempt: u32,
    outcome: Outcome,
    method: Method,
    policy: &RetryPolicy,
    now: SystemTime,
    random: f64,
) -> Decision {
    if attempt >= policy.max_attempts || !may_help(outcome, method, policy) {
        return Decision::GiveUp;
    }
    if let Outcome::Status { status: 429 | 503, retry_after: Some(wish) } = outcome {
        let wait = wish.wait(now);
        if wait > policy.max_retry_after {
            return Decision::GiveUp;
        }
        return Decision::Retry { after: wait.saturating_add(policy.base.mul_f64(unit(random))) };
    }
    let doublings = attempt.saturating_sub(1).min(31);
    let full = policy.base.saturating_mul(1 << doublings).min(policy.cap);
    Decision::Retry { after: full.mul_f64(0.5 + unit(random) / 2.0) }
}

fn may_help(outcome: Outcome, method: Method, policy: &RetryPolicy) -> bool {
    match outcome {
        Outcome::NotSent => true,
        Outcome::Status { status: 429, .. } => method.is_read() || policy.repeat_limited_writes,
        Outcome::Timeout | Outcome::Cut | Outcome::Status { status: 500 | 502 | 503 | 504, .. } => method.is_read(),
        Outcome::TooLarge | Outcome::Status { .. } => false,
    }
}

/// A clock that breaks its word must not make `mul_f64` panic.
fn unit(random: f64) -> f64 {
    if random.is_finite() { random.clamp(0.0, 1.0) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: RetryPolicy = RetryPolicy {
        max_attempts: 8,
        base: Duration::from_millis(300),
        cap: Duration::from_secs(30),
        max_retry_after: Duration::from_secs(300),
        repeat_limited_writes: false,
    };

    fn now() -> SystemTime {
        httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap()
    }

    fn status(status: u16) -> Outcome {
        Outcome::Status { status, retry_after: None }
    }

    fn status_after(status: u16, header: &str) -> Outcome {
        Outcome::Status { status, retry_after: RetryAfter::parse(header) }
    }

    /// The pause in milliseconds, or `None` for giving up.
    fn pause(attempt: u32, outcome: Outcome, method: Method, random: f64) -> Option<u128> {
        match decide(attempt, outcome, method, &POLICY, now(), random) {
            Decision::Retry { after } => Some(after.as_millis()),
            Decision::GiveUp => None,
        }
    }

    #[test]
    fn reads_are_repeated_when_it_may_help() {
        let table = [
            (Outcome::NotSent, true),
            (Outcome::Timeout, true),
            (Outcome::Cut, true),
            (status(429), true),
            (status(500), true),
            (status(502), true),
            (status(503), true),
            (status(504), true),
            (status(501), false),
            (status(302), false),
            (status(400), false),
            (status(401), false),
            (status(403), false),
            (status(404), false),
            (status(408), false),
            (status(409), false),
        ];
        for (outcome, repeated) in table {
            assert_eq!(pause(1, outcome, Method::Get, 0.0).is_some(), repeated, "{outcome:?}");
        }
    }

    #[test]
    fn writes_are_repeated_only_when_they_never_left_the_machine() {
        let table = [
            (Outcome::NotSent, true),
            (status(429), false),
            (status_after(429, "1"), false),
            (Outcome::Timeout, false),
            (Outcome::Cut, false),
            (status(500), false),
            (status(502), false),
            (status(503), false),
            (status_after(503, "1"), false),
            (status(504), false),
            (status(409), false),
        ];
        for method in [Method::Post, Method::Put, Method::Patch, Method::Delete] {
            for (outcome, repeated) in table {
                assert_eq!(pause(1, outcome, method, 0.0).is_some(), repeated, "{method} {outcome:?}");
            }
        }
    }

    #[test]
    fn a_policy_may_repeat_writes_that_the_rate_limit_turned_away() {
        let policy = RetryPolicy { repeat_limited_writes: true, ..POLICY };
        let repeated = |outcome| decide(1, outcome, Method::Post, &policy, now(), 0.0) != Decision::GiveUp;
        let table = [(Outcome::NotSent, true), (status(429), true), (status_after(429, "1"), true)];
        let not = [Outcome::Timeout, Outcome::Cut, status(500), status(503)];
        for (outcome, expected) in table.into_iter().chain(not.map(|outcome| (outcome, false))) {
            assert_eq!(repeated(outcome), expected, "{outcome:?}");
        }
    }

    #[test]
    fn back_off_doubles_up_to_the_cap_and_half_of_it_is_chance() {
        let table = [
            (1, 0.0, Some(150)),
            (1, 1.0, Some(300)),
            (2, 0.0, Some(300)),
            (2, 0.5, Some(450)),
            (3, 1.0, Some(1_200)),
            (7, 1.0, Some(19_200)),
            (8, 0.0, None),
            (9, 0.0, None),
        ];
        for (attempt, random, expected) in table {
            assert_eq!(
                pause(attempt, status(500), Method::Get, random),
                expected,
                "attempt {attempt}, random {random}"
            );
        }
        let patient = RetryPolicy { max_attempts: u32::MAX, ..POLICY };
        for attempt in [8, 40, u32::MAX - 1] {
            let decision = decide(attempt, status(500), Method::Get, &patient, now(), 1.0);
            assert_eq!(decision, Decision::Retry { after: Duration::from_secs(30) }, "attempt {attempt}");
        }
    }

    #[test]
    fn retry_after_is_obeyed_in_both_forms() {
        let table = [
            (status_after(429, "30"), 0.0, Some(30_000)),
            (status_after(429, " 30 "), 1.0, Some(30_300)),
            (status_after(503, "2"), 0.0, Some(2_000)),
            (status_after(429, "0"), 0.0, Some(0)),
            (status_after(429, "Sun, 06 Nov 1994 08:49:47 GMT"), 0.0, Some(10_000)),
            (status_after(503, "Sun, 06 Nov 1994 08:49:47 GMT"), 0.0, Some(10_000)),
            // A date that has passed means now.
            (status_after(429, "Sun, 06 Nov 1994 08:00:00 GMT"), 0.0, Some(0)),
            // Unreadable, so the back-off decides.
            (status_after(429, "soon"), 0.0, Some(150)),
            (status_after(429, "-5"), 0.0, Some(150)),
            (status_after(429, ""), 0.0, Some(150)),
            // Other statuses' wishes don't count.
            (status_after(500, "30"), 0.0, Some(150)),
            // Longer than anybody wants to wait.
            (status_after(429, "301"), 0.0, None),
            (status_after(429, "18446744073709551615"), 0.0, None),
        ];
        for (outcome, random, expected) in table {
            assert_eq!(pause(1, outcome, Method::Get, random), expected, "{outcome:?}");
        }
    }

    #[test]
    fn a_broken_random_number_does_not_panic() {
        for random in [f64::NAN, f64::INFINITY, -1.0, 7.0] {
            assert!(pause(1, status(500), Method::Get, random).is_some());
        }
    }
}
