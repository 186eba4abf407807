//! Up to which change time a load may say that it has seen all changes.
//!
//! The newest record's change time alone won't do: a time that lies in the future would hide every change until then. So it
//! counts only as far as the server's own clock goes. `docs/decisions/0023-watermark-and-server-clock.md` says why this misses
//! nothing.

use std::time::SystemTime;

use chrono::{DateTime, TimeDelta, Utc};
use connectwise_sdk::catalog::{Entity, Load};
use connectwise_sdk::{Client, Method, Response};
use serde_json::Value;

use super::window::{OVERLAP, RESCAN, Window};
use super::{Known, MOST_UNREADABLE, source_error};
use crate::error::Result;

/// Without a `Date` header the server's time is this machine's, give or take so much.
const UNTOLD: TimeDelta = TimeDelta::days(1);

/// No time zone is further from another than this.
const FURTHEST: TimeDelta = TimeDelta::hours(27);

/// Records that are looked at to find the newest one that didn't change in the future.
const LOOKED_AT: usize = 1_000;

/// Ids that a message names.
const NAMED: usize = 5;

/// The server's time when it answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerClock {
    /// It is at least this.
    pub least: DateTime<Utc>,
    /// It is at most this. The same where the server told its time.
    pub most: DateTime<Utc>,
}

impl ServerClock {
    /// As an answer tells it; `here` is this machine's clock.
    pub fn of(answer: &Response, here: DateTime<Utc>) -> Self {
        Self::told(answer.date(), here)
    }

    fn told(date: Option<SystemTime>, here: DateTime<Utc>) -> Self {
        // A date of the Unix epoch is what a machine says that doesn't know its time.
        let date = date.map(DateTime::<Utc>::from).filter(|date| date.timestamp() > 0);
        date.map_or(Self { least: here - UNTOLD, most: here + UNTOLD }, |date| Self { least: date, most: date })
    }

    /// Whether a change at this time can't have happened yet. Clocks of one server may differ by as much as a read overlaps.
    pub fn is_future(self, time: DateTime<Utc>) -> bool {
        time > self.most + OVERLAP
    }
}

/// The newest record of an entity, and when the server said so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Newest {
    /// The record; `None` where the list is empty, has no change time, or hides it from the role.
    pub known: Option<Known>,
    /// `None` where nobody was asked.
    pub clock: Option<ServerClock>,
}

/// Records whose change time lies in the future by the server's clock.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ahead {
    /// Their keys, those that change last first.
    pub keys: Vec<i64>,
    /// Whether there may be more of them.
    pub more: bool,
}

impl Ahead {
    /// How many there are, and the ids of some; `None` where there are none.
    pub fn named(&self) -> Option<String> {
        let some: Vec<String> = self.keys.iter().take(NAMED).map(i64::to_string).collect();
        let count = self.keys.len();
        let (least, such) =
            (if self.more { "at least " } else { "" }, if count > some.len() || self.more { "such as " } else { "" });
        (count > 0).then(|| format!("{least}{count} ({such}{})", some.join(", ")))
    }
}

/// What a load measured before it read anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measured {
    /// The record that changed last, of those that didn't change in the future where there are any.
    pub newest: Option<Known>,
    /// Changes up to this time are seen by a read that begins now. `None` where the records show no change time.
    pub watermark: Option<DateTime<Utc>>,
    /// Records that say they changed in the future.
    pub ahead: Ahead,
    /// The watermark that the table had.
    stored: Option<DateTime<Utc>>,
    clock: Option<ServerClock>,
}

/// From where on an incremental load reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadFrom {
    /// Everything: there is no watermark, or none that can be right.
    Start,
    /// What changed since this watermark. The second says whether a week before it is read again.
    Watermark(DateTime<Utc>, bool),
}

impl Measured {
    /// Asks the server for its newest record and its time. `stored` is the watermark that the table has.
    ///
    /// # Errors
    /// [`Kind::Source`](crate::error::Kind::Source) when the server refuses the request.
    pub async fn ask(client: &Client, entity: &Entity, stored: Option<DateTime<Utc>>, window: Window) -> Result<Self> {
        let Newest { known, clock } = super::newest(client, entity).await?;
        let ahead = match (known, clock, entity.load) {
            (Some(known), Some(clock), Load::Incremental { watermark: path, .. }) if clock.is_future(known.time) => {
                Some(latest(client, entity, path).await.unwrap_or_else(|| vec![known]))
            }
            _ => None,
        };
        Ok(Self::judge(known, ahead, clock, stored, window))
    }

