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
            Self::Status { status, retry_after } => is_passing(status) && retry_after.is_none(),
            Self::NotSent | Self::TooLarge => false,
        }
    }
}

/// Factor of the pauses after a 429 without a Retry-After: eight attempts then take one to three minutes.
const LIMITED: u32 = 16;

/// Whether a server that answers with this status may do better when it is asked again: it, or what stands before it, gave up.
/// Those from 520 on are what a CDN says of the server behind it.
pub(crate) fn is_passing(status: u16) -> bool {
    matches!(status, 408 | 500 | 502 | 503 | 504 | 520..=524)
}

/// When the server wants to be asked again: its `Retry-After` header, or what the text of a 429 says.
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

    /// What an answer asks for. Without a header that names a time to come, the text of a 429 counts: it is often the only
    /// place that does.
    pub(crate) fn of(status: u16, header: Option<&str>, text: Option<&str>, now: SystemTime) -> Option<Self> {
        let said = text.filter(|_| status == 429).and_then(Self::in_text);
        let header = header.and_then(Self::parse);
        header.filter(|wish| !wish.wait(now).is_zero()).or(said).or(header)
    }

    /// Reads a text such as "Please try again in 30 seconds", "Retry after 1500ms" or "wait 2 minutes": the first time that
    /// stands behind a word for waiting. A number without such a word, as in "1,000 requests in 60 seconds", is none.
    #[must_use]
    pub fn in_text(text: &str) -> Option<Self> {
        let mut waiting = false;
        let mut words = text.split_whitespace().peekable();
        while let Some(word) = words.next() {
            let bare = word.trim_matches(|c: char| !c.is_ascii_alphanumeric()).to_ascii_lowercase();
            if let Some((number, unit)) = amount(&bare).filter(|_| waiting) {
                let next = words.peek().map(|next| next.trim_matches(|c: char| !c.is_ascii_alphabetic()));
                let unit = if unit.is_empty() { next.unwrap_or_default() } else { unit };
                if let Some(unit) = milliseconds(unit) {
                    return Some(Self::Delay(Duration::from_millis((number * unit).ceil() as u64)));
                }
            }
            waiting |= ["try", "retry", "again", "wait"].iter().any(|hint| bare.starts_with(hint));
            // What the next sentence counts is something else.
            waiting &= !word.ends_with(['.', '!', ';']);
        }
        None
    }

    /// How long that is from `now`; a date that has passed is no wait at all.
    pub(crate) fn wait(self, now: SystemTime) -> Duration {
        match self {
            Self::Delay(delay) => delay,
            Self::At(time) => time.duration_since(now).unwrap_or(Duration::ZERO),
        }
    }
}

/// A number at the start of a word, and what stands behind it.
fn amount(word: &str) -> Option<(f64, &str)> {
    let digits = word.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(word.len());
    let (number, unit) = word.split_at(digits);
    number.parse().ok().map(|number| (number, unit))
}

