//! A server that echoes the credentials wherever it can: nothing that the crate shows repeats them.

use std::error::Error as _;
use std::sync::{Arc, Mutex};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use connectwise_sdk::{Attempt, AttemptResult, BundledList, Config, ConfigParts, Error, Method, Observer, RetryPolicy};
use futures::StreamExt as _;

use crate::raw::{Bytes, Raw, answer};
use crate::server::{Reply, Server};

const KEY: &str = "Kq7ZtR2mVx9LpWd4";
const PASSWORD: &str = "hG5/bN8+yT3cJ6sQ";
const CLIENT_ID: &str = "1b9e6c1f-52a7-4f0d-9c3a-7de2b84c60aa";

fn config(base_url: String) -> Config {
    Config::from_parts(ConfigParts {
        base_url: Some(base_url),
        username: Some(format!("acme+{KEY}")),
        password: Some(PASSWORD.into()),
        client_id: Some(CLIENT_ID.to_owned()),
        ..ConfigParts::default()
    })
    .unwrap()
    .with_page_size(2)
    .with_retry(RetryPolicy::never())
}

fn escaped(text: &str, escape: impl Fn(char) -> String, all: bool) -> String {
    text.chars().map(|c| if c.is_ascii_alphanumeric() && !all { c.to_string() } else { escape(c) }).collect()
}

/// A text as people and programs write it, on one line.
fn forms(secret: &str) -> Vec<String> {
    let mut forms = vec![secret.to_owned(), secret.to_uppercase(), secret.to_lowercase()];
    for all in [false, true] {
        forms.push(escaped(secret, |c| format!("%{:02X}", u32::from(c)), all));
        forms.push(escaped(secret, |c| format!("%{:02x}", u32::from(c)), all));
    }
    forms.push(escaped(secret, |c| format!("%25{:02X}", u32::from(c)), false));
    forms.push(escaped(secret, |c| format!("\\u{:04x}", u32::from(c)), true));
    forms.push(escaped(secret, |c| format!("&#{};", u32::from(c)), true));
    forms.push(escaped(secret, |c| format!("&#x{:X};", u32::from(c)), false));
    forms.extend(["", "a", "ab"].map(|before| STANDARD.encode(format!("{before}{secret}"))));
    let (left, right) = secret.split_at(secret.len() / 2);
    forms.push(format!("{left} {right}"));
    forms
}

fn secrets() -> [String; 5] {
    [format!("acme+{KEY}:{PASSWORD}"), format!("acme+{KEY}"), KEY.to_owned(), PASSWORD.to_owned(), CLIENT_ID.to_owned()]
}

/// Everything that a server can make of what it was sent.
fn echo() -> String {
    let forms: Vec<String> = secrets().iter().flat_map(|secret| forms(secret)).collect();
    format!("Authorization: Basic {} {}", STANDARD.encode(&secrets()[0]), forms.join(" ; "))
}

#[tokio::test]
async fn a_content_type_of_nothing_but_credentials_leaves_a_whole_sentence() {
    let basic = format!("Basic {}", STANDARD.encode(&secrets()[0]));
    let none = "the answer to GET /x is not JSON and doesn't say what else it is (hello)";
    for (content_type, expected) in [
        (echo(), none),
        (basic, none),
        (PASSWORD.to_owned(), none),
        (CLIENT_ID.to_owned(), none),
        ("{\"password\":\"x\"}".to_owned(), none),
        (String::new(), none),
        (format!("text/plain; {}", echo()), "the answer to GET /x is not JSON but text/plain (hello)"),
        ("text/csv; charset=utf-8".to_owned(), "the answer to GET /x is not JSON but text/csv (hello)"),
    ] {
        let bytes = answer("200 OK", &format!("content-type: {content_type}\r\n"), b"hello");
        let raw = Raw::start(|host| config(format!("{host}/api")), move |_| Bytes::All(bytes.clone())).await;
        let error = raw.client.request(Method::Get, "/x").send().await.unwrap().json::<Vec<i64>>().unwrap_err();
        assert!(error.to_string().starts_with(expected), "{content_type}: {error}");
    }
}

