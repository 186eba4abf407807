//! Points in time as the API writes them.

use std::{cmp::Ordering, fmt, str::FromStr};

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

/// A `date-time` of the API: the text as it came, and what it means.
///
/// The API writes `2025-05-06T09:39:56Z`, for instants and for calendar days (`T00:00:00Z`) alike. The text is kept, so
/// that a record that is read and written back doesn't change, and so that an odd date doesn't refuse its record.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(String);

impl Timestamp {
    /// Takes the text as it is.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text as it came.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The instant in UTC; a text without a zone is UTC, a date alone is midnight. `None` for any other text.
    #[must_use]
    pub fn instant(&self) -> Option<DateTime<Utc>> {
        if let Ok(instant) = DateTime::parse_from_rfc3339(&self.0) {
            return Some(instant.with_timezone(&Utc));
        }
        if let Ok(local) = NaiveDateTime::parse_from_str(&self.0, "%Y-%m-%dT%H:%M:%S%.f") {
            return Some(local.and_utc());
        }
        let date = NaiveDate::parse_from_str(&self.0, "%Y-%m-%d").ok()?;
        Some(date.and_time(NaiveTime::MIN).and_utc())
    }

    /// The calendar day as written, never shifted to another zone. `None` for a text that doesn't start with one.
    #[must_use]
    pub fn date(&self) -> Option<NaiveDate> {
        NaiveDate::parse_from_str(self.0.get(..10)?, "%Y-%m-%d").ok()
    }
}

/// By the instant; texts that are none come first. Of two texts for one instant, the text decides, as it does for `==`.
impl Ord for Timestamp {
    fn cmp(&self, other: &Self) -> Ordering {
        self.instant().cmp(&other.instant()).then_with(|| self.0.cmp(&other.0))
    }
}

impl PartialOrd for Timestamp {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A text that is no point in time in a form of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotTimestamp;

impl fmt::Display for NotTimestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the text is no time such as 2025-05-06T09:39:56Z or 2025-05-06")
    }
}

impl std::error::Error for NotTimestamp {}

impl FromStr for Timestamp {
    type Err = NotTimestamp;

    /// Takes the text as it is, if it is a point in time.
    fn from_str(text: &str) -> Result<Self, NotTimestamp> {
        let timestamp = Self::new(text);
        if timestamp.instant().is_some() { Ok(timestamp) } else { Err(NotTimestamp) }
    }
}

impl From<DateTime<Utc>> for Timestamp {
    /// As the API writes it: whole seconds, `Z`.
    fn from(instant: DateTime<Utc>) -> Self {
        Self(instant.to_rfc3339_opts(SecondsFormat::Secs, true))
    }
}

impl From<NaiveDate> for Timestamp {
    /// As the API writes a calendar day: midnight, `Z`.
    fn from(date: NaiveDate) -> Self {
        Self::from(date.and_time(NaiveTime::MIN).and_utc())
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::{NotTimestamp, Timestamp};

    #[test]
    fn reads_every_form_the_api_has_been_seen_to_write() {
        let instant = |text: &str| Timestamp::new(text).instant().map(|instant| instant.to_rfc3339());
        assert_eq!(instant("2025-05-06T09:39:56Z").as_deref(), Some("2025-05-06T09:39:56+00:00"));
        assert_eq!(instant("2025-05-06T09:39:56+02:00").as_deref(), Some("2025-05-06T07:39:56+00:00"));
        assert_eq!(instant("2025-05-06T09:39:56.5").as_deref(), Some("2025-05-06T09:39:56.500+00:00"));
        assert_eq!(instant("2025-05-06").as_deref(), Some("2025-05-06T00:00:00+00:00"));
        assert_eq!(instant("0001-01-01T00:00:00Z").as_deref(), Some("0001-01-01T00:00:00+00:00"));
        assert_eq!(instant("soon"), None);
        assert_eq!(instant(""), None);
    }

    #[test]
    fn times_are_ordered_by_the_instant_and_then_by_their_text() {
        let mut times: Vec<Timestamp> =
            ["2025-05-06T09:00:00-05:00", "soon", "2025-05-06T10:00:00Z", "2025-05-06T14:00:00Z", "2025-05-06"]
                .map(Timestamp::new)
                .into();
        times.sort();
        let texts: Vec<&str> = times.iter().map(Timestamp::as_str).collect();
        let expected =
            ["soon", "2025-05-06", "2025-05-06T10:00:00Z", "2025-05-06T09:00:00-05:00", "2025-05-06T14:00:00Z"];
        assert_eq!(texts, expected);
        assert_eq!("2025-05-06".parse(), Ok(Timestamp::new("2025-05-06")));
        assert_eq!("soon".parse::<Timestamp>(), Err(NotTimestamp));
    }

    #[test]
    fn the_day_is_as_written_and_text_survives() {
        let late = Timestamp::new("2025-05-06T23:30:00-05:00");
        assert_eq!(late.date().map(|day| day.to_string()).as_deref(), Some("2025-05-06"));
        assert_eq!(late.as_str(), "2025-05-06T23:30:00-05:00");
        assert_eq!(Timestamp::new("größer-als-zehn").date(), None);
        assert_eq!(Timestamp::from(late.date().unwrap()).as_str(), "2025-05-06T00:00:00Z");
    }
}
