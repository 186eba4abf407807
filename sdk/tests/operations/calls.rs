//! Each operation is sent once, with values made from the interface document, and compared with it: method, path, query and body. The
//! document is read here as it is; what its known faults mean for a request is said here anew. Each is sent to the simulator, too,
//! whose routes come from its own reading of the document.

#![allow(unused_variables, reason = "not every operation takes values")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use connectwise_sdk::models::*;
use connectwise_sdk::{Client, Download, ErrorKind, Multipart, Patch, Result};
use futures::TryStreamExt as _;
use futures::future::BoxFuture;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::server::{Reply, Server};
use crate::simulator::Simulated;

/// Sends an operation with these values.
type Call = for<'a> fn(&'a Client, &'a Given) -> BoxFuture<'a, Result<()>>;

include!(concat!(env!("OUT_DIR"), "/operation_calls.rs"));

/// Parameters of lists, which all GET operations declare.
const LIST_ONLY: [&str; 4] = ["orderBy", "page", "pageId", "pageSize"];
/// A property that no schema has.
const UNKNOWN: &str = "zzUnknown";
/// What downloads bring.
const CONTENT: &str = "GIF89a";

/// Values for one operation, by the names in the document.
#[derive(Default)]
struct Given {
    /// What stands in the path or in the query.
    values: BTreeMap<String, Value>,
    body: Value,
    /// What a download has to bring, if that is known.
    content: Option<&'static str>,
}

impl Given {
    fn number(&self, name: &str) -> i64 {
        self.values[name].as_i64().unwrap()
    }

    fn flag(&self, name: &str) -> bool {
        self.values[name].as_bool().unwrap()
    }

    fn text(&self, name: &str) -> String {
        self.values[name].as_str().unwrap().to_owned()
    }

    fn body<T: DeserializeOwned>(&self) -> T {
        serde_json::from_value(self.body.clone()).unwrap()
    }

    fn patch(&self) -> Patch {
        Patch::new().replace("summary", "x")
    }

    fn form(&self) -> Multipart {
        Multipart::new().text("recordId", "5").file("file", "a.txt", "text/plain", "hello")
    }
}

async fn whole(download: Download, given: &Given) -> Result<()> {
    let pieces: Vec<_> = download.into_stream().try_collect().await?;
    if let Some(content) = given.content {
        assert_eq!(pieces.concat(), content.as_bytes());
    }
    Ok(())
}

/// What has to be sent for one operation, and what is answered.
struct Expected {
    given: Given,
    target: String,
    query: BTreeSet<(String, String)>,
    body: Sent,
    reply: Reply,
}

enum Sent {
    Nothing,
    Json(Value),
    Form,
}

/// A path as it can be called: a parameter has a segment of its own, and stands once.
fn callable(path: &str) -> String {
    let mut fixed = String::new();
    for c in path.chars() {
        if c == '{' && !fixed.ends_with(['/', '}']) {
            fixed.push('/');
        }
        fixed.push(c);
    }
    let segments = fixed.split('/').map(|segment| match segment.split_once("}{") {
        Some((first, _)) => format!("{first}}}"),
        None => segment.to_owned(),
    });
    segments.collect::<Vec<_>>().join("/")
}

/// A value of a simple schema, and how it is written into a URL.
fn value(schema: &Value, number: usize) -> (Value, String) {
    match schema["type"].as_str() {
        Some("integer") => (json!(number), number.to_string()),
        Some("boolean") => (json!(true), "true".to_owned()),
        _ => (json!(format!("a&b {number}")), format!("a&b {number}")),
    }
}

/// A value that a body of this schema can have.
fn body(schema: &Value) -> Value {
    match schema["type"].as_str() {
        Some("array") if schema["items"]["$ref"] == "#/components/schemas/PatchOperation" => {
            json!([{"op": "replace", "path": "summary", "value": "x"}])
        }
        Some("array") => json!([body(&schema["items"])]),
        Some("integer") => json!(7),
        Some("string") => json!("x"),
        Some("boolean") => json!(true),
        _ => json!({ UNKNOWN: 7 }),
    }
}

