//! Single records: there, gone, or no clear answer.

use connectwise_extract::read::FEW_RECORDS;
use connectwise_sdk::catalog::Entity;
use connectwise_sdk::{Client, Method};
use futures::stream::{self, StreamExt};

use super::{Guard, Presence, verdict};

/// Questions that are under way at the same time; the client's limiter may let through fewer.
const AT_ONCE: usize = 8;

/// Listed records that are tried as a control, at most.
const CONTROLS: usize = 8;

/// How often a "not found" without the API's own words is asked for.
const ATTEMPTS: usize = 4;

/// Asks for every key.
pub(crate) async fn confirm(client: &Client, entity: &Entity, keys: &[i64]) -> Vec<(i64, Presence)> {
    let questions: Vec<_> =
        keys.iter().map(|key| ask(client.clone(), format!("{}/{key}", entity.path), *key)).collect();
    stream::iter(questions).buffered(AT_ONCE).collect().await
}

/// Control probe: fetches listed records by id, from all over the list. Some may have been deleted since, and a list may hold records
/// that can't be fetched by id, such as the tickets of projects among the service tickets.
///
/// # Errors
/// [`Guard::Blind`] if none of them can be fetched.
pub(crate) async fn control(client: &Client, entity: &Entity, listed: &[i64]) -> Result<(), Guard> {
    let mut said = "none is listed".to_owned();
    for key in spread(listed) {
        said = match ask(client.clone(), format!("{}/{key}", entity.path), key).await {
            (_, Presence::There) => return Ok(()),
            (_, Presence::Gone) => format!("record {key} is not found"),
            (_, Presence::Unclear(answer)) => format!("record {key}: {answer}"),
        };
    }
    Err(Guard::Blind { said })
}

/// Whether missing rows are gone.
///
/// # Errors
/// What speaks against it: one of them answers or doesn't say, or listed ones can't be had alone either.
pub(crate) async fn confirmed(client: &Client, entity: &Entity, missing: &[i64], listed: &[i64]) -> Result<(), Guard> {
    control(client, entity, listed).await?;
    let answers = confirm(client, entity, missing).await;
    verdict(&answers)?;
    if let Some((key, _)) = answers.iter().find(|(_, answer)| *answer == Presence::There) {
        return Err(Guard::StillThere { key: *key });
    }
    control(client, entity, listed).await
}

/// Some of the keys in even steps, from the last on.
fn spread(keys: &[i64]) -> impl Iterator<Item = i64> {
    keys.iter().rev().step_by(keys.len().div_ceil(CONTROLS).max(1)).copied()
}

async fn ask(client: Client, path: String, key: i64) -> (i64, Presence) {
    let mut said = String::new();
    for _ in 0..ATTEMPTS {
        let error = match client.request(Method::Get, &path).largest_answer(FEW_RECORDS).send().await {
            Ok(_) => return (key, Presence::There),
            Err(error) => error,
        };
        if !error.is_not_found() {
            return (key, Presence::Unclear(error.to_string()));
        }
        let code = error.api().and_then(|body| body.code.as_deref());
        if code.is_some_and(|code| code.eq_ignore_ascii_case("NotFound")) {
            return (key, Presence::Gone);
        }
        // A proxy or a stale codebase answers 404 too, in words that aren't the API's. Or the body was cut: the status
        // alone decides nothing.
        said = error.to_string();
    }
    (key, Presence::Unclear(said))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_are_from_all_over() {
        let of = |last: i64| spread(&(1..=last).collect::<Vec<_>>()).collect::<Vec<_>>();
        assert_eq!(of(0), [0; 0]);
        assert_eq!(of(3), [3, 2, 1]);
        assert_eq!(of(80), [80, 70, 60, 50, 40, 30, 20, 10]);
        assert_eq!(of(81).len(), 8, "one more is no control more");
    }
}
