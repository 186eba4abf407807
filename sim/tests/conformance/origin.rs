//! The simulator's own routes are for programs on this machine, and for no page in a browser.

use connectwise_sim::Simulator;
use serde_json::json;

#[tokio::test]
async fn a_page_of_another_site_can_use_no_route_of_the_simulator() {
    let simulator = Simulator::builder().scale(10).start().await.unwrap();
    let http = reqwest::Client::new();
    let url = |route: &str| format!("{}/_sim/{route}", simulator.url());
    let fault = json!({ "path": "/time/entries", "fault": { "status": 500 } }).to_string();
    let own = simulator.url();
    let port = simulator.port();
    let rebound = format!("sim.evil.example:{port}");
    for (name, value) in [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("origin", "http://127.0.0.1:1"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("host", rebound.as_str()),
    ] {
        // What a form or a script of another site can send without asking first: text, no header of its own.
        let sent =
            http.post(url("faults")).header(name, value).header("content-type", "text/plain").body(fault.clone());
        assert_eq!(sent.send().await.unwrap().status(), 403, "{name}: {value}");
        for route in ["truth/Member", "requests", "clock"] {
            let read = http.get(url(route)).header(name, value).send().await.unwrap();
            assert_eq!(read.status(), 403, "{route} with {name}: {value}");
        }
    }
    // A program sends neither header, and a page that somebody opens on the simulator itself sends its own origin.
    let faults = http.get(url("faults")).send().await.unwrap().text().await.unwrap();
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&faults).unwrap()["rules"],
        0,
        "no rule got through: {faults}"
    );
    let page = http.get(url("clock")).header("origin", own).header("sec-fetch-site", "same-origin");
    assert_eq!(page.send().await.unwrap().status(), 200);
}
