//! How many requests are under way at once, and how many come in a second: what a limit of either is held against.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::state::State;

const SECOND: Duration = Duration::from_secs(1);

/// Requests as they come and are answered.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    /// Requests that aren't answered yet.
    pub(crate) under_way: u64,
    /// The most that ever were at once.
    pub(crate) most_under_way: u64,
    /// The highest number of requests that arrived within one second.
    pub(crate) most_in_a_second: u64,
    last: VecDeque<Instant>,
}

impl Traffic {
    fn came(&mut self, now: Instant) {
        self.under_way += 1;
        self.most_under_way = self.most_under_way.max(self.under_way);
        while self.last.front().is_some_and(|asked| now.duration_since(*asked) >= SECOND) {
            self.last.pop_front();
        }
        self.last.push_back(now);
        self.most_in_a_second = self.most_in_a_second.max(self.last.len() as u64);
    }

    /// Forgets what was, but for what is under way.
    pub(crate) fn forget(&mut self) {
        *self = Self { under_way: self.under_way, most_under_way: self.under_way, ..Self::default() };
    }
}

/// A request that is under way until this is dropped, by its answer or by a client that hangs up.
pub(crate) struct UnderWay(Arc<State>);

impl UnderWay {
    pub(crate) fn begin(state: &Arc<State>) -> Self {
        state.traffic().came(Instant::now());
        Self(Arc::clone(state))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut traffic = self.0.traffic();
        traffic.under_way = traffic.under_way.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_second_counts_and_not_only_whole_ones() {
        let (mut traffic, start) = (Traffic::default(), Instant::now());
        for ms in [0, 800, 900, 1_000, 1_700, 2_500] {
            traffic.came(start + Duration::from_millis(ms));
        }
        assert_eq!(traffic.most_in_a_second, 4, "those of 0.8 to 1.7 s");
        assert_eq!(traffic.most_under_way, 6);
        traffic.under_way = 2;
        traffic.forget();
        assert_eq!((traffic.under_way, traffic.most_under_way, traffic.most_in_a_second), (2, 2, 0));
    }
}
