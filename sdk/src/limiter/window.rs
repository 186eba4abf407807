//! Window of requests under way: additive increase, multiplicative decrease. `docs/requests.md` says why.

use std::{collections::HashMap, time::Duration};

/// Initial window, if the configuration allows as many.
const FIRST: usize = 4;
/// Factor of the window after a 429, a 503 or a time-out.
const TURNED_AWAY: f64 = 0.5;
/// Factor of the window after rising latency.
const SLOWER: f64 = 0.75;
/// Latency counts as rising if it is this many times the usual.
const RISEN: f64 = 2.0;
/// Time after a decrease without another one: concurrent requests fail together, which counts once.
const ONCE: Duration = Duration::from_secs(5);
/// Weights of a new answer in the moving averages of the usual and the current latency.
const USUAL: f64 = 0.05;
const NOW: f64 = 0.2;
/// Most kinds of requests whose latency is kept, which bounds memory.
const KINDS: usize = 256;

/// Outcome of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sign {
    /// Answered, after this time.
    Answered(Duration),
    /// Overload: 429, 503 or a time-out.
    TurnedAway,
}

/// A window of 1 to `most` requests.
#[derive(Debug)]
pub(super) struct RequestWindow {
    most: usize,
    size: f64,
    /// Moving average of the latency in seconds, by kind of request: pages take longer than counts.
    usual: HashMap<String, f64>,
    /// Moving average of the latency over the usual of its kind.
    ratio: f64,
    shrunk: Option<Duration>,
}

impl RequestWindow {
    pub(super) fn new(most: usize) -> Self {
        let size = most.min(FIRST) as f64;
        Self { most, size, usual: HashMap::new(), ratio: 1.0, shrunk: None }
    }

    /// Requests that may be under way, at least 1.
    pub(super) fn size(&self) -> usize {
        (self.size as usize).clamp(1, self.most)
    }

    pub(super) fn saw(&mut self, now: Duration, alike: &str, sign: Sign) {
        match sign {
            Sign::TurnedAway => self.shrink(now, TURNED_AWAY),
            Sign::Answered(took) => {
                self.took(alike, took.as_secs_f64());
                if self.ratio > RISEN {
                    self.shrink(now, SLOWER);
                } else {
                    // Grows by one for each whole window of answers.
                    self.size = (self.size + 1.0 / self.size).min(self.most as f64);
                }
            }
        }
    }

    fn took(&mut self, alike: &str, seconds: f64) {
        let Some(usual) = self.usual.get_mut(alike) else {
            if self.usual.len() < KINDS {
                self.usual.insert(alike.to_owned(), seconds);
            }
            return;
        };
        let times = if *usual > 0.0 { seconds / *usual } else { 1.0 };
        *usual += USUAL * (seconds - *usual);
        self.ratio += NOW * (times - self.ratio);
    }

    fn shrink(&mut self, now: Duration, left: f64) {
        if self.shrunk.is_some_and(|shrunk| now.saturating_sub(shrunk) < ONCE) {
            return;
        }
        self.size = (self.size * left).max(1.0);
        (self.shrunk, self.ratio) = (Some(now), 1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: fn(u64) -> Duration = Duration::from_secs;

    /// So many answers that took so many milliseconds.
    fn answers(window: &mut RequestWindow, now: u64, count: usize, ms: u64) -> usize {
        (0..count).for_each(|_| window.saw(S(now), "/x", Sign::Answered(Duration::from_millis(ms))));
        window.size()
    }

    #[test]
    fn it_grows_by_one_for_each_window_of_answers_and_not_beyond_what_was_set() {
        let mut window = RequestWindow::new(8);
        assert_eq!(window.size(), 4);
        assert_eq!((answers(&mut window, 0, 4, 400), answers(&mut window, 0, 6, 400)), (4, 6));
        assert_eq!(answers(&mut window, 0, 100, 400), 8);
        assert_eq!(
            (RequestWindow::new(1).size(), RequestWindow::new(3).size(), RequestWindow::new(64).size()),
            (1, 3, 4)
        );
        assert_eq!(answers(&mut RequestWindow::new(1), 0, 100, 400), 1);
    }

    #[test]
    fn requests_that_are_turned_away_together_halve_it_once() {
        let mut window = RequestWindow::new(8);
        answers(&mut window, 0, 100, 400);
        for _ in 0..8 {
            window.saw(S(100), "/x", Sign::TurnedAway);
        }
        assert_eq!(window.size(), 4);
        window.saw(S(106), "/x", Sign::TurnedAway);
        window.saw(S(112), "/x", Sign::TurnedAway);
        window.saw(S(118), "/x", Sign::TurnedAway);
        assert_eq!(window.size(), 1);
        assert_eq!(answers(&mut window, 118, 1, 400), 2);
    }

    #[test]
    fn rising_latency_shrinks_it_and_flat_latency_does_not() {
        let mut window = RequestWindow::new(8);
        assert_eq!(answers(&mut window, 0, 200, 400), 8);
        assert_eq!(answers(&mut window, 0, 200, 500), 8, "a quarter more is nothing");
        let mut window = RequestWindow::new(8);
        answers(&mut window, 0, 200, 400);
        assert_eq!(answers(&mut window, 100, 10, 2_000), 6);
    }

    #[test]
    fn requests_are_compared_with_their_like() {
        let mut window = RequestWindow::new(8);
        for _ in 0..200 {
            window.saw(S(0), "/x", Sign::Answered(Duration::from_millis(2_000)));
            window.saw(S(0), "/x/count", Sign::Answered(Duration::from_millis(100)));
        }
        assert_eq!(window.size(), 8);
        (0..1_000).for_each(|at| window.took(&at.to_string(), 1.0));
        assert_eq!(window.usual.len(), KINDS);
    }
}
