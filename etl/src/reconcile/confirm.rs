//! Single records: there, gone, or no clear answer.

use connectwise_sdk::Client;
use connectwise_sdk::catalog::Entity;
use futures::stream::{self, StreamExt};

use super::Answer;

/// Questions that are under way at the same time; the client's limiter may let through fewer.
const AT_ONCE: usize = 8;

/// Listed records that are tried as a control: one may have gone since.
const CONTROLS: usize = 3;

/// How often a "not found" without the API's own words is asked for.
const ATTEMPTS: usize = 4;

/// Asks for every key.
pub(crate) async fn confirm(client: &Client, entity: &Entity, keys: &[i64]) -> Vec<(i64, Answer)> {
    let questions: Vec<_> =
        keys.iter().map(|key| ask(client.clone(), format!("{}/{key}", entity.path), *key)).collect();
    stream::iter(questions).buffered(AT_ONCE).collect().await
}

/// Whether a listed record can be had alone.
pub(super) async fn control(client: &Client, entity: &Entity, listed: &[i64]) -> bool {
    for key in listed.iter().rev().take(CONTROLS) {
        if let (_, Answer::There) = ask(client.clone(), format!("{}/{key}", entity.path), *key).await {
            return true;
        }
    }
    false
}

async fn ask(client: Client, path: String, key: i64) -> (i64, Answer) {
    let mut said = String::new();
    for _ in 0..ATTEMPTS {
        let error = match client.get_raw(&path).await {
            Ok(_) => return (key, Answer::There),
            Err(error) => error,
        };
        if !error.is_not_found() {
            return (key, Answer::Unclear(error.to_string()));
        }
        let code = error.api().and_then(|body| body.code.as_deref());
        if code.is_some_and(|code| code.eq_ignore_ascii_case("NotFound")) {
            return (key, Answer::Gone);
        }
        // A proxy or a stale codebase answers 404 too, in words that aren't the API's. Or the body was cut: the status
        // alone decides nothing.
        said = error.to_string();
    }
    (key, Answer::Unclear(said))
}
