//! What a program asks of its simulator in Rust is what the routes below `/_sim` say.

use std::time::Duration;

use connectwise_sim::{Changes, FaultRule};
use serde_json::json;

use crate::client::{Client, ids};

#[tokio::test]
async fn the_truth_is_that_of_the_route() {
    let client = Client::start(100).await;
    for list in ["TimeEntry", "/time/entries", "/finance/agreements/*/additions"] {
        let told = client.simulator.truth(list).unwrap();
        assert!(!told.is_empty(), "{list}");
        assert_eq!(told, client.truth(list.trim_start_matches('/')).await, "{list}");
    }
    let before = client.simulator.now();
    let deleted = client.simulator.advance("TimeEntry", Changes { delete: 1, ..Changes::default() }).unwrap();
    let deleted = deleted["changed"]["TimeEntry"]["deleted"][0].as_i64().unwrap();
    assert!(!ids(&client.simulator.truth("TimeEntry").unwrap()).contains(&deleted));
    let past = client.simulator.truth_at("TimeEntry", &before).unwrap();
    assert!(ids(&past).contains(&deleted));
    assert_eq!(client.simulator.truth("Colour").unwrap_err().to_string(), "there is no entity Colour");
    assert_eq!(client.simulator.truth_at("TimeEntry", "soon").unwrap_err().to_string(), "at is no instant");
}

#[tokio::test]
async fn time_passes_and_does_not_go_back() {
    let client = Client::start(100).await;
    assert_eq!(client.simulator.now(), "2026-01-15T08:00:00Z");
    let day = client.simulator.advance_days(1).await.unwrap();
    assert_eq!((day["advances"].as_i64(), day["now"].as_str()), (Some(1), Some("2026-01-16T08:00:00Z")));
    assert_eq!(client.own("/clock").await.json(), json!({ "now": client.simulator.now() }));
    client.simulator.set_clock("2026-02-01T00:00:00Z").unwrap();
    assert_eq!(client.own("/clock").await.json(), json!({ "now": "2026-02-01T00:00:00Z" }));
    let error = client.simulator.set_clock("2026-01-01T00:00:00Z").unwrap_err();
    assert_eq!(error.to_string(), "the clock never goes back");
    let error = client.simulator.advance_days(0).await.unwrap_err();
    assert_eq!(error.to_string(), "an advance takes 1 to 3660 days");
}

