//! How a server reads the dates of conditions. The documentation says UTC with a `Z`; servers were seen that find nothing
//! for such a date, and some that read it in their own time zone. Whoever asks for changes has to know, or misses them.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use connectwise_sdk::catalog::Entity;
use connectwise_sdk::conditions::{Condition, field};
use connectwise_sdk::{Client, Result};
use serde::Serialize;
use tokio::sync::Mutex;

/// No time zone is further from another than this.
const FURTHEST: i64 = 27 * 60;

/// How a date is written in a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DateForm {
    /// `[2026-01-31T00:00:00Z]`, as documented.
    #[default]
    Utc,
    /// `[2026-01-31T00:00:00]`.
    Naive,
}

/// How to write dates so that a condition finds all that it has to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Dates {
    /// How they are written.
    pub form: DateForm,
    /// How much later than written the server takes them to be: each is written so much earlier.
    pub late: TimeDelta,
}

impl Dates {
    /// `path` is at `time` or later.
    pub fn since(self, path: &'static str, time: DateTime<Utc>) -> Condition {
        let time = time - self.late;
        match self.form {
            DateForm::Utc => field(path).ge(time),
            DateForm::Naive => Condition::raw(format!("{path} >= [{}]", time.format("%Y-%m-%dT%H:%M:%S"))),
        }
    }
}

/// A record whose change time is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// Its key.
    pub key: i64,
    /// When it last changed, the server's time.
    pub time: DateTime<Utc>,
}

/// What a server does with dates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// They mean what they say.
    Exact(DateForm),
    /// They are taken as earlier than written: conditions find more than they ask for, and nothing is missed.
    Early(DateForm),
    /// They are taken as later than written by this much: conditions miss so much unless they ask for more.
    Late(DateForm, TimeDelta),
    /// No form of date finds a record that is there.
    Unusable,
}

impl Reading {
    /// What of it matters to a read, as one number that is stored with a table. 0 is what is documented.
    pub fn code(self) -> i64 {
        self.dates().map_or(-1, |dates| 2 * dates.late.num_minutes() + i64::from(dates.form == DateForm::Naive))
    }

    /// The reading that a [`code`](Self::code) stands for.
    pub fn of_code(code: i64) -> Self {
        let form = if code.rem_euclid(2) == 0 { DateForm::Utc } else { DateForm::Naive };
        match code {
            ..0 => Self::Unusable,
            0 | 1 => Self::Exact(form),
            _ => Self::Late(form, TimeDelta::minutes(code / 2)),
        }
    }

    /// How to write dates, `None` when there is no way.
    pub fn dates(self) -> Option<Dates> {
        match self {
            Self::Exact(form) | Self::Early(form) => Some(Dates { form, late: TimeDelta::zero() }),
            Self::Late(form, late) => Some(Dates { form, late }),
            Self::Unusable => None,
        }
    }
}

/// Finds out how the server reads dates, by asking for one known record with dates around its change time: two requests
/// where all is as documented, some thirty where nothing is.
///
/// # Errors
/// When the server refuses a request for another reason than the date.
pub async fn reading(client: &Client, entity: &Entity, path: &'static str, known: Known) -> Result<Reading> {
    let mut late = None;
    for form in [DateForm::Utc, DateForm::Naive] {
        let probe = Probe { client, entity, path, known, form };
        if probe.finds(0).await? {
            let exact = !probe.finds(1).await?;
            return Ok(if exact { Reading::Exact(form) } else { Reading::Early(form) });
        }
        if late.is_none() {
            late = probe.late().await?.map(|late| Reading::Late(form, late));
        }
    }
    Ok(late.unwrap_or(Reading::Unusable))
}

struct Probe<'a> {
    client: &'a Client,
    entity: &'a Entity,
    path: &'static str,
    known: Known,
    form: DateForm,
}

