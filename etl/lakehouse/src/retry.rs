//! Two runs at one table: who comes second starts over.

use std::time::Duration;

use super::{Table, TableName};
use crate::error::{self, Failure, Result};

/// Times that one table is tried. Runs that started together drift apart after the first conflict.
const ATTEMPTS: u32 = 6;

/// Runs an attempt, which opens a table and commits upon that snapshot, and all of it again, a little later, as long as other runs
/// are faster.
///
/// # Errors
/// That of an attempt when it is no conflict, and one that says what to do when there were too many.
pub async fn retry_on_conflict<T, E: Failure>(
    table: &TableName,
    attempt: impl AsyncFnMut() -> Result<T, E>,
) -> Result<T, E> {
    retry(table, attempt, pause).await
}

impl Table {
    /// Runs an attempt with the table, and with its newest version again, a little later, as long as other runs are faster.
    ///
    /// # Errors
    /// As [`retry_on_conflict`].
    pub async fn retry_on_conflict<T, E: Failure>(
        &self,
        mut attempt: impl AsyncFnMut(Self) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut first = Some(self.clone());
        retry_on_conflict(&self.name, async || {
            let table = match first.take() {
                Some(table) => table,
                None => self.refresh().await?,
            };
            attempt(table).await
        })
        .await
    }
}

async fn retry<T, E: Failure>(
    table: &TableName,
    mut attempt: impl AsyncFnMut() -> Result<T, E>,
    pause: fn(u32) -> Duration,
) -> Result<T, E> {
    for losses in 1.. {
        match attempt().await {
            Err(error) if error.is_conflict() && losses < ATTEMPTS => {
                tracing::info!("{error}; starting over, attempt {} of {ATTEMPTS}", losses + 1);
                tokio::time::sleep(pause(losses)).await;
            }
            Err(error) if error.is_conflict() => break,
            ended => return ended,
        }
    }
    Err(error::overtaken(table, ATTEMPTS).into())
}

/// A failure to read, test or write rows as a [`Kind::Conflict`](crate::error::Kind::Conflict), where one of the tables that were read has another version by
/// now: files that the snapshot names may be gone.
pub async fn as_conflict<E: Failure>(tables: &[&Table], error: E) -> E {
    if !error.may_be_conflict() {
        return error;
    }
    for table in tables {
        if table.refresh().await.is_ok_and(|now| now.version() != table.version()) {
            return error::changed_while_read(table.name()).with_source(error).into();
        }
    }
    error
}

/// Longer each time, and not the same for two runs that collided.
fn pause(losses: u32) -> Duration {
    let jitter = (uuid::Uuid::now_v7().as_u128() % 200) as u64;
    Duration::from_millis(u64::from(losses) * 100 + jitter)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, Kind};

    #[tokio::test]
    async fn a_few_conflicts_are_borne_and_then_one_sentence_says_what_to_do() {
        let table = TableName::bronze("member");
        let after = async |conflicts: u32| {
            let mut made = 0;
            let attempt = async || {
                made += 1;
                if made > conflicts { Ok(made) } else { Err(Error::new(Kind::Conflict, "lost")) }
            };
            retry(&table, attempt, |_| Duration::ZERO).await
        };
        assert_eq!(after(0).await.unwrap(), 1);
        assert_eq!(after(ATTEMPTS - 1).await.unwrap(), ATTEMPTS);
        let error = after(ATTEMPTS).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Conflict);
        assert_eq!(
            error.to_string(),
            "bronze/bronze_cw_member was changed by another run each of the 6 times that this one was about to write it, \
             and is as the other left it: run again when no other run is at work"
        );
    }

    #[tokio::test]
    async fn other_errors_are_not_tried_again() {
        let mut made = 0;
        let attempt = async || {
            made += 1;
            Err::<(), _>(Error::new(Kind::Lake, "broken"))
        };
        let error = retry_on_conflict(&TableName::bronze("member"), attempt).await.unwrap_err();
        assert_eq!((error.kind(), error.to_string().as_str(), made), (Kind::Lake, "broken", 1));
    }
}
