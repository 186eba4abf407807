//! How many records a list has, as the server counts them: where it can, and where the role may ask.

use connectwise_sdk::catalog::Entity;
use connectwise_sdk::{Client, Error, Method, Result};
use serde::Deserialize;

use super::FEW_RECORDS;

/// What the server says about the number of records.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Count {
    /// How many there are, `None` where the server doesn't say.
    pub records: Option<u64>,
    /// Why it doesn't say, where a list that has a count route isn't counted.
    pub refused: Option<String>,
}

/// Counts the records of an entity that meet a condition. A server that refuses that may still give the list, which then has to
/// prove by itself that it is whole.
///
/// # Errors
/// Whatever keeps the list from being read too: no answer, a failing server, refused credentials.
pub async fn count(client: &Client, entity: &Entity, condition: Option<&str>) -> Result<Count> {
    if entity.count_path.is_none() {
        return Ok(Count::default());
    }
    count_at(client, entity.path, condition).await
}

/// The same for the list at a path that has a count route.
///
/// # Errors
/// As [`count`].
pub async fn count_at(client: &Client, path: &str, condition: Option<&str>) -> Result<Count> {
    match client.count(path, condition).await {
        Ok(records) => Ok(Count { records: Some(records), refused: None }),
        Err(error) if is_refused(&error) => {
            tracing::warn!("{path} is read without a count: {error}");
            Ok(Count { records: None, refused: Some(error.to_string()) })
        }
        Err(error) => Err(error),
    }
}

/// The same by one request that isn't repeated. `None` if the server doesn't answer it.
pub(super) async fn count_once(client: &Client, entity: &Entity, condition: Option<&str>) -> Option<u64> {
    #[derive(Deserialize)]
    struct Answer {
        count: u64,
    }
    let request = client.request(Method::Get, entity.count_path?).largest_answer(FEW_RECORDS).patience(1);
    let request = match condition {
        Some(condition) => request.query("conditions", condition),
        None => request,
    };
    Some(request.send().await.ok()?.json::<Answer>().ok()?.count)
}

/// Whether counting is what isn't allowed, or isn't there.
fn is_refused(error: &Error) -> bool {
    matches!(error.status(), Some(403 | 404 | 405 | 501))
}

/// What a run says of a list that was read without a count.
pub fn uncounted(entity: &Entity, why: &str) -> String {
    format!(
        "{} isn't counted by the server, so that only the chain of its pages and its rising keys prove that the read is whole ({why})",
        entity.name
    )
}