    /// Like [`ask`](Self::ask), from a newest record that is known already. `None` if the server has to be asked again: there
    /// is no record although the table has a watermark, the record changed in the future or before the watermark, or the
    /// watermark is ahead of the server's clock.
    pub fn told(newest: Newest, stored: Option<DateTime<Utc>>, window: Window) -> Option<Self> {
        let Newest { known, clock } = newest;
        let is_odd = |known: Known| {
            clock.is_none_or(|clock| clock.is_future(known.time)) || stored.is_some_and(|stored| known.time < stored)
        };
        if known.map_or(stored.is_some(), is_odd) {
            return None;
        }
        Some(Self::judge(known, None, clock, stored, window)).filter(|measured| !measured.is_ahead_of_clock())
    }

    /// Lower bound of the server's time at the request; `None` if no request was sent.
    pub fn server_time(&self) -> Option<DateTime<Utc>> {
        self.clock.map(|clock| clock.least)
    }

    fn judge(
        known: Option<Known>,
        latest: Option<Vec<Known>>,
        clock: Option<ServerClock>,
        stored: Option<DateTime<Utc>>,
        window: Window,
    ) -> Self {
        let overlap = window.overlap.max(OVERLAP);
        let mut newest = known;
        let mut ahead = Ahead::default();
        let limit = clock.map(|clock| clock.least - overlap);
        let watermark = match (clock, latest) {
            (Some(clock), Some(latest)) => {
                let past = latest.iter().copied().find(|known| !clock.is_future(known.time));
                ahead.keys = latest.iter().filter(|known| clock.is_future(known.time)).map(|known| known.key).collect();
                ahead.more = past.is_none() && (latest.len() >= LOOKED_AT || latest.len() == 1);
                newest = past.or(known);
                // A server that writes its local time as UTC has changes that far behind its clock.
                past.map(|past| past.time).or(limit.map(|limit| limit - FURTHEST))
            }
            _ => known.map(|known| known.time),
        };
        let watermark = watermark.map(|time| limit.map_or(time, |limit| time.min(limit)));
        Self { newest, watermark, ahead, stored, clock }
    }

    /// Whether the stored watermark lies ahead of the server's clock, so that changes up to it may have been missed.
    pub fn is_ahead_of_clock(&self) -> bool {
        self.stored.zip(self.clock).is_some_and(|(stored, clock)| stored > clock.most)
    }

    /// Whether no record changed as late as the table says that it has seen changes.
    fn is_below_stored(&self) -> bool {
        self.stored.zip(self.newest).is_some_and(|(stored, newest)| newest.time < stored)
    }

    /// From where on an incremental load reads.
    pub fn reads_from(&self) -> ReadFrom {
        match (self.stored, self.newest) {
            (None, _) => ReadFrom::Start,
            _ if self.is_ahead_of_clock() => ReadFrom::Start,
            (Some(_), Some(newest)) if self.is_below_stored() => ReadFrom::Watermark(newest.time, true),
            (Some(stored), _) => ReadFrom::Watermark(stored, false),
        }
    }

    /// What the next load starts from: what was measured, and what is stored where nothing could be.
    pub fn next(&self) -> Option<DateTime<Utc>> {
        self.watermark.or(self.stored)
    }

    /// Whether the stored watermark has to be lowered, whatever the load finds.
    pub fn lowers(&self) -> bool {
        self.is_ahead_of_clock() || self.is_below_stored()
    }

    /// What deserves a look: records that changed in the future, and a watermark that can't be right or may not be.
    pub fn warnings(&self, entity: &Entity) -> Vec<String> {
        let mut warnings = Vec::new();
        if let (Some(named), Some(clock)) = (self.ahead.named(), self.clock) {
            warnings.push(format!(
                "records of {} say that they changed in the future, after {} by the server's clock: {named}; they are read \
                 like all others and the watermark doesn't follow them, so put their dates right in the PSA",
                entity.name,
                minute(clock.most)
            ));
        }
        match self.stored.zip(self.next()) {
            Some((stored, next)) if self.is_ahead_of_clock() => warnings.push(format!(
                "the stored watermark {} lay ahead of the server's clock, so that changes may have been missed: all of {} \
                 was read again, and the watermark is now {}",
                minute(stored),
                entity.name,
                minute(next)
            )),
            Some((stored, next)) if self.is_below_stored() => warnings.push(format!(
                "no record of {} changed as late as the stored watermark {}: the newest record was deleted or hidden from \
                 the role, or the watermark was wrong; the {} days before {} are read again and the watermark is set to \
                 it, and if rows are missing or old, run with --full",
                entity.name,
                minute(stored),
                RESCAN.num_days(),
                minute(next)
            )),
            _ => {}
        }
        warnings
    }
}

