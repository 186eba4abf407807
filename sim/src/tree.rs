//! Rows as trees of JSON: recorded ones, and those that clients wrote.

use serde_json::Value as Json;

use crate::calendar;
use crate::json::{Selection, push_text};
use crate::query::{Column, Probe, Value};

/// Fills in what a probe wants.
pub(crate) fn visit(row: &Json, probe: &mut Probe) {
    for at in 0..probe.columns().len() {
        let found = match &probe.columns()[at] {
            Column::Id => row.get("id"),
            Column::LastUpdated => row.pointer("/_info/lastUpdated"),
            Column::Path(path) => path.iter().try_fold(row, |value, name| value.get(name)),
        };
        let value = found.and_then(value);
        probe.set(at, value);
    }
}

fn value(value: &Json) -> Option<Value> {
    match value {
        Json::Null => None,
        Json::Bool(flag) => Some(Value::Flag(*flag)),
        Json::Number(number) => number.as_f64().map(Value::Number),
        Json::String(text) if text.len() == 20 && text.ends_with('Z') => {
            Some(calendar::parse(text).map_or_else(|| Value::Text(text.clone()), Value::Time))
        }
        Json::String(text) => Some(Value::Text(text.clone())),
        Json::Array(_) | Json::Object(_) => Some(Value::Present),
    }
}

/// Writes what a selection leaves of a tree.
pub(crate) fn cut(value: &Json, selection: Option<&Selection>, out: &mut Vec<u8>) {
    let Some(selection) = selection else {
        out.extend_from_slice(value.to_string().as_bytes());
        return;
    };
    match value {
        Json::Object(members) => {
            out.push(b'{');
            let mut first = true;
            for (key, value) in members {
                let Some(inner) = selection.get(key) else { continue };
                if !std::mem::replace(&mut first, false) {
                    out.push(b',');
                }
                push_text(out, key);
                out.push(b':');
                cut(value, inner, out);
            }
            out.push(b'}');
        }
        Json::Array(items) => {
            out.push(b'[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                cut(item, Some(selection), out);
            }
            out.push(b']');
        }
        scalar => out.extend_from_slice(scalar.to_string().as_bytes()),
    }
}