fn json_of(content: &Value) -> Option<&Value> {
    content.as_object()?.iter().find(|(media, _)| media.contains("json")).map(|(_, body)| &body["schema"])
}

/// A successful answer whose status is another one of 200 to 299 than the document declares: servers differ from it.
fn reply(method: &str, path: &str, operation: &Value, is_record: bool) -> Reply {
    let responses = operation["responses"].as_object().unwrap();
    let success = responses.iter().find(|(status, _)| status.starts_with('2') || *status == "default").unwrap();
    let (status, content) = (success.0.as_str(), &success.1["content"]);
    let other = if status == "200" { 202 } else { 200 };
    match json_of(content) {
        _ if status == "204" => Reply::status(200, ""),
        Some(_) if path.ends_with("/count") || status == "207" => Reply::status(other, "{}"),
        Some(schema) if schema["type"] == "array" && !is_record => Reply::status(other, "[]"),
        Some(schema) if schema["type"] == "string" => Reply::status(other, "\"x\""),
        Some(schema) if schema["type"] == "boolean" => Reply::status(other, "true"),
        Some(schema) if schema["type"] == "integer" => Reply::status(other, "7"),
        Some(_) => Reply::status(other, "{}"),
        None if method == "get" || content.is_object() => Reply::status(other, CONTENT),
        None => Reply::status(other, ""),
    }
}

fn expected(method: &str, path: &str, operation: &Value, document: &Value) -> Expected {
    let answer =
        operation["responses"].as_object().unwrap().values().find_map(|response| json_of(&response["content"]));
    let is_list = answer.is_some_and(|schema| schema["type"] == "array");
    let mut given = Given { content: Some(CONTENT), ..Given::default() };
    let (mut target, mut query) = (path.to_owned(), BTreeSet::new());
    let mut sent = Sent::Nothing;
    for (index, parameter) in operation["parameters"].as_array().into_iter().flatten().enumerate() {
        let shared = parameter["$ref"].as_str().and_then(|target| target.rsplit('/').next());
        let parameter = shared.map_or(parameter, |name| &document["components"]["parameters"][name]);
        let name = parameter["name"].as_str().unwrap();
        let is_object = parameter["schema"].get("$ref").is_some();
        if parameter["in"] == "header" || (shared.is_some() && !is_list && LIST_ONLY.contains(&name)) {
            continue;
        }
        let place = format!("{{{name}}}");
        if parameter["in"] == "path" && is_object {
            sent = Sent::Json(body(&parameter["schema"]));
            continue;
        }
        let (value, text) = value(&parameter["schema"], index + 1);
        given.values.insert(name.to_owned(), value);
        if target.contains(&place) {
            target = target.replace(&place, &text.replace(' ', "%20"));
        } else {
            query.insert((name.to_owned(), text));
        }
    }
    match operation.get("requestBody").map(|body| &body["content"]) {
        Some(content) if content.get("multipart/form-data").is_some() => sent = Sent::Form,
        Some(content) => sent = Sent::Json(body(json_of(content).unwrap())),
        None if method == "patch" => {
            sent =
                Sent::Json(body(&json!({"type": "array", "items": {"$ref": "#/components/schemas/PatchOperation"}})));
        }
        None if method == "delete" && path.ends_with("/bulk") => sent = Sent::Json(body(&json!({}))),
        None => {}
    }
    if let Sent::Json(body) = &sent {
        given.body = body.clone();
    }
    let is_record = method == "get" && path.trim_end_matches('/').ends_with("/{id}");
    Expected { given, target, query, body: sent, reply: reply(method, path, operation, is_record) }
}

