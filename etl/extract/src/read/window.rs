//! How far back an incremental read goes.

use chrono::{DateTime, TimeDelta, Utc};

/// Changes carry the server's time in whole seconds and become visible a little later; what is this close to the
/// watermark is read again.
pub(super) const OVERLAP: TimeDelta = TimeDelta::minutes(15);

/// What is this close to the watermark is read again when the server reads dates in another way than before. A reading is off
/// by 27 hours at most, and what it hid lies no further back of the watermark than the loads that it was true for: a week holds
/// some daily ones, or one weekly.
pub const RESCAN: TimeDelta = TimeDelta::days(7);

/// How far back an incremental read goes. Everything widens it: nothing can make a run skip a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Changes since this moment are read again, where it lies before the watermark; the server's time.
    pub since: Option<DateTime<Utc>>,
    /// Days that replace those of every business-date window.
    pub lookback_days: Option<u32>,
    /// What is this close to the watermark is read again.
    pub overlap: TimeDelta,
}

impl Default for Window {
    fn default() -> Self {
        Self { since: None, lookback_days: None, overlap: OVERLAP }
    }
}

impl Window {
    /// From when on changes are read, where the watermark is known.
    pub fn from(&self, watermark: DateTime<Utc>) -> DateTime<Utc> {
        let overlapped = watermark - self.overlap;
        self.since.map_or(overlapped, |since| since.min(overlapped))
    }

    /// The same, and at least [`RESCAN`] back of the watermark.
    pub fn rescanning(self) -> Self {
        Self { overlap: self.overlap.max(RESCAN), ..self }
    }

    /// From when on business dates are read, for a window of so many days. They count back from the watermark and not
    /// from a clock: both ends are then the server's time.
    pub fn business(&self, watermark: DateTime<Utc>, days: u32) -> DateTime<Utc> {
        watermark - TimeDelta::days(i64::from(self.lookback_days.unwrap_or(days)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_makes_a_window_smaller_than_the_overlap() {
        let time = |text: &str| text.parse::<DateTime<Utc>>().unwrap_or_default();
        let watermark = time("2026-01-31T12:00:00Z");
        let since = |since: &str| Window { since: Some(time(since)), ..Window::default() }.from(watermark);
        assert_eq!(Window::default().from(watermark), time("2026-01-31T11:45:00Z"));
        assert_eq!(since("2026-01-01T00:00:00Z"), time("2026-01-01T00:00:00Z"));
        assert_eq!(since("2026-02-01T00:00:00Z"), time("2026-01-31T11:45:00Z"), "a later date would leave a gap");
        let again = Window::default().rescanning();
        assert_eq!(again.from(watermark), time("2026-01-24T12:00:00Z"));
        let month = Window { overlap: TimeDelta::days(30), ..Window::default() }.rescanning();
        assert_eq!(month.from(watermark), time("2026-01-01T12:00:00Z"), "what is wider stays");
        let wide = Window { lookback_days: Some(2), ..Window::default() };
        assert_eq!(wide.business(watermark, 30), time("2026-01-29T12:00:00Z"));
        assert_eq!(Window::default().business(watermark, 30), time("2026-01-01T12:00:00Z"));
    }
}