#[tokio::test]
async fn faults_bite_as_those_of_scripts_do() {
    let client = Client::start(100).await;
    let path = "/time/entries";
    let rules = [
        (FaultRule::status(503).with_html().retry_after(3), r#"{"status":503,"html":true,"retryAfter":3}"#),
        (FaultRule::status(400).with_body("{}").at(path), r#"{"status":400,"body":"{}","path":"/time/entries"}"#),
        (FaultRule::status(500).at("/company/*"), r#"{"status":500,"path":"/company/*"}"#),
        (FaultRule::status(429).nth(2).times(2), r#"{"status":429,"nth":2,"times":2}"#),
        (FaultRule::content_type("text/html").with_method("POST"), r#"{"contentType":"text/html","method":"POST"}"#),
        (FaultRule::content_type("text/html"), r#"{"contentType":"text/html"}"#),
        (FaultRule::status(500).with_probability(0.5, 7), r#"{"status":500,"probability":0.5,"seed":7}"#),
        (FaultRule::per_minute(2), r#"{"perMinute":2}"#),
        (FaultRule::per_minute(2).silent(), r#"{"perMinute":2,"silent":true}"#),
        (FaultRule::missing(), r#"{"missing":true}"#),
        (FaultRule::duplicate(), r#"{"duplicate":true}"#),
    ];
    for (rule, script) in rules {
        let mut seen = [Vec::new(), Vec::new()];
        for (turn, seen) in seen.iter_mut().enumerate() {
            client.simulator.clear_faults();
            match turn {
                0 => client.simulator.fault(rule.clone()).unwrap(),
                _ => client.simulator.fault_script(script).unwrap(),
            }
            for page in ["1", "2", "1", "2"] {
                let answer = client.get(path, &[("page", page), ("pageSize", "10")]).await;
                let wait = answer.header("retry-after").is_some();
                seen.push((answer.status, wait, answer.header("content-type").map(str::to_owned), answer.text));
            }
        }
        // The seconds that a limit tells depend on how long the test takes.
        let [of_rule, of_script] = seen;
        if script.contains("perMinute") {
            let short = |seen: &[(u16, bool, Option<String>, String)]| {
                seen.iter().map(|(status, wait, ..)| (*status, *wait)).collect::<Vec<_>>()
            };
            assert_eq!(short(&of_rule), short(&of_script), "{script}");
        } else {
            assert_eq!(of_rule, of_script, "{script}");
        }
    }
    for rule in [FaultRule::cut(), FaultRule::close(), FaultRule::refuse(), FaultRule::slow(9), FaultRule::stall()] {
        assert!(client.simulator.fault(rule).is_ok());
    }
    for rule in [FaultRule::status(200), FaultRule::slow(0), FaultRule::cut().with_body("x")] {
        assert!(client.simulator.fault(rule).is_err());
    }
    assert!(client.simulator.fault_script("{}").is_err());
    assert!(client.simulator.bitten()["rate_limit"] > 0);
}

#[tokio::test]
async fn requests_are_those_of_clients_alone() {
    let client = Client::start(100).await;
    client.get("/time/entries", &[("page", "2")]).await;
    client.own("/clock").await;
    client.get("/colour", &[]).await;
    let seen: Vec<_> =
        client.simulator.requests().into_iter().map(|seen| (seen.path, seen.query, seen.status)).collect();
    let of = |path: &str, query: &str, status| (path.to_owned(), query.to_owned(), status);
    assert_eq!(seen, [of("/time/entries", "page=2", 200), of("/colour", "", 404)]);
    assert_eq!((client.simulator.request_count(), client.simulator.most_under_way()), (2, 1));
    client.simulator.forget_requests();
    assert!(client.simulator.requests().is_empty() && client.simulator.request_count() == 0);
}

#[tokio::test]
async fn the_tenant_is_changed_under_its_clients() {
    let client = Client::start(100).await;
    let first = client.simulator.truth("TimeEntry").unwrap()[0]["id"].as_i64().unwrap();
    let set = json!({ "_info/lastUpdated": "2099-01-01T00:00:00Z" });
    client.simulator.plant("/time/entries", first, set.as_object().unwrap()).unwrap();
    let row = client.get(&format!("/time/entries/{first}"), &[]).await.json();
    assert_eq!(row["_info"]["lastUpdated"], "2099-01-01T00:00:00Z");
    assert!(client.simulator.plant("/time/entries", 999_999_999, set.as_object().unwrap()).is_err());

    let count = client.simulator.truth("TimeEntry").unwrap().len();
    client.simulator.drift(1, Changes { insert: 1, ..Changes::default() }, Some("/time/entries")).unwrap();
    client.get("/time/entries", &[]).await;
    client.simulator.stop_drift();
    client.get("/time/entries", &[]).await;
    assert_eq!(client.simulator.truth("TimeEntry").unwrap().len(), count + 1);

    client.simulator.set_role("no-time").unwrap();
    assert_eq!(client.get("/time/entries", &[]).await.status, 403);
    assert!(client.simulator.set_role("nobody").is_err());
    client.simulator.set_role("full").unwrap();
    client.simulator.set_switch("service-tickets=all").unwrap();
    assert!(client.simulator.set_switch("colour=red").is_err());
    client.simulator.set_latency(Duration::from_millis(1), Duration::ZERO);
    assert_eq!(client.own("/latency").await.json()["request"], "1ms");
}