impl Probe<'_> {
    /// Whether the known record is found by a date so many seconds after its change.
    async fn finds(&self, seconds: i64) -> Result<bool> {
        let dates = Dates { form: self.form, late: TimeDelta::seconds(-seconds) };
        let condition = field(self.entity.key).eq(self.known.key) & dates.since(self.path, self.known.time);
        match found(self.client, self.entity, &condition).await {
            // A date that isn't understood finds nothing.
            Err(error) if error.status() == Some(400) => Ok(false),
            found => found,
        }
    }

    /// By how much dates are taken as later, to the minute above; `None` when none finds the record.
    async fn late(&self) -> Result<Option<TimeDelta>> {
        let mut misses = 0;
        let mut finds = FURTHEST;
        if !self.finds(-60 * finds).await? {
            return Ok(None);
        }
        while finds - misses > 1 {
            let middle = misses + (finds - misses) / 2;
            if self.finds(-60 * middle).await? { finds = middle } else { misses = middle }
        }
        Ok(Some(TimeDelta::minutes(finds)))
    }
}

/// Whether there is a record that meets the condition.
pub async fn found(client: &Client, entity: &Entity, condition: &Condition) -> Result<bool> {
    if let Some(records) = super::count(client, entity, Some(&condition.to_string())).await?.records {
        return Ok(records > 0);
    }
    let query = client
        .request(connectwise_sdk::Method::Get, entity.path)
        .largest_answer(super::FEW_RECORDS)
        .query("conditions", condition.to_string())
        .query("fields", entity.key)
        .query("pageSize", "1");
    Ok(!query.send().await?.json::<Vec<serde_json::Value>>()?.is_empty())
}

/// What the server of a run does with dates: asked for once a run, for the first entity that can tell.
#[derive(Debug, Clone, Default)]
pub struct DateProbe(Arc<Mutex<Option<Reading>>>);

impl DateProbe {
    /// The reading, found out with the newest record of `entity` where nobody has yet. It is taken to be as documented
    /// where there is no record, as nothing can be missed there.
    ///
    /// # Errors
    /// As `reading`.
    pub async fn of(
        &self,
        client: &Client,
        entity: &Entity,
        path: &'static str,
        newest: Option<Known>,
    ) -> Result<Reading> {
        let mut known = self.0.lock().await;
        if let Some(reading) = *known {
            return Ok(reading);
        }
        let Some(newest) = newest else { return Ok(Reading::Exact(DateForm::Utc)) };
        let probe = Probe { client, entity, path, known: newest, form: DateForm::Utc };
        let reading = if probe.finds(0).await? {
            // Whether more than that is found doesn't matter to a read.
            Reading::Exact(DateForm::Utc)
        } else if !found(client, entity, &field(entity.key).eq(newest.key)).await? {
            // It left the server meanwhile: the next entity will tell.
            return Ok(Reading::Exact(DateForm::Utc));
        } else {
            reading(client, entity, path, newest).await?
        };
        *known = Some(reading);
        Ok(reading)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_written_as_the_server_reads_it() {
        let noon = "2026-01-31T12:00:00Z".parse().unwrap_or_default();
        let written = |dates: Dates| dates.since("_info/lastUpdated", noon).to_string();
        assert_eq!(written(Dates::default()), "_info/lastUpdated >= [2026-01-31T12:00:00Z]");
        let late = TimeDelta::minutes(90);
        assert_eq!(written(Dates { late, ..Dates::default() }), "_info/lastUpdated >= [2026-01-31T10:30:00Z]");
        assert_eq!(written(Dates { form: DateForm::Naive, late }), "_info/lastUpdated >= [2026-01-31T10:30:00]");
        assert_eq!(Reading::Unusable.dates(), None);
        let readings = [
            Reading::Exact(DateForm::Utc),
            Reading::Exact(DateForm::Naive),
            Reading::Late(DateForm::Utc, late),
            Reading::Late(DateForm::Naive, late),
            Reading::Unusable,
        ];
        assert_eq!(readings.map(Reading::code), [0, 1, 180, 181, -1]);
        assert_eq!(readings.map(|reading| Reading::of_code(reading.code())), readings);
        assert_eq!(Reading::Early(DateForm::Utc).code(), 0, "it finds all that is asked for");
        assert_eq!(Reading::Early(DateForm::Naive).dates(), Some(Dates { form: DateForm::Naive, ..Dates::default() }));
    }
}