fn minute(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M UTC").to_string()
}

/// The records that changed last, the last one first; `None` where the server doesn't give them.
async fn latest(client: &Client, entity: &Entity, path: &str) -> Option<Vec<Known>> {
    let request = client.request(Method::Get, entity.path).expects_array();
    let request = request.query("fields", format!("{},{path}", entity.key)).query("orderBy", format!("{path} desc"));
    let answer = request.query("pageSize", LOOKED_AT.to_string()).query("page", "1").send().await.ok()?;
    let records = answer.json::<Vec<Value>>().ok()?;
    let known: Vec<Known> = records.iter().filter_map(|record| known(entity, path, record)).collect();
    (!known.is_empty()).then_some(known)
}

/// The record that changed last, and the server's time: see [`Measured`] for what a load makes of them.
///
/// It has to be asked for before a read: a record that changes behind the reader's back carries a later time, so the next
/// run finds it. The highest time among the records read would lie after such changes and hide them.
///
/// # Errors
/// [`Kind::Source`](crate::error::Kind::Source) when the server refuses the request.
pub async fn newest(client: &Client, entity: &Entity) -> Result<Newest> {
    ask(client, entity, false).await
}

/// Like [`newest`], with a single attempt and no search behind unreadable records. `None` on any error: the entity's own load
/// asks again.
pub(super) async fn newest_at_once(client: &Client, entity: &Entity) -> Option<Newest> {
    ask(client, entity, true).await.ok()
}

async fn ask(client: &Client, entity: &Entity, at_once: bool) -> Result<Newest> {
    let Load::Incremental { watermark: path, .. } = entity.load else { return Ok(Newest { known: None, clock: None }) };
    // A clock that is read before the request is behind at worst.
    let here = Utc::now();
    let mut page = 1;
    // A record that the server can't give is passed over, as a read does: else it would keep all others back.
    loop {
        let request = client.request(Method::Get, entity.path).expects_array();
        let request = request.query("fields", format!("{},{path}", entity.key));
        let request = request.query("orderBy", format!("{path} desc")).query("pageSize", "1");
        // Where the server fails on everything, the pages behind the first needn't all be waited for.
        let request = if page > 1 || at_once { request.patience(1) } else { request };
        match request.query("page", page.to_string()).send().await {
            Ok(answer) => {
                let clock = Some(ServerClock::of(&answer, here));
                let records = answer.json::<Vec<Value>>().map_err(|error| source_error(entity, error))?;
                return Ok(Newest { known: records.first().and_then(|record| known(entity, path, record)), clock });
            }
            Err(error) if !at_once && page <= MOST_UNREADABLE && error.status() == Some(500) => page += 1,
            Err(error) => return Err(source_error(entity, error)),
        }
    }
}

