//! Two runs at one table: who comes second starts over.

use std::time::Duration;

use super::{Lake, TableName};
use crate::error::{Error, Kind, Result};

/// Times that one table is tried. Runs that started together drift apart after the first conflict.
const ATTEMPTS: u32 = 6;

/// Counts how often a write lost against other runs, which is a [`Kind::Conflict`]. Whoever reads a table and commits upon
/// the version that it read ([`Commit::upon`](super::Commit::upon)) reads and compares again after each loss.
#[derive(Debug)]
pub struct Race {
    table: TableName,
    losses: u32,
    pause: fn(u32) -> Duration,
}

impl Race {
    /// For writing one table.
    pub fn new(table: TableName) -> Self {
        Self { table, losses: 0, pause }
    }

    /// Waits a little after a lost race, so that the work can start over.
    ///
    /// # Errors
    /// `error` itself when it is no conflict, and one that says what to do when there were too many.
    pub async fn lost(&mut self, error: Error) -> Result<()> {
        if error.kind() != Kind::Conflict {
            return Err(error);
        }
        self.losses += 1;
        if self.losses == ATTEMPTS {
            let table = &self.table;
            return Err(Error::new(
                Kind::Conflict,
                format!(
                    "{table} was changed by another run each of the {ATTEMPTS} times that this one was about to write \
                     it, and is as the other left it: run again when no other run is at work"
                ),
            ));
        }
        tracing::info!("{error}; starting over, attempt {} of {ATTEMPTS}", self.losses + 1);
        tokio::time::sleep((self.pause)(self.losses)).await;
        Ok(())
    }
}

/// Versions of tables before they were read. A table is opened more than once while rows are compared, and files that an
/// earlier look found are no longer those of a version that another run made meanwhile.
#[derive(Debug)]
pub struct Versions(Vec<(TableName, Option<u64>)>);

impl Versions {
    /// The versions now.
    ///
    /// # Errors
    /// [`Kind::Lake`] when a log can't be read.
    pub async fn note(lake: &Lake, tables: impl IntoIterator<Item = TableName>) -> Result<Self> {
        let mut noted = Vec::new();
        for table in tables {
            let version = lake.version(&table).await?;
            noted.push((table, version));
        }
        Ok(Self(noted))
    }

    /// The version of a table that is known already.
    pub fn of(table: TableName, version: Option<u64>) -> Self {
        Self(vec![(table, version)])
    }

    /// A failure to read, test or write rows as a [`Kind::Conflict`], where one of the tables has another version by now.
    pub async fn judge(&self, lake: &Lake, error: Error) -> Error {
        if !matches!(error.kind(), Kind::Lake | Kind::Sql | Kind::Contract) {
            return error;
        }
        for (table, before) in &self.0 {
            if lake.version(table).await.is_ok_and(|now| now != *before) {
                let why = format!("{table} was changed by another run while it was read");
                return Error::new(Kind::Conflict, why).with_source(error);
            }
        }
        error
    }
}

/// Longer each time, and not the same for two runs that collided.
fn pause(losses: u32) -> Duration {
    let jitter = (uuid::Uuid::now_v7().as_u128() % 200) as u64;
    Duration::from_millis(u64::from(losses) * 100 + jitter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_few_losses_are_borne_and_then_one_sentence_says_what_to_do() {
        let mut race = Race { pause: |_| Duration::ZERO, ..Race::new(TableName::bronze("member")) };
        for _ in 1..ATTEMPTS {
            race.lost(Error::new(Kind::Conflict, "lost")).await.unwrap();
        }
        let error = race.lost(Error::new(Kind::Conflict, "lost")).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Conflict);
        assert_eq!(
            error.to_string(),
            "bronze/bronze_cw_member was changed by another run each of the 6 times that this one was about to write it, \
             and is as the other left it: run again when no other run is at work"
        );
    }

    #[tokio::test]
    async fn other_errors_are_not_tried_again() {
        let mut race = Race::new(TableName::bronze("member"));
        let error = race.lost(Error::new(Kind::Lake, "broken")).await.unwrap_err();
        assert_eq!((error.kind(), error.to_string().as_str()), (Kind::Lake, "broken"));
    }
}
