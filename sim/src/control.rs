//! The simulator's own switches below `/_sim`: faults, time, roles, the log of requests, counters.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State as Extract;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use serde::Deserialize;
use serde_json::json;

use crate::answer::{self, Answer};
use crate::calendar;
use crate::drift::Drift;
use crate::faults;
use crate::latency::Latency;
use crate::role::Role;
use crate::state::{Source, State};

pub(crate) fn wrong(message: &str) -> Answer {
    answer::plain_json(StatusCode::BAD_REQUEST, json!({ "message": message }).to_string())
}

pub(crate) async fn add_fault(Extract(state): Extract<Arc<State>>, body: Bytes) -> Answer {
    match faults::read(&body) {
        Ok(rules) => {
            rules.into_iter().for_each(|rule| state.faults().add(rule));
            list_faults(Extract(state)).await
        }
        Err(reason) => wrong(&format!("no such fault: {reason}")),
    }
}

pub(crate) async fn list_faults(Extract(state): Extract<Arc<State>>) -> Answer {
    let (rules, bitten) = {
        let faults = state.faults();
        (faults.count(), faults.bitten.clone())
    };
    answer::plain_json(StatusCode::OK, json!({ "rules": rules, "bitten": bitten }).to_string())
}

pub(crate) async fn clear_faults(Extract(state): Extract<Arc<State>>) -> Answer {
    state.faults().clear();
    list_faults(Extract(state)).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Clock {
    now: String,
}

/// Takes `{"now":"2026-02-01T00:00:00Z"}`. The clock never goes back.
pub(crate) async fn set_clock(Extract(state): Extract<Arc<State>>, body: Bytes) -> Answer {
    let now = match serde_json::from_slice::<Clock>(&body) {
        Ok(clock) => calendar::parse(&clock.now),
        Err(error) => return wrong(&format!("no such clock: {error}")),
    };
    let Some(now) = now else { return wrong("no such clock: now is no instant") };
    match state.change(|tenant| tenant.set_clock(now)) {
        Some(true) => clock(Extract(state)).await,
        Some(false) => wrong("the clock never goes back"),
        None => wrong("samples don't change"),
    }
}

/// `{"now":..}`
pub(crate) async fn clock(Extract(state): Extract<Arc<State>>) -> Answer {
    let mut now = String::new();
    calendar::push(&mut now, state.now());
    answer::plain_json(StatusCode::OK, json!({ "now": now }).to_string())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    role: String,
}

/// Takes `{"role":"mine,no-info"}`.
pub(crate) async fn set_role(Extract(state): Extract<Arc<State>>, body: Bytes) -> Answer {
    let wanted = match serde_json::from_slice::<Wanted>(&body) {
        Ok(wanted) => wanted.role,
        Err(error) => return wrong(&format!("no such role: {error}")),
    };
    match Role::parse(&wanted) {
        Ok(role) => {
            state.set_role(role);
            let member = match state.source().as_ref() {
                Source::Generated(tenant) => Some(tenant.member_of_key()),
                Source::Samples(_) => None,
            };
            answer::plain_json(StatusCode::OK, json!({ "role": wanted, "member": member }).to_string())
        }
        Err(word) => wrong(&format!("there is no role {word}")),
    }
}

/// `[{"name":..,"value":..,"values":[..],"about":..}]`
pub(crate) async fn switches(Extract(state): Extract<Arc<State>>) -> Answer {
    let switches = state.switches();
    let told: Vec<_> = switches
        .told()
        .map(|(switch, value)| {
            json!({ "name": switch.name, "value": value, "values": switch.values, "about": switch.about })
        })
        .collect();
    answer::plain_json(StatusCode::OK, json!(told).to_string())
}

/// `[{"method":..,"path":..,"reason":..}]`
pub(crate) async fn unsupported(Extract(state): Extract<Arc<State>>) -> Answer {
    answer::plain_json(StatusCode::OK, crate::api::unsupported(state.document).to_string())
}

/// Takes `{"last-link":"exact","bundle-limit":"7"}`; all of it or nothing is set.
pub(crate) async fn set_switches(Extract(state): Extract<Arc<State>>, body: Bytes) -> Answer {
    let wanted: BTreeMap<String, serde_json::Value> = match serde_json::from_slice(&body) {
        Ok(wanted) => wanted,
        Err(error) => return wrong(&format!("no such switches: {error}")),
    };
    let mut set = state.switches();
    for (name, value) in &wanted {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        if let Err(reason) = set.set(name, &value) {
            return wrong(&reason);
        }
    }
    state.set_switches(set);
    switches(Extract(state)).await
}

/// Takes `{"every":2,"edit":1,"insert":1,"delete":1,"path":"/time/entries"}`.
pub(crate) async fn set_drift(Extract(state): Extract<Arc<State>>, body: Bytes) -> Answer {
    match Drift::read(&body) {
        Ok(drift) => {
            *state.drift() = Some(drift);
            answer::plain_json(StatusCode::OK, "{}")
        }
        Err(reason) => wrong(&format!("no such drift: {reason}")),
    }
}

pub(crate) async fn stop_drift(Extract(state): Extract<Arc<State>>) -> Answer {
    *state.drift() = None;
    answer::plain_json(StatusCode::OK, "{}")
}

/// `{"delivered":..,"retried":..,"lost":..}`
pub(crate) async fn callbacks(Extract(state): Extract<Arc<State>>) -> Answer {
    let counts = state.callbacks.counts();
    let of = |outcome: &str| counts.get(outcome).copied().unwrap_or(0);
    let body = json!({ "delivered": of("delivered"), "retried": of("retried"), "lost": of("lost") });
    answer::plain_json(StatusCode::OK, body.to_string())
}

/// Takes `{"request":"400ms","row":"0.5ms"}`.
pub(crate) async fn set_latency(Extract(state): Extract<Arc<State>>, body: Bytes) -> Answer {
    match Latency::read(&body) {
        Ok(latency) => {
            state.set_latency(latency);
            self::latency(Extract(state)).await
        }
        Err(reason) => wrong(&format!("no such latency: {reason}")),
    }
}

/// The same.
pub(crate) async fn latency(Extract(state): Extract<Arc<State>>) -> Answer {
    answer::plain_json(StatusCode::OK, state.latency().told().to_string())
}

/// `{"total":..,"counts":[{path,status,count}],"recent":[{method,path,query,status}],"mostUnderWay":..,"mostInASecond":..}`
pub(crate) async fn requests(Extract(state): Extract<Arc<State>>) -> Answer {
    let requests = state.requests();
    let counts: Vec<_> = requests
        .counts
        .iter()
        .map(|((path, status), count)| json!({ "path": path, "status": status, "count": count }))
        .collect();
    let recent: Vec<_> = requests
        .recent
        .iter()
        .map(
            |asked| json!({ "method": asked.method, "path": asked.path, "query": asked.query, "status": asked.status }),
        )
        .collect();
    let traffic = state.traffic();
    let body = json!({
        "total": requests.total, "counts": counts, "recent": recent,
        "mostUnderWay": traffic.most_under_way, "mostInASecond": traffic.most_in_a_second,
    });
    answer::plain_json(StatusCode::OK, body.to_string())
}

pub(crate) async fn forget_requests(Extract(state): Extract<Arc<State>>) -> Answer {
    *state.requests() = crate::state::Requests::default();
    state.traffic().forget();
    answer::plain_json(StatusCode::OK, "{}")
}

/// Counters in the text form of Prometheus.
pub(crate) async fn metrics(Extract(state): Extract<Arc<State>>) -> Answer {
    let (statuses, bytes) = {
        let requests = state.requests();
        (requests.statuses.clone(), requests.bytes)
    };
    let statuses: BTreeMap<String, u64> = statuses.into_iter().map(|(status, n)| (status.to_string(), n)).collect();
    let faults: BTreeMap<String, u64> =
        state.faults().bitten.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
    let callbacks: BTreeMap<String, u64> =
        state.callbacks.counts().into_iter().map(|(name, count)| (name.to_owned(), count)).collect();
    let mut out = String::new();
    counter(&mut out, "connectwise_sim_requests_total", "Requests answered.", "status", &statuses);
    counter(&mut out, "connectwise_sim_faults_total", "Faults that have bitten.", "fault", &faults);
    counter(&mut out, "connectwise_sim_callbacks_total", "Callbacks by outcome.", "outcome", &callbacks);
    head(&mut out, "connectwise_sim_list_bytes_total", "Bytes of list answers.", "counter");
    line(&mut out, format_args!("connectwise_sim_list_bytes_total {bytes}"));
    let (under_way, most, busiest) = {
        let traffic = state.traffic();
        (traffic.under_way, traffic.most_under_way, traffic.most_in_a_second)
    };
    for (name, help, value) in [
        ("connectwise_sim_requests_under_way", "Requests that aren't answered yet.", under_way),
        ("connectwise_sim_requests_under_way_most", "The most of them at once.", most),
        ("connectwise_sim_requests_a_second_most", "The most requests that came within any second.", busiest),
    ] {
        head(&mut out, name, help, "gauge");
        line(&mut out, format_args!("{name} {value}"));
    }
    head(&mut out, "connectwise_sim_clock_seconds", "The simulated clock.", "gauge");
    line(&mut out, format_args!("connectwise_sim_clock_seconds {}", state.now()));
    let mut answer = answer::plain_json(StatusCode::OK, out);
    answer::set(&mut answer, CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8");
    answer
}

fn counter(out: &mut String, name: &str, help: &str, label: &str, counts: &BTreeMap<String, u64>) {
    head(out, name, help, "counter");
    for (value, count) in counts {
        line(out, format_args!("{name}{{{label}=\"{value}\"}} {count}"));
    }
}

fn head(out: &mut String, name: &str, help: &str, kind: &str) {
    line(out, format_args!("# HELP {name} {help}\n# TYPE {name} {kind}"));
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a text doesn't fail.
    let _ = writeln!(out, "{text}");
}