/// Fails if a text holds a credential, or half of one, in one of its forms.
fn search(place: &str, text: &str) {
    let squeezed: String = text.chars().filter(|letter| !letter.is_whitespace()).collect();
    for secret in [KEY, PASSWORD, CLIENT_ID, &STANDARD.encode(&secrets()[0])] {
        let (left, right) = secret.split_at(secret.len() / 2);
        for half in [left, right] {
            for form in forms(half) {
                // Base64 without what depends on its neighbours.
                let form = form.trim_end_matches('=');
                let core = form.get(4..form.len().saturating_sub(2)).filter(|core| core.len() >= 6).unwrap_or(form);
                for wanted in [form, core] {
                    assert!(!squeezed.contains(&wanted.replace(' ', "")), "{place}: {wanted} of {secret} in {text}");
                }
            }
        }
    }
}

fn search_error(place: &str, error: &Error) {
    search(place, &format!("{error}"));
    search(place, &format!("{error:?}"));
    search(place, &format!("{error:#?}"));
    search(place, &format!("{:?} {:?} {:?}", error.api(), error.request(), error.record()));
    let mut cause = error.source();
    while let Some(error) = cause {
        search(place, &format!("{error} {error:?}"));
        cause = error.source();
    }
}

#[derive(Debug, Default)]
struct Heard(Mutex<String>);

impl Observer for Heard {
    fn finished(&self, attempt: &Attempt<'_>, result: &AttemptResult<'_>) {
        self.0.lock().unwrap().push_str(&format!("{attempt:?} {result:?}"));
    }
}

#[tokio::test]
async fn no_error_repeats_an_echo() {
    let echo = echo();
    let json = serde_json::to_string(&echo).unwrap();
    let bodies = [
        echo.clone(),
        format!(
            "{{\"code\":{json},\"message\":{json},\"errors\":[{{\"code\":{json},\"message\":{json},\"resource\":{json},\"field\":{json}}}]}}"
        ),
        format!("{{\"error\":{json}}}"),
        format!("<html><head><title>{echo}</title></head></html>"),
        format!("<html><body><p>{echo}</p></body></html>"),
        format!("<Error><Message>{echo}</Message></Error>"),
        format!("{}{echo}", "<br>".repeat(4_090)),
        format!("[{{\"id\":1,{json}:NaN}}]"),
        format!("[{{\"id\":1,{json}:{json}}}"),
        format!("{{\"count\":{json}}}"),
        json.clone(),
        format!("\u{feff}{json}"),
    ];
    for status in ["200 OK", "404 Not Found", "500 Bad"] {
        for (number, body) in bodies.iter().enumerate() {
            let heard = Arc::new(Heard::default());
            // What stands on one line can be in the status line and in headers, too.
            let (code, _) = status.split_once(' ').unwrap();
            let headers = format!(
                "content-type: text/plain; {echo}\r\nx-cw-request-id: {echo}\r\nlink: <{echo}>; rel=\"next\"\r\nretry-after: {echo}\r\nlocation: https://h/{echo}\r\n"
            );
            let bytes = answer(&format!("{code} {echo}"), &headers, body.as_bytes());
            let raw = Raw::start(
                |host| config(format!("{host}/v2025_1/apis/3.0")).with_observer(heard.clone()),
                move |_| Bytes::All(bytes.clone()),
            )
            .await;
            let place = format!("{status} with {}", &body[..20.min(body.len())]);
            let client = &raw.client;
            if let Err(error) = client.request(Method::Get, "/x").send().await.and_then(|answer| {
                search(&place, &format!("{answer:?} {answer:#?} {:?}", answer.request()));
                answer.json::<Vec<std::collections::BTreeMap<String, i64>>>()
            }) {
                search_error(&place, &error);
            }
            for page in client.list("/x").pages().collect::<Vec<_>>().await {
                match page {
                    Ok(page) => search(&place, &format!("{page:?}")),
                    Err(error) => search_error(&place, &error),
                }
            }
            search(&place, &format!("{client:?} {:?}", client.config()));
            search(&place, &heard.0.lock().unwrap());
            // The others differ from a plain request in what they are read as, which three bodies show.
            if number > 2 {
                continue;
            }
            if let Err(error) = client.count("/x", None).await {
                search_error(&place, &error);
            }
            match client.company_info().await {
                Ok(info) => search(&place, &format!("{info:?}")),
                Err(error) => search_error(&place, &error),
            }
            match client.bundle(vec![BundledList::new("x", 1)]).await {
                Ok(bundle) => {
                    search(&place, &format!("{bundle:?}"));
                    bundle
                        .answers()
                        .map_or_else(|error| search_error(&place, &error), |all| search(&place, &format!("{all:?}")));
                }
                Err(error) => search_error(&place, &error),
            }
            match client.request(Method::Get, "/x").download().await {
                Ok(download) => search(&place, &format!("{download:?}")),
                Err(error) => search_error(&place, &error),
            }
            search(&place, &heard.0.lock().unwrap());
        }
    }
}

