//! Every record type of the interface: what is read from a page is written back, and what has the wrong type is refused with
//! the record's id and the place, while the others of its page come.
//!
//! The values are made from the interface document itself, not from what the generator made of it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use connectwise_sdk::models::*;
use connectwise_sdk::{Page, Record};
use pages::Pages;
use serde_json::{Map, Value, json};

/// Values of each schema: one page.
const CASES: usize = 1_000;
/// Objects inside objects.
const DEPTH: usize = 2;
/// A property that no schema has.
const UNKNOWN: &str = "zzUnknown_property";

/// A record as it is written back, or id and place where it is refused.
type Outcome = Result<Value, (Option<i64>, String)>;
/// Reads and writes the records of a page.
type Check = fn(&Page) -> Vec<Outcome>;

include!(concat!(env!("OUT_DIR"), "/record_types.rs"));

fn check<T: Record>(page: &Page) -> Vec<Outcome> {
    let read = |item: connectwise_sdk::Result<T>| match item {
        Ok(record) => Ok(serde_json::to_value(record).unwrap()),
        Err(error) => {
            let record = error.record().expect("the error is about one record");
            let told = error.to_string();
            let id = record.id.map_or_else(String::new, |id| id.to_string());
            assert!(told.contains(&id) && told.contains(&record.json_path), "{told}");
            Err((record.id, record.json_path.clone()))
        }
    };
    page.items().unwrap().into_iter().map(read).collect()
}

#[cfg(feature = "arrow")]
include!(concat!(env!("OUT_DIR"), "/table_types.rs"));

/// Takes the records of a page to a batch and back, and says how many there were.
#[cfg(feature = "arrow")]
type CheckRows = fn(&Page) -> usize;

#[cfg(feature = "arrow")]
fn check_rows<T: connectwise_sdk::arrow::Tabular + PartialEq + std::fmt::Debug>(page: &Page) -> usize {
    use connectwise_sdk::arrow::{batch_to_records, records_to_batch};
    let records: Vec<T> = page.items().unwrap().into_iter().filter_map(Result::ok).collect();
    let batch = records_to_batch(&records).unwrap();
    assert_eq!(batch.schema(), T::arrow_schema());
    assert_eq!(batch.num_rows(), records.len());
    let back = batch_to_records::<T>(&batch).unwrap();
    for (record, back) in records.iter().zip(&back) {
        assert_eq!(record, back, "{}", serde_json::to_string(record).unwrap());
        // What `PartialEq` takes for equal can be written differently: -0.0 and 0.0.
        assert_eq!(serde_json::to_string(record).unwrap(), serde_json::to_string(back).unwrap());
    }
    assert_eq!(back.len(), records.len());
    records.len()
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
            sent.insert(UNKNOWN.to_owned(), value.clone());
            kept.insert(UNKNOWN.to_owned(), value);
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
            let known = &values[self.random.below(values.len())];
            return same(if self.random.below(4) == 0 { json!("NotListed Yet") } else { known.clone() });
        }
        match schema["type"].as_str() {
            Some("integer") => same(json!([0, 1, -7, 2_147_483_647][self.random.below(4)])),
            // A whole number is written back as the fraction that it is.
            Some("number") => [
                (json!(3), json!(3.0)),
                same(json!(-0.125)),
                same(json!(1e15)),
                same(json!(0.1)),
                same(json!(-0.0)),
                same(json!(99_999_999_999_999.98)),
                same(json!(1e300)),
            ][self.random.below(7)]
            .clone(),
            Some("boolean") => same(json!(self.random.below(2) == 0)),
            Some("string") => {
                let texts = [
                    "",
                    "text",
                    "2025-05-06T09:39:56Z",
                    "soon",
                    "12.50",
                    "\u{1F600}\"\\",
                    "null",
                    "99999999999999999999999999999999999999999.99",
                    "2025-05-06T09:39:56+02:00",
                    "2025-05-06T09:39:56.1234567Z",
                    "0001-01-01T00:00:00Z",
                    "10000-01-01T00:00:00Z",
                    "2025-02-30T00:00:00Z",
                ];
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

/// Values that a property can't have; none where it takes anything.
fn misfits(schema: &Value) -> &'static [&'static str] {
    if schema.get("$ref").is_some() {
        return &["7", "\"x\"", "true", "[1]"];
    }
    match schema["type"].as_str() {
        Some("string") => &["7", "1.5", "true", "[]", "{}"],
        Some("integer") => &["\"7\"", "1.5", "false", "9223372036854775808", "[]", "{}"],
        Some("number") => &["\"1.5\"", "\"\"", "true", "[]", "{}"],
        Some("boolean") => &["\"yes\"", "\"true\"", "1", "[]", "{}"],
        Some("array") => &["\"a\"", "7", "false", "{}"],
        Some("object") if schema["additionalProperties"]["type"] == "string" => &["[1]", "7", "\"x\""],
        _ => &[],
    }
}

impl Maker<'_> {
    /// A value that a property can't have, and the place in it that is wrong: the value itself, or one further down.
    fn wrong(&mut self, schema: &Value, depth: usize) -> Option<(Value, String)> {
        let deeper = self.random.below(2) == 0;
        if deeper && let Some(target) = schema["$ref"].as_str().filter(|_| depth > 0) {
            let target = &self.schemas[target.rsplit('/').next().unwrap()];
            let properties: Vec<_> = target["properties"].as_object().into_iter().flatten().collect();
            if !properties.is_empty() {
                let (name, property) = properties[self.random.below(properties.len())];
                if let Some((value, place)) = self.wrong(property, depth - 1) {
                    let (mut object, _) = self.object(target, depth - 1);
                    object[name] = value;
                    return Some((object, format!(".{name}{place}")));
                }
            }
        }
        if deeper
            && schema["type"] == "array"
            && let Some((value, place)) = self.wrong(&schema["items"], depth)
        {
            let before = self.random.below(3);
            let mut items: Vec<_> = (0..before).map(|_| self.value(&schema["items"], depth).0).collect();
            items.push(value);
            return Some((items.into(), format!("[{before}]{place}")));
        }
        let misfits = misfits(schema);
        let text = (!misfits.is_empty()).then(|| misfits[self.random.below(misfits.len())])?;
        Some((serde_json::from_str(text).unwrap(), String::new()))
    }
}

