//! `POST /_sim/plant`: a row that no client could write, such as one that changed in the future or isn't JSON.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State as Extract;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use crate::advance::place_named;
use crate::answer::{self, Answer};
use crate::control::wrong;
use crate::state::State;
use crate::table::Table;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    path: String,
    id: i64,
    #[serde(default)]
    set: Map<String, Json>,
    /// Present with null: the row is shown as it is again.
    #[serde(default, deserialize_with = "present")]
    text: Option<Option<String>>,
}

fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::<String>::deserialize(deserializer).map(Some)
}

/// Takes `{"path":"/time/entries","id":7,"set":{"_info/lastUpdated":"2099-01-01T00:00:00Z"}}`, which changes nothing else of the
/// row; or `{..,"text":"{\"id\":7,\"hours\":NaN}"}`, as which the whole row is shown until `"text":null`.
pub(crate) async fn plant(Extract(state): Extract<Arc<State>>, body: Bytes) -> Answer {
    let wanted: Wanted = match serde_json::from_slice(&body) {
        Ok(wanted) => wanted,
        Err(error) => return wrong(&format!("nothing can be planted: {error}")),
    };
    match planted(&state, &wanted) {
        Ok(()) => answer::plain_json(StatusCode::OK, json!({}).to_string()),
        Err(reason) => wrong(&reason),
    }
}

/// Sets properties of a row.
pub(crate) fn set(state: &State, path: &str, id: i64, set: &Map<String, Json>) -> Result<(), String> {
    planted(state, &Wanted { path: path.to_owned(), id, set: set.clone(), text: None })
}

fn planted(state: &State, wanted: &Wanted) -> Result<(), String> {
    let Wanted { path, id, set, text } = wanted;
    let place = place_named(state.document, path).ok_or_else(|| format!("there is no entity {path}"))?;
    let planted = state.change(|tenant| {
        let Some(slot) = tenant.table(place).slot_of(*id) else { return false };
        if !set.is_empty() {
            tenant.plant(place, slot, set);
        }
        if let Some(text) = text {
            tenant.plant_text(place, slot, text.as_deref());
        }
        true
    });
    match planted {
        Some(true) => Ok(()),
        Some(false) => Err(format!("{path} has no row {id}")),
        None => Err("samples don't change".to_owned()),
    }
}