#[tokio::test]
async fn what_a_server_says_about_itself_is_no_way_out() {
    let echo = serde_json::to_string(&echo()).unwrap();
    let info = format!(
        "{{\"Codebase\":\"{KEY}\",\"CompanyName\":{echo},\"VersionCode\":{echo},\"VersionNumber\":{echo},\"CompanyID\":{echo},\"SiteUrl\":{echo}}}"
    );
    let server = Server::at([Reply::json(&info), Reply::status(404, ""), Reply::json(&info)], |host| {
        config(format!("{host}/v2025_1/apis/3.0"))
    })
    .await;
    search("company info", &format!("{:?}", server.client.company_info().await.unwrap()));
    // A codebase that is a credential would be part of every address from here on.
    search_error("moved", &server.client.get_raw("/x").await.unwrap_err());
    search("address", &server.client.base_url());
    server.finish();
}

#[tokio::test]
async fn what_hangs_on_a_bundle_is_cleaned() {
    let echo = serde_json::to_string(&echo()).unwrap();
    let results = format!(
        "{{\"results\":[{{\"sequenceNumber\":0,\"success\":false,\"statusCode\":400,\"error\":{{\"code\":\"C\",\"message\":{echo}}}}}]}}"
    );
    let server = Server::at([Reply::json(&results)], |host| config(format!("{host}/api"))).await;
    let bundle = server.client.bundle(vec![BundledList::new("x", 1)]).await.unwrap();
    let answers = bundle.answers().unwrap();
    let answer = answers[0].1.as_ref().unwrap();
    assert_eq!(answer.error.code.as_deref(), Some("C"));
    search("bundle", &format!("{answer:?} {}", answer.error));
}

#[tokio::test]
async fn the_headers_of_a_request_are_secrets_of_its_own() {
    let server = Server::at([Reply::status(400, "you sent s3cr3tC00kie2024 and tok3nT0ken77")], |host| {
        config(format!("{host}/api"))
    })
    .await;
    let request = server
        .client
        .request(Method::Post, "/x")
        .header("cookie", "sid=s3cr3tC00kie2024")
        .header("x-api-key", "tok3nT0ken77");
    let request = request.json("hunter2").unwrap();
    let shown = format!("{request:?} {request:#?}");
    assert!(!shown.contains("s3cr3t") && !shown.contains("hunter2") && !shown.contains("tok3n"), "{shown}");
    let error = request.send().await.unwrap_err().to_string();
    assert!(error.contains("you sent [redacted] and [redacted]"), "{error}");
}

/// A value that JSON doesn't have breaks a record with a password, and a page where no record is whole.
#[tokio::test]
async fn a_broken_record_is_named_and_not_shown() {
    let page = r#"[{"id":41,"password":"geheim-1","token":"geheim-2"},{"id":42,"password":"geheim-3","lastLogin":NaN,"token":"geheim-4"}]"#;
    let alone = r#"[{"id":42,"password":"geheim-3","lastLogin":undefined,"token":"geheim-4"}]"#;
    let server = Server::start([Reply::json(alone)]).await;
    let pages: Vec<_> = server.client.list("/system/members").pages().collect().await;
    let error = pages[0].as_ref().unwrap_err();
    assert_eq!(
        error.to_string(),
        "the answer to GET /system/members stops being JSON at byte 44 (line 1, /0/lastLogin of record 42) with undefined: leave that property out of the fields, or have the record repaired on the server; what stands there isn't shown, as it may be a secret"
    );
    for broken in [
        page.to_owned(),
        alone.to_owned(),
        page.replace("NaN", "geheim-5"),
        page[..70].to_owned(),
        page[30..].to_owned(),
        page.replace('"', "'"),
        format!("\u{feff}{page}"),
        format!("{page}{page}"),
        format!("{{\"message\":\"can't write\",\"records\":{page}"),
    ] {
        for status in [200, 400, 403] {
            let server = Server::start([Reply::status(status, &broken)]).await;
            for page in server.client.list("/system/members").pages().collect::<Vec<_>>().await {
                let shown = match page {
                    Ok(page) => format!("{page:?}"),
                    Err(error) => format!("{error} {error:?} {error:#?} {:?} {:?}", error.api(), error.source()),
                };
                assert!(!shown.contains("geheim"), "{status} {broken}: {shown}");
            }
        }
    }
}