/// A page of records, and what must be made of each.
fn page(name: &str, schemas: &Map<String, Value>) -> (Vec<Value>, Vec<Outcome>) {
    let schema = &schemas[name];
    let none = Map::new();
    let properties = schema["properties"].as_object().unwrap_or(&none);
    let mut maker = Maker { schemas, random: Random::of(name) };
    let mut breakable = properties.iter().filter(|(_, schema)| !misfits(schema).is_empty()).cycle();
    let (mut records, mut expected) = (Vec::with_capacity(CASES), Vec::with_capacity(CASES));
    for case in 0..CASES {
        let (mut sent, kept) = maker.object(schema, DEPTH);
        if case == CASES / 2 {
            // Not even an object.
            sent = json!(case);
            expected.push(Err((None, ".".to_owned())));
        } else if case % 4 == 0
            && let Some((property, schema)) = breakable.next()
        {
            if properties.get("id").is_some_and(|id| id["type"] == "integer") {
                sent["id"] = json!(case);
            }
            let (value, place) = maker.wrong(schema, DEPTH).unwrap();
            sent[property] = value;
            expected.push(Err((sent["id"].as_i64(), format!("{property}{place}"))));
        } else {
            expected.push(Ok(kept));
        }
        records.push(sent);
    }
    (records, expected)
}

/// Every property was there, null, absent and, unless it takes anything, wrong; every enumeration had a value of tomorrow.
fn check_cases(name: &str, schema: &Value, records: &[Value], expected: &[Outcome]) {
    let objects = || records.iter().filter_map(Value::as_object);
    for (property, schema) in schema["properties"].as_object().into_iter().flatten() {
        let values = || objects().filter_map(|record| record.get(property));
        assert!(values().any(Value::is_null) && values().any(|value| !value.is_null()), "{name}: {property}");
        assert!(objects().any(|record| !record.contains_key(property)), "{name}: {property}");
        let refused = |expected: &Outcome| expected.as_ref().is_err_and(|(_, place)| place.starts_with(property));
        assert!(misfits(schema).is_empty() || expected.iter().any(refused), "{name}: {property}");
        if let Some(known) = schema["enum"].as_array() {
            let mut texts = values().filter(|value| value.is_string());
            assert!(texts.any(|value| !known.contains(value)), "{name}: {property}");
        }
    }
    assert!(objects().any(|record| record.contains_key(UNKNOWN)), "{name}");
}