pub(super) fn known(entity: &Entity, path: &str, record: &Value) -> Option<Known> {
    let time = DateTime::parse_from_rfc3339(record.pointer(&format!("/{path}"))?.as_str()?).ok()?;
    Some(Known { key: record.get(entity.key)?.as_i64()?, time: time.with_timezone(&Utc) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn at(text: &str) -> Option<Known> {
        Some(Known { key: 1, time: time(text) })
    }

    fn told(clock: &str) -> Option<ServerClock> {
        Some(ServerClock { least: time(clock), most: time(clock) })
    }

    fn measured(known: Option<Known>, clock: Option<ServerClock>, stored: Option<&str>) -> Measured {
        let latest =
            known.filter(|known| clock.is_some_and(|clock| clock.is_future(known.time))).map(|known| vec![known]);
        Measured::judge(known, latest, clock, stored.map(time), Window::default())
    }

    const NOON: &str = "2026-01-31T12:00:00Z";

    #[test]
    fn a_watermark_is_never_later_than_the_servers_clock_less_the_overlap() {
        let watermark = |newest: &str| measured(at(newest), told(NOON), None).watermark;
        assert_eq!(watermark("2026-01-30T00:00:00Z"), Some(time("2026-01-30T00:00:00Z")));
        for newest in ["2026-01-31T11:45:00Z", "2026-01-31T11:59:59Z", NOON, "2026-01-31T12:14:00Z"] {
            assert_eq!(watermark(newest), Some(time("2026-01-31T11:45:00Z")), "{newest}");
        }
        // What lies behind the future isn't known: it may be written in a time zone that is behind.
        assert_eq!(watermark("2099-01-01T00:00:00Z"), Some(time("2026-01-30T08:45:00Z")));
        let wide = Window { overlap: TimeDelta::hours(2), ..Window::default() };
        let measured = |window| Measured::judge(at(NOON), None, told(NOON), None, window).watermark;
        assert_eq!(measured(wide), Some(time("2026-01-31T10:00:00Z")));
        let none = Window { overlap: TimeDelta::zero(), ..Window::default() };
        assert_eq!(measured(none), Some(time("2026-01-31T11:45:00Z")), "the clock's margin isn't the reader's");
    }

    #[test]
    fn the_newest_record_behind_those_in_the_future_counts() {
        let known = |key, text: &str| Known { key, time: time(text) };
        let latest =
            vec![known(7, "2099-01-01T00:00:00Z"), known(9, "2026-02-01T00:00:00Z"), known(3, "2026-01-31T04:00:00Z")];
        let found = Measured::judge(Some(latest[0]), Some(latest.clone()), told(NOON), None, Window::default());
        assert_eq!((found.watermark, found.newest), (Some(latest[2].time), Some(latest[2])));
        assert_eq!(found.ahead, Ahead { keys: vec![7, 9], more: false });
        assert_eq!(found.ahead.named().as_deref(), Some("2 (7, 9)"));
        let many = Ahead { keys: (1..=1_000).collect(), more: true };
        assert_eq!(many.named().as_deref(), Some("at least 1000 (such as 1, 2, 3, 4, 5)"));
    }

    #[test]
    fn without_a_date_this_machines_clock_counts_less_a_day() {
        let here = time(NOON);
        let none = ServerClock::told(None, here);
        assert_eq!((none.least, none.most), (time("2026-01-30T12:00:00Z"), time("2026-02-01T12:00:00Z")));
        assert_eq!(ServerClock::told(Some(SystemTime::UNIX_EPOCH), here), none);
        let told = ServerClock::told(Some(time("2020-01-01T00:00:00Z").into()), here);
        assert_eq!((told.least, told.most), (time("2020-01-01T00:00:00Z"), time("2020-01-01T00:00:00Z")));
        let measured = measured(at(NOON), Some(none), Some("2026-01-31T11:00:00Z"));
        assert_eq!(measured.watermark, Some(time("2026-01-30T11:45:00Z")));
        assert!(!measured.is_ahead_of_clock(), "that can't be said by less than a day");
        assert_eq!(measured.reads_from(), ReadFrom::Watermark(time("2026-01-31T11:00:00Z"), false));
    }

    #[test]
    fn a_watermark_that_cant_be_right_is_read_from_the_start() {
        let newest = "2026-01-31T08:00:00Z";
        let poisoned = measured(at(newest), told(NOON), Some("2099-01-01T00:00:00Z"));
        assert_eq!((poisoned.reads_from(), poisoned.next()), (ReadFrom::Start, Some(time(newest))));
        assert!(poisoned.lowers());
        let below = measured(at(newest), told(NOON), Some("2026-01-31T09:00:00Z"));
        assert_eq!((below.reads_from(), below.lowers()), (ReadFrom::Watermark(time(newest), true), true));
        let usual = measured(at(newest), told(NOON), Some("2026-01-30T09:00:00Z"));
        assert_eq!(
            (usual.reads_from(), usual.lowers()),
            (ReadFrom::Watermark(time("2026-01-30T09:00:00Z"), false), false)
        );
        // Equal times: nothing changed since.
        let equal = measured(at(newest), told(NOON), Some(newest));
        assert_eq!((equal.reads_from(), equal.lowers()), (ReadFrom::Watermark(time(newest), false), false));
        // A list that is empty, or that hides its change times, says nothing.
        let hidden = measured(None, told(NOON), Some(newest));
        assert_eq!((hidden.next(), hidden.lowers()), (Some(time(newest)), false));
    }
}
