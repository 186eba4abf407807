//! How long an answer is on its way: so long for a request and for each of its rows, drawn around it from the seed.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::data::rng::Draw;

/// Times of requests lie within this share of the one that is set, in percent to either side.
const SPREAD: u64 = 25;

/// The stream of random numbers that these are drawn from.
const STREAM: u64 = 96;

/// The longest time that an answer may take: clients give up before.
const LONGEST: Duration = Duration::from_secs(3_600);

/// How many rows an answer shows, for whoever sends it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rows(pub(crate) u64);

/// How long answers are on their way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Latency {
    pub(crate) per_request: Duration,
    pub(crate) per_row: Duration,
}

/// `{"request":"400ms","row":"0.5ms"}`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    request: Option<String>,
    row: Option<String>,
}

impl Latency {
    /// As a client of `/_sim/latency` says it; what it doesn't say is none.
    pub(crate) fn read(body: &[u8]) -> Result<Self, String> {
        let said: Said = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        let time = |text: Option<String>| text.map_or(Ok(Duration::ZERO), |text| duration(&text));
        Ok(Self { per_request: time(said.request)?, per_row: time(said.row)? })
    }

    pub(crate) fn told(self) -> Json {
        let text = |time: Duration| format!("{}ms", time.as_secs_f64() * 1e3);
        json!({ "request": text(self.per_request), "row": text(self.per_row) })
    }

    /// How long the answer to request number `number` takes, when it has so many rows.
    pub(crate) fn of(self, seed: u64, number: u64, rows: u64) -> Duration {
        let drawn = Draw::of(seed, STREAM, number).below(0, 2 * SPREAD * 100 + 1);
        let share = 1.0 + (drawn as f64 / 100.0 - SPREAD as f64) / 100.0;
        let rows = u32::try_from(rows).unwrap_or(u32::MAX);
        self.per_request.mul_f64(share).saturating_add(self.per_row.saturating_mul(rows)).min(LONGEST)
    }
}

/// A time as people write it: `400ms`, `0.5ms`, `200us`, `1.5s`.
///
/// # Errors
/// One sentence, where it is no such time, or longer than an hour.
pub fn duration(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let unit = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(unit);
    let seconds = match unit {
        "s" => Some(1.0),
        "ms" => Some(1e-3),
        "us" => Some(1e-6),
        _ => None,
    };
    let time = number.trim().parse::<f64>().ok().zip(seconds).map(|(number, unit)| number * unit);
    let time = time.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).filter(|time| *time <= LONGEST);
    time.ok_or_else(|| format!("{text:?} is no time: write it as 400ms, 0.5ms or 1.5s, up to an hour"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        for (text, micros) in [
            ("400ms", 400_000),
            ("0.5ms", 500),
            (" 1.5 s", 1_500_000),
            ("20us", 20),
            ("0s", 0),
            ("3600s", 3_600_000_000),
        ] {
            assert_eq!(duration(text).map(|time| time.as_micros()), Ok(micros), "{text}");
        }
        for text in ["", "400", "ms", "-1s", "1h", "NaNs", "infs", "3601s", "1 2s", "1e300s"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_seed_gives_the_same_times_whose_mean_is_what_was_set() {
        let latency = Latency { per_request: Duration::from_millis(400), per_row: Duration::from_micros(500) };
        let times = |seed| (0..2_000).map(|number| latency.of(seed, number, 0)).collect::<Vec<_>>();
        let one = times(1);
        assert_eq!(one, times(1));
        assert_ne!(one, times(2));
        let ms = |time: &Duration| time.as_secs_f64() * 1e3;
        assert!(one.iter().all(|time| (300.0..=500.0).contains(&ms(time))));
        let mean = one.iter().map(ms).sum::<f64>() / one.len() as f64;
        assert!((395.0..405.0).contains(&mean), "{mean}");
        assert_eq!(latency.of(1, 7, 1_000) - latency.of(1, 7, 0), Duration::from_millis(500));
        assert_eq!(Latency::default().of(1, 7, 1_000), Duration::ZERO);
    }

    #[test]
    fn what_is_told_can_be_said() {
        let latency = Latency::read(br#"{"request":"400ms","row":"0.5ms"}"#).unwrap();
        assert_eq!(latency.told(), json!({ "request": "400ms", "row": "0.5ms" }));
        assert_eq!(Latency::read(latency.told().to_string().as_bytes()), Ok(latency));
        assert_eq!(Latency::read(b"{}"), Ok(Latency::default()));
        assert!(Latency::read(br#"{"requests":"1s"}"#).is_err());
    }
}
