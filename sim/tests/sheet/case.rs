//! A line of the table: `METHOD path [header=value ..] [<- body] => status check ..`
//!
//! `{/list/path}` in a path or body is the first id of that list. Checks: `rows=N` and `rows>N` items, `text=..` the whole body
//! (to the end of the line), `code=..` and `message~..` (to the end) of an error, `/pointer=json`, `/pointer?` is there,
//! `/pointer!` isn't, `all/pointer=json` in every item, `name:~part` a header that has this in it, `name:!` a
//! header that isn't there, `name:empty` one with nothing in it.

use connectwise_sim::Simulator;
use serde_json::Value;

pub(crate) struct Case {
    pub(crate) line: String,
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Option<String>,
    status: u16,
    checks: String,
}

pub(crate) fn read(table: &str) -> Vec<Case> {
    table.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')).map(Case::read).collect()
}

/// An answer.
pub(crate) struct Asked {
    status: u16,
    headers: reqwest::header::HeaderMap,
    text: String,
    json: Value,
}

impl Asked {
    pub(crate) fn told(&self) -> String {
        format!("{} {}", self.status, self.text.chars().take(300).collect::<String>())
    }

    pub(crate) async fn of(http: &reqwest::Client, simulator: &Simulator, case: &Case) -> Self {
        let path = filled(http, simulator, &case.path).await;
        let root = if ["/_sim", "/login", "/v"].iter().any(|start| path.starts_with(start)) {
            simulator.url()
        } else {
            simulator.base_url()
        };
        let mut request = http.request(case.method.parse().unwrap(), format!("{root}{path}"));
        if !case.headers.iter().any(|(name, _)| name == "anonymous") {
            request = request.basic_auth("simco+public", Some("private")).header("clientId", "x");
        }
        for (name, value) in case.headers.iter().filter(|(name, _)| name != "anonymous") {
            request = request.header(name, value);
        }
        if let Some(body) = &case.body {
            request = request.body(filled(http, simulator, body).await);
        }
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let text = String::from_utf8_lossy(&answer.bytes().await.unwrap()).into_owned();
        let json = serde_json::from_str(&text).unwrap_or_default();
        Self { status, headers, text, json }
    }
}

/// Puts the first ids of lists where they are named.
async fn filled(http: &reqwest::Client, simulator: &Simulator, text: &str) -> String {
    let mut text = text.to_owned();
    // The innermost first: a path may need an id itself.
    while let Some(start) = text.rfind("{/") {
        let end = start + text[start..].find('}').unwrap();
        let url = format!("{}{}?pageSize=1", simulator.base_url(), &text[start + 1..end]);
        let request = http.get(url).basic_auth("simco+public", Some("private")).header("clientId", "x");
        let rows: Value = serde_json::from_str(&request.send().await.unwrap().text().await.unwrap()).unwrap();
        text.replace_range(start..=end, &rows[0]["id"].to_string());
    }
    text
}

impl Case {
    fn read(line: &str) -> Self {
        let (request, expected) = line.split_once(" => ").unwrap_or_else(|| panic!("{line}"));
        let (request, body) = match request.split_once(" <- ") {
            Some((request, body)) => (request, Some(body.trim().to_owned())),
            None => (request, None),
        };
        let mut words = request.split_whitespace();
        let (method, path) = (words.next().unwrap().to_owned(), words.next().unwrap().to_owned());
        let headers =
            words.map(|word| word.split_once('=').unwrap_or((word, ""))).map(|(n, v)| (n.into(), v.replace('+', " ")));
        let headers = headers.collect();
        let (status, checks) = expected.trim().split_once(' ').unwrap_or((expected.trim(), ""));
        Self {
            line: line.to_owned(),
            method,
            path,
            headers,
            body,
            status: status.parse().unwrap_or_else(|_| panic!("{line}")),
            checks: checks.to_owned(),
        }
    }

    pub(crate) fn failures(&self, asked: &Asked) -> Vec<String> {
        let mut failures = Vec::new();
        if asked.status != self.status {
            failures.push(format!("status {}", asked.status));
        }
        let mut rest = self.checks.as_str();
        while !rest.is_empty() {
            let (check, after) = match rest {
                all if all.starts_with("text=") || all.starts_with("message~") => (all, ""),
                all => all.split_at(end_of(all)),
            };
            if !holds(check, asked) {
                failures.push(format!("not {check}"));
            }
            rest = after.trim_start();
        }
        failures
    }
}

/// Where a check ends: at a blank that isn't within quotes.
fn end_of(checks: &str) -> usize {
    let mut quoted = false;
    let end = checks.find(|c| {
        quoted ^= c == '"';
        c == ' ' && !quoted
    });
    end.unwrap_or(checks.len())
}

fn holds(check: &str, asked: &Asked) -> bool {
    let items = asked.json.as_array();
    let count = items.map_or(0, Vec::len);
    if let Some(rows) = check.strip_prefix("rows=") {
        return items.is_some() && count == rows.parse::<usize>().unwrap();
    }
    if let Some(rows) = check.strip_prefix("rows>") {
        return count > rows.parse::<usize>().unwrap();
    }
    if let Some(text) = check.strip_prefix("text=") {
        return asked.text == text;
    }
    if let Some(code) = check.strip_prefix("code=") {
        return asked.json["code"] == code && asked.json["message"].is_string();
    }
    if let Some(part) = check.strip_prefix("message~") {
        return asked.json["message"].as_str().is_some_and(|message| message.contains(part));
    }
    if let Some(rest) = check.strip_prefix("all/") {
        let (pointer, wanted) = rest.split_once('=').unwrap();
        let wanted: Value = serde_json::from_str(wanted).unwrap();
        return items
            .is_some_and(|items| items.iter().all(|item| item.pointer(&format!("/{pointer}")) == Some(&wanted)));
    }
    if check.starts_with('/') {
        return match check.split_once('=') {
            Some((pointer, wanted)) => {
                asked.json.pointer(pointer) == Some(&serde_json::from_str(wanted).unwrap_or_else(|_| panic!("{check}")))
            }
            None if check.ends_with('!') => asked.json.pointer(check.trim_end_matches('!')).is_none(),
            None => asked.json.pointer(check.trim_end_matches('?')).is_some(),
        };
    }
    let (name, wanted) = check.split_once(':').unwrap_or_else(|| panic!("{check}"));
    let value = asked.headers.get(name).map(|value| value.to_str().unwrap());
    if wanted == "empty" {
        return value == Some("");
    }
    match wanted.strip_prefix('~') {
        Some(part) => value.is_some_and(|value| value.contains(part)),
        None => value.is_none() == (wanted == "!"),
    }
}
