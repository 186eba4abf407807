//! No write is ever repeated unless it never left the machine: the simulated server counts.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use connectwise_sdk::{Client, Clock, ErrorKind, Method};
use connectwise_sim::Simulator;
use futures::future::BoxFuture;
use serde_json::json;

use crate::simulator::{Simulated, config};

const PATH: &str = "/company/noteTypes";

/// What can happen to a request that has left the machine.
const FAULTS: [&str; 11] = [
    r#""status":429"#,
    r#""status":429,"retryAfter":1"#,
    r#""status":500"#,
    r#""status":502,"html":true"#,
    r#""status":503,"html":true"#,
    r#""status":503,"retryAfter":1"#,
    r#""status":504,"html":true"#,
    r#""cut":true"#,
    r#""close":true"#,
    r#""stall":true"#,
    r#""contentType":"text/html""#,
];

#[tokio::test]
async fn a_write_that_left_the_machine_is_sent_once_whatever_becomes_of_it() {
    for method in [Method::Post, Method::Put, Method::Patch, Method::Delete] {
        for fault in FAULTS {
            let simulated = Simulated::with(|config| config.with_read_timeout(Duration::from_millis(300))).await;
            // The connection is open already, so that nobody can take it for one that couldn't be made.
            let rows = simulated.client.list(PATH).pages();
            let first = futures::StreamExt::next(&mut Box::pin(rows)).await.unwrap().unwrap();
            let row: serde_json::Value = serde_json::from_str(first.records().unwrap()[0].get()).unwrap();
            let before = simulated.requests().await.len();
            simulated.fault(&format!("{{{fault}}}")).await;

            let (path, body) = match method {
                Method::Post => (PATH.to_owned(), json!({"name": "New"})),
                Method::Patch => {
                    (format!("{PATH}/{}", row["id"]), json!([{"op": "replace", "path": "name", "value": "P"}]))
                }
                _ => (format!("{PATH}/{}", row["id"]), row.clone()),
            };
            let request = simulated.client.request(method, &path);
            let request = if method == Method::Delete { request } else { request.json(&body).unwrap() };
            let answer = request.send().await;

            let sent = &simulated.requests().await[before..];
            assert_eq!(sent, [format!("{method} {path}")], "{fault}: {answer:?}");
            assert!(simulated.clock.pauses().is_empty(), "{method} {fault}");
            match answer {
                Ok(_) => assert!(fault.contains("contentType") || method == Method::Delete, "{method} {fault}"),
                Err(error) => {
                    assert_eq!(error.request().unwrap().attempt, 1, "{method} {fault}: {error}");
                    // The rate limit says that it wasn't carried out.
                    let turned_away = error.is_rate_limited();
                    assert_eq!(error.may_have_been_carried_out(), !turned_away, "{method} {fault}: {error}");
                    assert_eq!(error.is_retryable(), turned_away, "{method} {fault}: {error}");
                    let says =
                        error.to_string().ends_with("; it may have been carried out: look before sending it again");
                    assert_eq!(says, !turned_away, "{method} {fault}: {error}");
                    assert!(turned_away || !error.to_string().contains("try again later"), "{error}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_create_whose_answer_is_lost_has_made_one_record() {
    for fault in [r#"{"cut":true}"#, r#"{"stall":true}"#] {
        let simulated = Simulated::with(|config| config.with_read_timeout(Duration::from_millis(300))).await;
        let before = simulated.rows(PATH).await;
        simulated.fault(fault).await;
        let request = simulated.client.request(Method::Post, PATH).json(&json!({"name": "New"})).unwrap();
        let error = request.send().await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::Timeout), "{error}");
        assert!(error.may_have_been_carried_out() && !error.is_retryable(), "{error}");
        assert_eq!(simulated.rows(PATH).await, before + 1);
    }
}

/// A clock in whose second pause a server comes up.
#[derive(Debug)]
struct Rescue {
    port: u16,
    pauses: Mutex<u32>,
    simulator: Arc<tokio::sync::Mutex<Option<Simulator>>>,
}

impl Clock for Rescue {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }

    fn random(&self) -> f64 {
        0.0
    }

    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        let mut pauses = self.pauses.lock().unwrap();
        *pauses += 1;
        let (second, port, simulator) = (*pauses == 2, self.port, self.simulator.clone());
        Box::pin(async move {
            if second {
                *simulator.lock().await = Some(Simulator::builder().scale(25).port(port).start().await.unwrap());
            }
        })
    }
}

#[tokio::test]
async fn a_write_that_never_left_the_machine_is_repeated_and_arrives_once() {
    // Somewhere to listen, which is free again as soon as the simulator is gone.
    let elsewhere = Simulator::builder().scale(25).start().await.unwrap();
    let (port, settings) = (elsewhere.port(), config(&elsewhere));
    elsewhere.shutdown().await;

    let simulator = Arc::default();
    let clock = Arc::new(Rescue { port, pauses: Mutex::default(), simulator: Arc::clone(&simulator) });
    let client = Client::with_clock(settings, clock.clone()).unwrap();
    client.request(Method::Post, PATH).json(&json!({"name": "New"})).unwrap().send().await.unwrap();
    assert_eq!(*clock.pauses.lock().unwrap(), 2);
    assert_eq!(client.stats().requests, 3);

    let simulator = simulator.lock().await.take().unwrap();
    let seen: Vec<_> = simulator.requests().into_iter().map(|asked| (asked.path, asked.status)).collect();
    assert_eq!(seen, [(PATH.to_owned(), 201)]);
}
