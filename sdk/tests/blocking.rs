//! The client that waits: what it asks is what the other one asks, and where it mustn't wait it says so.

#![allow(clippy::unwrap_used, reason = "clippy takes what tests share for library code")]

mod simulated;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

use connectwise_sdk::blocking::Client;
use connectwise_sdk::fields::time_entry;
use connectwise_sdk::models::TimeEntry;
use connectwise_sdk::{Config, ConfigParts, Error, ErrorKind, Method, Patch};
use connectwise_sim::Simulator;
use tokio::runtime::Runtime;

/// A simulated server on threads of its own.
struct Simulated {
    client: Client,
    simulator: Simulator,
    runtime: Runtime,
}

impl Simulated {
    fn new() -> Self {
        let runtime = Runtime::new().unwrap();
        let simulator = runtime.block_on(Simulator::builder().seed(1).scale(50).start()).unwrap();
        let client = Client::of(simulated::client(&simulator)).unwrap();
        Self { client, simulator, runtime }
    }
}

#[test]
fn records_are_listed_read_changed_and_deleted() {
    let simulated = Simulated::new();
    let entries = simulated.client.resource::<TimeEntry>();
    let all = entries.count().unwrap();
    assert!(all > 20, "{all}");
    assert_eq!(entries.list().count().unwrap(), all);
    assert_eq!(entries.list().page_size(7).records().map(Result::unwrap).count() as u64, all);
    let sizes: Vec<usize> =
        entries.list().page_size(20).pages().map(|page| page.unwrap().records().unwrap().len()).collect();
    assert_eq!(sizes.iter().sum::<usize>() as u64, all);
    assert_eq!(sizes[0], 20);
    let untyped = simulated.client.client().list("/time/entries").page_size(20);
    assert_eq!(simulated.client.pages(untyped).count(), sizes.len());

    let newest = entries.list().order_by(time_entry::ID.desc()).fields((time_entry::ID, time_entry::NOTES)).first();
    let id = newest.unwrap().unwrap().id.unwrap();
    let read = entries.get(id).unwrap();
    let new = TimeEntry { id: None, notes: Some("Paper in tray two".to_owned()), ..read };
    let created = entries.create(&new).unwrap().id.unwrap();
    let paper = || entries.list().conditions(time_entry::NOTES.eq("Paper in tray two"));
    assert_eq!(paper().collect(10).unwrap().len(), 1);
    assert_eq!(entries.patch(created, &Patch::new().replace("notes", "Done")).unwrap().notes.as_deref(), Some("Done"));
    assert_eq!(paper().count().unwrap(), 0);
    entries.delete(created).unwrap();
    assert!(entries.get_opt(created).unwrap().is_none());
    assert!(entries.get(created).unwrap_err().is_not_found());

    let client = &simulated.client;
    let info = client.wait(client.client().request(Method::Get, "/system/info").send()).unwrap();
    assert_eq!(info.status(), 200);
}

#[test]
fn threads_may_ask_at_once() {
    let simulated = Simulated::new();
    let counts: Vec<u64> = std::thread::scope(|scope| {
        let ask = || simulated.client.resource::<TimeEntry>().count().unwrap();
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(ask)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(counts.iter().all(|count| *count == counts[0]), "{counts:?}");
}

#[test]
fn within_a_runtime_every_call_says_what_to_do() {
    let refused = |error: Error| {
        assert_eq!(error.kind(), ErrorKind::Request);
        assert_eq!(
            error.to_string(),
            "the blocking client was called within an async runtime, whose other tasks would wait with it: use connectwise_sdk::Client and .await there, or call it on a thread of its own (std::thread::spawn)"
        );
    };
    let Simulated { client, simulator, runtime } = Simulated::new();
    runtime.block_on(async {
        let entries = client.resource::<TimeEntry>();
        refused(entries.count().unwrap_err());
        let mut records = entries.list().records();
        refused(records.next().unwrap().unwrap_err());
        assert!(records.next().is_none());
        let within = client.clone();
        let blocking = move || within.resource::<TimeEntry>().get(1).unwrap_err();
        refused(tokio::task::spawn_blocking(blocking).await.unwrap());
        // A thread of its own is nobody's.
        let own = client.clone();
        assert!(std::thread::spawn(move || own.resource::<TimeEntry>().count()).join().unwrap().is_ok());
        // It is made and dropped there without a panic, even where it has asked.
        drop(Client::of(simulated::client(&simulator)).unwrap());
        drop((entries, client));
    });
}

/// Answers one request and closes the connection, as servers do with those that are idle.
fn answer_once(connection: TcpStream, answer: &str) {
    let mut reader = BufReader::new(connection);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
    }
    reader.read_exact(&mut vec![0; length]).unwrap();
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", answer.len());
    reader.get_mut().write_all(format!("{head}{answer}").as_bytes()).unwrap();
}

/// Nobody watches the connections between two calls, and a write that fails isn't repeated.
#[test]
fn a_connection_that_was_closed_meanwhile_costs_no_write() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let parts = ConfigParts {
        base_url: Some(format!("http://{}", listener.local_addr().unwrap())),
        username: Some("acme+public".to_owned()),
        password: Some("private".into()),
        client_id: Some("11111111-2222-3333-4444-555555555555".to_owned()),
        ..ConfigParts::default()
    };
    let client = Client::new(Config::from_parts(parts).unwrap()).unwrap();
    let (closed, is_closed) = std::sync::mpsc::channel();
    let server = std::thread::spawn(move || {
        for connection in listener.incoming().take(5) {
            answer_once(connection.unwrap(), "{\"id\":7}");
            closed.send(()).unwrap();
        }
    });
    let entries = client.resource::<TimeEntry>();
    for _ in 0..5 {
        assert_eq!(entries.create(&TimeEntry::default()).unwrap().id, Some(7));
        is_closed.recv().unwrap();
    }
    server.join().unwrap();
}
