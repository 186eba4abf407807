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
    let Some(place) = place_named(state.document, &wanted.path) else {
        return wrong(&format!("there is no entity {}", wanted.path));
    };
    let planted = state.change(|tenant| {
        let Some(slot) = tenant.table(place).slot_of(wanted.id) else { return false };
        if !wanted.set.is_empty() {
            tenant.plant(place, slot, &wanted.set);
        }
        if let Some(text) = &wanted.text {
            tenant.plant_text(place, slot, text.as_deref());
        }
        true
    });
    match planted {
        Some(true) => answer::plain_json(StatusCode::OK, json!({}).to_string()),
        Some(false) => wrong(&format!("{} has no row {}", wanted.path, wanted.id)),
        None => wrong("samples don't change"),
    }
}
