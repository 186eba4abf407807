//! Whether what a sweep found may be believed.

use std::fmt;

/// Largest share of a table's rows that one reconcile deletes, in percent. A tenant deletes a row now and then; a lost
/// right, a moved role or a half-working server takes away a module, a location or a third of the rows at once.
pub const MAX_SHARE: f64 = 5.0;

/// So many rows may go whatever their share, as five percent of a small table is less than a row ...
const FLOOR: u64 = 5;

/// ... but never more than this part of it, since a narrowed role is most dangerous where little is left to notice it by.
const FLOOR_PART: u64 = 4;

/// What to do about a role that seems to be narrowed.
const ASK: &str = "ask the PSA administrator whether each right of it is Inquire = All, or run once with --max-share 100 if the \
                   rows are really gone";

/// What is known before any record is asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Facts {
    /// Rows of the table.
    pub stored: u64,
    /// Records that the sweep listed.
    pub listed: u64,
    /// Rows of the table that the sweep didn't list.
    pub missing: u64,
    /// What the server counted before and after the sweep, where it can count.
    pub counted: Option<(u64, u64)>,
    /// Limit in percent.
    pub max_share: f64,
}

impl Facts {
    /// Rows that may be missing. A limit raised by hand counts for small tables too.
    fn limit(&self) -> u64 {
        let share = (self.stored as f64 * self.max_share / 100.0).floor() as u64;
        // A limit of 0 is meant.
        if self.max_share > 0.0 { share.max(FLOOR.min(self.stored / FLOOR_PART)) } else { 0 }
    }
}

/// Why nothing is deleted.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Guard {
    /// The sweep listed nothing, and the table has rows.
    Empty {
        /// Rows of the table.
        stored: u64,
    },
    /// The sweep listed more or fewer records than the server counts.
    Count {
        /// Records that the sweep listed.
        listed: u64,
        /// Counted before.
        before: u64,
        /// Counted after.
        after: u64,
    },
    /// Too many rows are missing.
    Share {
        /// Missing rows.
        missing: u64,
        /// Rows of the table.
        stored: u64,
        /// Missing rows that would be believed.
        limit: u64,
    },
    /// Records no longer show when they were changed, and did so before.
    NoChangeTime,
    /// All rows are missing that have this value, which deletions hardly ever hit on.
    Narrowed {
        /// Property that they share.
        column: String,
        /// Its value, or the id of what it refers to.
        value: i64,
        /// Rows that have it.
        rows: u64,
    },
    /// Records that were just listed can't be had alone.
    Blind {
        /// What the server said of one of them.
        said: String,
    },
    /// A record that wasn't listed is there.
    StillThere {
        /// Its key.
        key: i64,
    },
    /// The question whether a record is there got neither yes nor no.
    Unclear {
        /// Its key.
        key: i64,
        /// What the server said.
        answer: String,
    },
}

impl fmt::Display for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty { stored } => write!(
                f,
                "the server lists no record and the table has {stored} rows: a lost right is likelier than an empty tenant"
            ),
            Self::Count { listed, before, after } => write!(
                f,
                "the server listed {listed} records and counts {before} before and {after} after: run again when less changes"
            ),
            Self::Share { missing, stored, limit } => write!(
                f,
                "{missing} of {stored} rows are missing and at most {limit} are believed: check the rights of the API \
                 member, then raise --max-share if they are really gone"
            ),
            Self::NoChangeTime => write!(
                f,
                "records no longer show when they were changed, so the role of the API member sees less than it did: {ASK}"
            ),
            Self::Narrowed { column, value, rows } => write!(
                f,
                "all {rows} rows whose {column} is {value} are missing, and no other row is like them: a role that sees less \
                 than it did looks like this, so {ASK}"
            ),
            Self::StillThere { key } => write!(
                f,
                "record {key} wasn't listed and is there, so that missing rows say nothing: run again when less changes"
            ),
            Self::Blind { said } => write!(
                f,
                "records that were just listed can't be read one by one ({said}), so that \"not found\" says nothing: check \
                 the rights of the API member"
            ),
            Self::Unclear { key, answer } => write!(
                f,
                "whether record {key} is gone is unclear ({answer}): check the rights of the API member and run again"
            ),
        }
    }
}