fn run(name: &str, check: Check, schemas: &Map<String, Value>, pages: &Pages) {
    let (records, expected) = page(name, schemas);
    check_cases(name, &schemas[name], &records, &expected);
    let found = check(&pages.page(name, &records));
    assert_eq!(found.len(), CASES, "{name}");
    for ((found, expected), sent) in found.into_iter().zip(expected).zip(records) {
        assert_eq!(found, expected, "{name}: {sent}");
    }
}

/// Checks each of these types, on all processors.
fn each<T: Sync>(types: &[T], check: impl Fn(&T, &Map<String, Value>, &Pages) + Sync) {
    let file =
        format!("{}/../openapi/connectwise-psa-{}.json", env!("CARGO_MANIFEST_DIR"), connectwise_sdk::API_VERSION);
    let document: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let pages = Pages::start();
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for start in 0..threads {
            let (part, check, pages) = (types.iter().skip(start).step_by(threads), &check, &pages);
            scope.spawn(move || part.for_each(|ty| check(ty, schemas, pages)));
        }
    });
}

#[test]
fn every_record_type_writes_back_what_it_reads() {
    assert_eq!(RECORD_TYPES.len(), 833);
    each(RECORD_TYPES, |(name, check), schemas, pages| run(name, *check, schemas, pages));
}

/// A batch holds every record of each list: what no column has a place for comes back too. Those that couldn't be read were
/// refused with id and place above.
#[cfg(feature = "arrow")]
#[test]
fn every_record_type_of_a_list_is_the_same_after_a_batch() {
    assert_eq!(TABLE_TYPES.len(), 519);
    each(TABLE_TYPES, |(name, check), schemas, pages| {
        let (records, expected) = page(name, schemas);
        let readable = expected.iter().filter(|expected| expected.is_ok()).count();
        assert_eq!(check(&pages.page(name, &records)), readable, "{name}");
        assert!(readable > CASES / 2, "{name}");
    });
}

/// In a module of its own: outside, names are those of record types.
mod pages {
    use std::collections::HashMap;
    use std::sync::{Arc, Mutex};

    use axum::{Router, extract::State, http::Uri};
    use connectwise_sdk::{Client, Config, Credentials, Page};
    use futures::StreamExt as _;
    use serde_json::Value;
    use tokio::{net::TcpListener, runtime::Runtime};

    /// A server that answers each path with the page that is laid out for it.
    pub(super) struct Pages {
        runtime: Runtime,
        laid_out: Arc<Mutex<HashMap<String, String>>>,
        client: Client,
    }

    impl Pages {
        pub(super) fn start() -> Self {
            async fn answer(State(pages): State<Arc<Mutex<HashMap<String, String>>>>, uri: Uri) -> String {
                pages.lock().unwrap().remove(uri.path()).unwrap_or_default()
            }
            let (runtime, laid_out) = (Runtime::new().unwrap(), Arc::default());
            let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
            let root = format!("http://{}/api", listener.local_addr().unwrap());
            let router = Router::new().fallback(answer).with_state(Arc::clone(&laid_out));
            runtime.spawn(async move { axum::serve(listener, router).await.unwrap() });
            let credentials = Credentials::new("acme+pub", "geheim", "11111111-2222-3333-4444-555555555555").unwrap();
            let client = Client::new(Config::new(&root, credentials).unwrap()).unwrap();
            Self { runtime, laid_out, client }
        }

        pub(super) fn page(&self, name: &str, records: &[Value]) -> Page {
            let body = serde_json::to_string(records).unwrap();
            self.laid_out.lock().unwrap().insert(format!("/api/{name}"), body);
            let mut pages = Box::pin(self.client.list(name).pages());
            self.runtime.block_on(pages.next()).unwrap().unwrap()
        }
    }
}