/// Every operation of the document that can be called.
fn operations() -> BTreeMap<(String, String), Expected> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../openapi");
    let file = folder.join(format!("connectwise-psa-{}.json", connectwise_sdk::API_VERSION));
    let document: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let mut found = BTreeMap::new();
    // Two templates are cut off.
    for (path, item) in document["paths"].as_object().unwrap().iter().filter(|(path, _)| !path.contains("regex")) {
        for (method, operation) in item.as_object().unwrap() {
            let path = callable(path);
            let expected = expected(method, &path, operation, &document);
            found.insert((method.clone(), path), expected);
        }
    }
    found
}

#[tokio::test]
async fn each_operation_sends_what_the_document_says() {
    let mut operations = operations();
    let all = operations.len();
    let called: Vec<(&str, &str, Call, Expected)> = CALLS
        .iter()
        .map(|(method, path, call)| {
            let expected = operations.remove(&((*method).to_owned(), (*path).to_owned()));
            (*method, *path, *call, expected.unwrap_or_else(|| panic!("the document has no {method} {path}")))
        })
        .collect();
    if cfg!(feature = "raw") {
        assert!(operations.is_empty(), "no call for {:?}", operations.keys());
        assert_eq!(called.len(), all);
    } else {
        let figures = include_str!("../../../openapi/figures.toml");
        assert!(figures.contains(&format!("\nfunctions = {}\n", called.len())), "{} calls", called.len());
    }
    let server = Server::start(called.iter().map(|(.., expected)| expected.reply.clone())).await;
    for (method, path, call, expected) in &called {
        if let Err(error) = call(&server.client, &expected.given).await {
            panic!("{method} {path}: {error}");
        }
    }
    for ((method, path, _, expected), seen) in called.iter().zip(server.finish()) {
        let (target, query) = seen.target.split_once('?').unwrap_or((&seen.target, ""));
        assert_eq!(
            (seen.method.to_lowercase().as_str(), target),
            (*method, format!("/api{}", expected.target).as_str())
        );
        let query: BTreeSet<_> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        assert_eq!(query, expected.query, "{method} {path}");
        assert!(seen.headers.contains_key("clientid") && seen.headers.contains_key("authorization"), "{method} {path}");
        assert!(!seen.headers.contains_key("api-version"), "{method} {path}");
        let media = seen.headers.get("content-type").map(|media| media.to_str().unwrap());
        match &expected.body {
            Sent::Nothing => assert_eq!((media, seen.body.as_str()), (None, ""), "{method} {path}"),
            Sent::Json(body) => {
                assert_eq!(media, Some("application/json"), "{method} {path}");
                assert_eq!(serde_json::from_str::<Value>(&seen.body).unwrap(), *body, "{method} {path}");
            }
            Sent::Form => {
                let boundary = media.unwrap().strip_prefix("multipart/form-data; boundary=").unwrap();
                assert!(seen.body.starts_with(&format!("--{boundary}\r\n")), "{method} {path}");
                assert!(seen.body.contains("filename=\"a.txt\"\r\nContent-Type: text/plain\r\n\r\nhello\r\n"));
            }
        }
    }
}

/// Parameters without a segment of their own, in two templates of the document: a misprint, so that the simulator has neither.
const MISPRINTED: [&str; 2] =
    ["patch /procurement/catalog/{parentId}/vendors/{id}", "post /finance/agreements/types/{id}/copy"];

/// Most answers are that there is no such record, or that the body lacks something: what counts is that the route is known.
#[tokio::test]
async fn the_simulator_knows_each_operation() {
    let simulated = Simulated::start().await;
    let mut operations = operations();
    let mut refused = BTreeSet::new();
    for (method, path, call) in CALLS {
        let expected = operations.remove(&((*method).to_owned(), (*path).to_owned())).unwrap();
        let given = Given { content: None, ..expected.given };
        let Err(error) = call(&simulated.client, &given).await else { continue };
        let told = error.to_string();
        let is_answer = matches!(error.kind(), ErrorKind::Status | ErrorKind::RateLimited);
        if !is_answer || error.status() == Some(405) || told.contains("The endpoint does not exist") {
            refused.insert(format!("{method} {path}"));
        }
    }
    assert_eq!(refused, MISPRINTED.map(str::to_owned).into());
}