/// Whether missing rows may be asked for and deleted.
///
/// # Errors
/// The first guard that speaks against it. A count may differ by what changed while the sweep went on, and by no more.
pub(crate) fn may_delete(facts: &Facts) -> Result<(), Guard> {
    if facts.listed == 0 && facts.stored > 0 {
        return Err(Guard::Empty { stored: facts.stored });
    }
    if let Some((before, after)) = facts.counted
        && !(before.min(after)..=before.max(after)).contains(&facts.listed)
    {
        return Err(Guard::Count { listed: facts.listed, before, after });
    }
    let limit = facts.limit();
    if facts.missing > limit {
        return Err(Guard::Share { missing: facts.missing, stored: facts.stored, limit });
    }
    Ok(())
}

/// What the server says about one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Presence {
    /// It is there.
    There,
    /// It is not found.
    Gone,
    /// Anything else.
    Unclear(String),
}

/// The keys that are gone.
///
/// # Errors
/// [`Guard::Unclear`] when a single answer is neither yes nor no: what refused one may have bent the others.
pub(crate) fn verdict(answers: &[(i64, Presence)]) -> Result<Vec<i64>, Guard> {
    let mut gone = Vec::new();
    for (key, answer) in answers {
        match answer {
            Presence::Gone => gone.push(*key),
            Presence::There => {}
            Presence::Unclear(answer) => return Err(Guard::Unclear { key: *key, answer: answer.clone() }),
        }
    }
    Ok(gone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_believed() {
        let share = |missing, stored, limit| Err(Guard::Share { missing, stored, limit });
        let count = |listed, before, after| Err(Guard::Count { listed, before, after });
        #[rustfmt::skip]
        let table = [
            // stored, listed, missing, counted, percent, verdict
            (0, 0, 0, Some((0, 0)), 5.0, Ok(())),
            (1_000, 1_000, 0, Some((1_000, 1_000)), 5.0, Ok(())),
            (1_000, 950, 50, Some((950, 950)), 5.0, Ok(())),
            (1_000, 949, 51, Some((949, 949)), 5.0, share(51, 1_000, 50)),
            (1_000, 949, 51, Some((949, 949)), 5.1, Ok(())),
            // Two thirds, as a role that sees only its own leaves.
            (1_000, 333, 667, Some((333, 333)), 5.0, share(667, 1_000, 50)),
            (12, 4, 8, Some((4, 4)), 5.0, share(8, 12, 3)),
            // Small tables: five rows, and at most a quarter.
            (20, 15, 5, None, 5.0, Ok(())),
            (40, 34, 6, None, 5.0, share(6, 40, 5)),
            (3, 2, 1, None, 5.0, share(1, 3, 0)),
            (3, 2, 1, None, 50.0, Ok(())),
            (1_000, 999, 1, None, 0.0, share(1, 1_000, 0)),
            // Nothing listed is never believed.
            (10, 0, 10, Some((0, 0)), 100.0, Err(Guard::Empty { stored: 10 })),
            (10, 0, 10, None, 100.0, Err(Guard::Empty { stored: 10 })),
            // Between the two counts, both included.
            (100, 101, 0, Some((100, 102)), 5.0, Ok(())),
            (100, 99, 1, Some((100, 99)), 5.0, Ok(())),
            (100, 98, 2, Some((100, 99)), 5.0, count(98, 100, 99)),
            (100, 100, 0, Some((90, 90)), 5.0, count(100, 90, 90)),
        ];
        for (stored, listed, missing, counted, max_share, expected) in table {
            let facts = Facts { stored, listed, missing, counted, max_share };
            assert_eq!(may_delete(&facts), expected, "{facts:?}");
        }
    }

    #[test]
    fn one_unclear_answer_saves_all() {
        let answers = [(1, Presence::Gone), (2, Presence::There), (3, Presence::Gone)];
        assert_eq!(verdict(&answers), Ok(vec![1, 3]));
        let answers = [(1, Presence::Gone), (2, Presence::Unclear("403".to_owned()))];
        assert_eq!(verdict(&answers), Err(Guard::Unclear { key: 2, answer: "403".to_owned() }));
    }
}
