//! A server on loopback that plays the script of one case, and answers as it should where the script says nothing.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use crate::answer::Answer;

/// What a request is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum About {
    /// Which codebase the server runs.
    Company,
    /// Whether it lets anybody in, which is asked before any list.
    Entry,
    /// How many records there are.
    Count,
    /// A page of the list.
    List,
    /// One record.
    One,
}

/// The answers of a case to one kind of request: each in its turn.
#[derive(Clone, Default)]
pub(crate) struct Script {
    pub(crate) turns: Vec<Answer>,
    /// What comes after them, again and again; the right answer where there is none.
    pub(crate) then: Option<Answer>,
}

pub(crate) type Scripts = HashMap<About, Script>;

pub(crate) struct Server {
    pub(crate) port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    scripts: Scripts,
    turns: Mutex<HashMap<About, usize>>,
    /// Records in the order of their ids.
    records: Vec<String>,
    requests: AtomicUsize,
    over: AtomicBool,
}

impl Server {
    /// A server that has these records and this script.
    pub(crate) fn start(records: Vec<String>, scripts: Scripts) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            scripts,
            turns: Mutex::default(),
            records,
            requests: AtomicUsize::new(0),
            over: AtomicBool::new(false),
        });
        let accepting = shared.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if accepting.over.load(Ordering::Relaxed) {
                    return;
                }
                let (Ok(stream), shared) = (stream, accepting.clone()) else { continue };
                // A program that hangs up in the middle of an answer is no fault here.
                std::thread::spawn(move || shared.talk(stream).ok());
            }
        });
        Self { port, shared }
    }

    pub(crate) fn requests(&self) -> usize {
        self.shared.requests.load(Ordering::Relaxed)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
        // Wakes the one who waits for connections.
        TcpStream::connect(("127.0.0.1", self.port)).ok();
    }
}

impl Shared {
    fn talk(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream.try_clone()?);
        loop {
            let (mut line, mut target, mut length) = (String::new(), String::new(), 0);
            while reader.read_line(&mut line)? > 2 {
                if target.is_empty() {
                    target = line.split(' ').nth(1).unwrap_or_default().to_owned();
                } else if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap_or(0);
                }
                line.clear();
            }
            if target.is_empty() {
                return Ok(());
            }
            std::io::copy(&mut reader.by_ref().take(length), &mut std::io::sink())?;
            self.requests.fetch_add(1, Ordering::Relaxed);
            if !self.answer(&target).send(&mut stream)? {
                return Ok(());
            }
        }
    }

    fn answer(&self, target: &str) -> Answer {
        let about = about(target);
        let turn = {
            let mut turns = self.turns.lock().unwrap();
            let turn = turns.entry(about).or_default();
            *turn += 1;
            *turn - 1
        };
        let script = self.scripts.get(&about);
        let scripted = script.and_then(|script| script.turns.get(turn).or(script.then.as_ref()));
        match scripted {
            Some(answer) => answer.clone().behind(number(target, "pageId", 0), number(target, "pageSize", 25)),
            None => self.right(about, target),
        }
    }

    /// What a server answers that has nothing against anybody.
    fn right(&self, about: About, target: &str) -> Answer {
        match about {
            About::Company => {
                Answer::json("{\"CompanyName\":\"Acme\",\"Codebase\":\"v4_6_release/\",\"CompanyID\":\"acme\"}")
            }
            About::Entry => Answer::json("{\"version\":\"v2025.8\"}"),
            About::Count => Answer::json(format!("{{\"count\":{}}}", self.records.len())),
            About::One => {
                let id = target.rsplit('/').next().unwrap_or_default();
                let found = self.records.iter().find(|record| record.starts_with(&format!("{{\"id\":{id},")));
                found.map_or_else(
                    || Answer::error(404, "NotFound", "WorkRole not found"),
                    |record| Answer::json(record.clone()),
                )
            }
            About::List => {
                let (after, size) = (number(target, "pageId", 0), number(target, "pageSize", 25));
                let rest = self.records.get(after.min(self.records.len())..).unwrap_or_default();
                let page = rest.get(..size.min(rest.len())).unwrap_or_default();
                let answer = Answer::json(format!("[{}]", page.join(",")));
                if rest.len() > size { answer.next((after + size) as u64) } else { answer.last() }
            }
        }
    }
}

/// A number of a query.
fn number(target: &str, name: &str, usual: usize) -> usize {
    let value = target.split(['?', '&']).find_map(|pair| pair.strip_prefix(&format!("{name}=")));
    value.and_then(|value| value.parse().ok()).unwrap_or(usual)
}

fn about(target: &str) -> About {
    let path = target.split('?').next().unwrap_or_default();
    match path.rsplit('/').next() {
        _ if path.contains("/companyinfo/") => About::Company,
        _ if path.ends_with("/system/info") => About::Entry,
        Some("count") => About::Count,
        Some(last) if last.bytes().all(|byte| byte.is_ascii_digit()) => About::One,
        _ => About::List,
    }
}