/// How many milliseconds a unit of time has.
fn milliseconds(unit: &str) -> Option<f64> {
    Some(match unit.to_ascii_lowercase().as_str() {
        "ms" | "msec" | "millis" | "millisecond" | "milliseconds" => 1.0,
        "s" | "sec" | "secs" | "second" | "seconds" => 1_000.0,
        "m" | "min" | "mins" | "minute" | "minutes" => 60_000.0,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3_600_000.0,
        _ => return None,
    })
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

/// An attempt that failed.
#[derive(Debug, Clone, Copy)]
pub struct FailedAttempt {
    /// Its number, from 1.
    pub number: u32,
    /// What it ended in.
    pub outcome: Outcome,
    /// Method of the request.
    pub method: Method,
}

/// Decides what follows an attempt that failed.
///
/// Reads are repeated whenever a repetition may help. A write is repeated only when it never left the machine, or when the
/// rate limit turned it away and the policy [says so](RetryPolicy::repeat_limited_writes). A `Retry-After` can lengthen the
/// back-off and never shorten it: a server that says 0, or a date that has passed, would get all attempts within a second.
/// `random` is in `0.0..1.0`: half of every back-off is chance, and a `Retry-After` is stretched by up to `base`, so that
/// waiting clients don't return all at once.
#[must_use]
pub fn decide(failed: FailedAttempt, policy: &RetryPolicy, now: SystemTime, random: f64) -> Decision {
    let FailedAttempt { number: attempt, outcome, method } = failed;
    if attempt >= policy.max_attempts || !may_help(outcome, method, policy) {
        return Decision::GiveUp;
    }
    let doublings = attempt.saturating_sub(1).min(31);
    // Most limits apply per minute: a server that gives no Retry-After is paused for longer.
    let is_limited = matches!(outcome, Outcome::Status { status: 429, retry_after: None });
    let base = if is_limited { policy.base.saturating_mul(LIMITED) } else { policy.base };
    let full = base.saturating_mul(1 << doublings).min(policy.cap);
    let back_off = full.mul_f64(0.5 + unit(random) / 2.0);
    if let Outcome::Status { status: 429 | 503, retry_after: Some(wish) } = outcome {
        let wait = wish.wait(now);
        if wait > policy.max_retry_after {
            return Decision::GiveUp;
        }
        let stretched = wait.saturating_add(policy.base.mul_f64(unit(random)));
        return Decision::Retry { after: stretched.max(back_off) };
    }
    Decision::Retry { after: back_off }
}

fn may_help(outcome: Outcome, method: Method, policy: &RetryPolicy) -> bool {
    match outcome {
        Outcome::NotSent => true,
        Outcome::Status { status: 429, .. } => method.is_read() || policy.repeat_limited_writes,
        Outcome::Timeout | Outcome::Cut => method.is_read(),
        Outcome::TooLarge => false,
        Outcome::Status { status, .. } => is_passing(status) && method.is_read(),
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
        match decide(FailedAttempt { number: attempt, outcome, method }, &POLICY, now(), random) {
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
            (status(408), true),
            (status(520), true),
            (status(524), true),
            (status(525), false),
            (status(501), false),
            (status(302), false),
            (status(400), false),
            (status(401), false),
            (status(403), false),
            (status(404), false),
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
            (status(408), false),
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
        let repeated = |outcome| {
            let failed = FailedAttempt { number: 1, outcome, method: Method::Post };
            decide(failed, &policy, now(), 0.0) != Decision::GiveUp
        };
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
            let failed = FailedAttempt { number: attempt, outcome: status(500), method: Method::Get };
            let decision = decide(failed, &patient, now(), 1.0);
            assert_eq!(decision, Decision::Retry { after: Duration::from_secs(30) }, "attempt {attempt}");
        }
    }

    #[test]
    fn retry_after_is_obeyed_in_both_forms() {
        let table = [
            (status_after(429, "30"), 0.0, Some(30_000)),
            (status_after(429, " 30 "), 1.0, Some(30_300)),
            (status_after(503, "2"), 0.0, Some(2_000)),
            (status_after(429, "Sun, 06 Nov 1994 08:49:47 GMT"), 0.0, Some(10_000)),
            (status_after(503, "Sun, 06 Nov 1994 08:49:47 GMT"), 0.0, Some(10_000)),
            // Never sooner than the back-off.
            (status_after(429, "0"), 0.0, Some(150)),
            (status_after(429, "0"), 1.0, Some(300)),
            (status_after(503, "Sun, 06 Nov 1994 08:00:00 GMT"), 0.0, Some(150)),
            // Unreadable, so the back-off decides.
            (status_after(429, "soon"), 0.0, Some(2_400)),
            (status_after(429, "-5"), 0.0, Some(2_400)),
            (status_after(429, ""), 0.0, Some(2_400)),
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
    fn a_wish_never_shortens_the_back_off() {
        for wish in ["0", "1", "Sun, 06 Nov 1994 08:00:00 GMT"] {
            for status in [429, 503] {
                let waits: Vec<_> =
                    (1..8).map(|attempt| pause(attempt, status_after(status, wish), Method::Get, 0.0)).collect();
                for (wait, back_off) in waits.iter().zip([150, 300, 600, 1_200, 2_400, 4_800, 9_600]) {
                    assert!(*wait >= Some(back_off), "{wish}: {waits:?}");
                }
                assert_eq!(waits[6], Some(9_600), "{wish}");
            }
        }
    }

    #[test]
    fn a_limit_that_names_no_time_is_outlasted() {
        for random in [0.0, 1.0] {
            let waits: Option<u128> = (1..8).map(|attempt| pause(attempt, status(429), Method::Get, random)).sum();
            assert!(waits.is_some_and(|all| (60_000..200_000).contains(&all)), "{waits:?}");
        }
        assert_eq!(pause(1, status(503), Method::Get, 0.0), Some(150), "a server that fails is asked again soon");
    }

    #[test]
    fn a_text_names_a_time_only_behind_a_word_for_waiting() {
        let table = [
            ("Too many requests. Please try again in 30 seconds.", Some(30_000)),
            ("Retry after 30s", Some(30_000)),
            ("retry-after: 12 seconds", Some(12_000)),
            ("Try again in 1500ms!", Some(1_500)),
            ("Please wait 250 milliseconds, then retry", Some(250)),
            ("Rate limited; wait for (2) minutes.", Some(120_000)),
            ("RETRY IN 1 MINUTE", Some(60_000)),
            ("Try again in 0.5 sec", Some(500)),
            ("try again in 2 hours", Some(7_200_000)),
            ("try again in 99999999999999999999999999 s", Some(u128::from(u64::MAX))),
            ("More than 1000 requests in 60 seconds", None),
            ("Try again later. You sent 1000 requests in 60 seconds", None),
            ("Try again in a while", None),
            ("Try again after 3 more requests in 20 seconds", Some(20_000)),
            ("Try again in 5 bananas", None),
            ("Try again after 2026-01-01", None),
            ("Try again in 30", None),
            ("try again in . seconds", None),
            ("try", None),
            ("", None),
        ];
        for (text, expected) in table {
            let found = RetryAfter::in_text(text).map(|wish| wish.wait(now()).as_millis());
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn the_text_counts_for_a_429_whose_header_names_no_time_to_come() {
        let of =
            |status, header, text| RetryAfter::of(status, header, text, now()).map(|wish| wish.wait(now()).as_secs());
        let text = Some("Please try again in 30 seconds.");
        assert_eq!(of(429, None, text), Some(30));
        assert_eq!(of(429, Some("soon"), text), Some(30));
        assert_eq!(of(429, Some("0"), text), Some(30));
        assert_eq!(of(429, Some("60"), text), Some(60));
        assert_eq!(of(429, Some("10"), text), Some(10));
        assert_eq!(of(429, Some("0"), None), Some(0));
        assert_eq!(of(429, Some("Sun, 06 Nov 1994 08:00:00 GMT"), text), Some(30));
        assert_eq!(of(503, None, text), None);
        assert_eq!(of(503, Some("2"), text), Some(2));
        assert_eq!(of(429, None, Some("Slow down")), None);
    }

    #[test]
    fn a_broken_random_number_does_not_panic() {
        for random in [f64::NAN, f64::INFINITY, -1.0, 7.0] {
            assert!(pause(1, status(500), Method::Get, random).is_some());
        }
    }
}
