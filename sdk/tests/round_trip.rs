//! Every record type of the interface: what is read is written back, and what has the wrong type is refused with its place.
//!
//! The values are made from the interface document itself, not from what the generator made of it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use connectwise_sdk::models::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

/// Values of each schema.
const CASES: usize = 1_000;
/// Objects inside objects.
const DEPTH: usize = 2;

/// Reads and writes a value, or says which place was refused.
type Check = fn(&Value) -> Result<Value, String>;

include!(concat!(env!("OUT_DIR"), "/record_types.rs"));

fn check<T: Serialize + DeserializeOwned>(value: &Value) -> Result<Value, String> {
    let read: T = serde_path_to_error::deserialize(value).map_err(|error| error.path().to_string())?;
    Ok(serde_json::to_value(read).unwrap())
}

/// A generator of numbers: the same ones in every run.
struct Random(u64);

impl Random {
    fn of(name: &str) -> Self {
        Self(
            name.bytes()
                .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)),
        )
    }

    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(limit).unwrap()).unwrap()
    }
}

/// Makes pairs of what is sent and what must be written back, where they differ: null is absence.
struct Maker<'a> {
    schemas: &'a Map<String, Value>,
    random: Random,
}

impl Maker<'_> {
    fn object(&mut self, schema: &Value, depth: usize) -> (Value, Value) {
        let (mut sent, mut kept) = (Map::new(), Map::new());
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            match self.random.below(8) {
                0..=3 => {}
                4 => drop(sent.insert(name.clone(), Value::Null)),
                _ => {
                    let (value, back) = self.value(property, depth);
                    sent.insert(name.clone(), value);
                    kept.insert(name.clone(), back);
                }
            }
        }
        if self.random.below(4) == 0 {
            let unknown = [json!(null), json!("x"), json!(1.5), json!([1, {"a": null}]), json!({"b": {"c": true}})];
            let value = unknown[self.random.below(unknown.len())].clone();
            sent.insert("zzUnknown_property".to_owned(), value.clone());
            kept.insert("zzUnknown_property".to_owned(), value);
        }
        (sent.into(), kept.into())
    }

    fn value(&mut self, schema: &Value, depth: usize) -> (Value, Value) {
        let same = |value: Value| (value.clone(), value);
        if let Some(target) = schema["$ref"].as_str() {
            let schema = &self.schemas[target.rsplit('/').next().unwrap()];
            return if depth == 0 { same(json!({})) } else { self.object(schema, depth - 1) };
        }
        if let Some(values) = schema["enum"].as_array() {
            let at = self.random.below(values.len() + 1);
            return same(values.get(at).cloned().unwrap_or_else(|| json!("NotListed Yet")));
        }
        match schema["type"].as_str() {
            Some("integer") => same(json!([0, 1, -7, 2_147_483_647][self.random.below(4)])),
            // A whole number is written back as the fraction that it is.
            Some("number") => [(json!(3), json!(3.0)), same(json!(-0.125)), same(json!(1e15)), same(json!(0.1))]
                [self.random.below(4)]
            .clone(),
            Some("boolean") => same(json!(self.random.below(2) == 0)),
            Some("string") => {
                let texts = ["", "text", "2025-05-06T09:39:56Z", "soon", "12.50", "\u{1F600}\"\\", "null"];
                same(json!(texts[self.random.below(texts.len())]))
            }
            Some("array") => {
                let count = self.random.below(3);
                let items: Vec<_> = (0..count).map(|_| self.value(&schema["items"], depth)).collect();
                let (sent, kept): (Vec<_>, Vec<_>) = items.into_iter().unzip();
                (sent.into(), kept.into())
            }
            Some("object") if schema["additionalProperties"]["type"] == "string" => {
                same(json!({"lastUpdated": "2025-05-06T09:39:56Z", "deleted_href": null}))
            }
            _ => same(
                [json!("s"), json!(7), json!(false), json!({"a": [null]}), json!([])][self.random.below(5)].clone(),
            ),
        }
    }
}

/// A value that the property can't have, unless it takes anything.
fn wrong(schema: &Value) -> Option<Value> {
    if schema.get("$ref").is_some() {
        return Some(json!(7));
    }
    match schema["type"].as_str()? {
        "string" => Some(json!(7)),
        "integer" => Some(json!("7")),
        "number" => Some(json!("1.5")),
        "boolean" => Some(json!("yes")),
        "array" => Some(json!("a")),
        "object" if schema["additionalProperties"]["type"] == "string" => Some(json!([1])),
        _ => None,
    }
}

fn run(name: &str, check: Check, schemas: &Map<String, Value>) {
    let schema = &schemas[name];
    let mut maker = Maker { schemas, random: Random::of(name) };
    let breakable: Vec<(&String, Value)> = schema["properties"]
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(property, schema)| Some((property, wrong(schema)?)))
        .collect();
    for case in 0..CASES {
        let (mut sent, kept) = maker.object(schema, DEPTH);
        if case % 10 == 0 && !breakable.is_empty() {
            let (property, value) = &breakable[maker.random.below(breakable.len())];
            sent[property.as_str()] = value.clone();
            let place = check(&sent).expect_err(name);
            assert_eq!(&place, *property, "{name}: {sent}");
        } else {
            assert_eq!(check(&sent), Ok(kept), "{name}: {sent}");
        }
    }
}

#[test]
fn every_record_type_writes_back_what_it_reads() {
    assert_eq!(RECORD_TYPES.len(), 833);
    let file =
        format!("{}/../openapi/connectwise-psa-{}.json", env!("CARGO_MANIFEST_DIR"), connectwise_sdk::API_VERSION);
    let document: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for start in 0..threads {
            let part = RECORD_TYPES.iter().skip(start).step_by(threads);
            scope.spawn(move || part.for_each(|(name, check)| run(name, *check, schemas)));
        }
    });
}
