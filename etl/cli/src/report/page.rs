//! The page itself.

use chrono::{DateTime, Utc};
use connectwise_pipeline::ledger::{self, TableStatus};

use super::card::{card, more, wide};
use super::chart::{Item, Series, bars_up_to, columns};
use super::gold::Gold;
use super::html::{Html, table};
use super::operations::{Operations, RunRows};
use super::words::{age, minute, whole};
use super::{business, quality};

/// Bars of a picture of ages.
const MOST_AGES: usize = 8;
/// Seconds up to which a table counts as fresh: who loads every night finds yesterday's.
const FRESH: i64 = 25 * 3_600;
/// Runs in the table of the last ones.
const MOST_RUNS: usize = 10;

const STYLE: &str = include_str!("page.css");
/// What a browser may do for the page: show its own style, and nothing else. It has no script, picture, form or link.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

pub(super) fn render(operations: &Operations, gold: &Gold, now: DateTime<Utc>) -> String {
    let mut html = Html::new();
    html.raw("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">");
    html.raw("<meta http-equiv=\"Content-Security-Policy\" content=\"").raw(POLICY).raw("\">");
    html.raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">");
    html.raw("<title>ConnectWise lakehouse</title><style>").raw(STYLE).raw("</style></head>\n<body><main>");
    html.element("h1", "title", "ConnectWise lakehouse");
    html.element("p", "soft", &format!("{} · as of {} UTC", operations.status.lakehouse, minute(now)));
    last_run(&mut html, operations);
    html.raw("\n<h2>Business</h2>");
    business::cards(&mut html, gold);
    html.raw("\n<h2>Freshness</h2><div class=\"cards\">");
    for layer in ["bronze", "silver", "gold"] {
        let tables: Vec<&TableStatus> = operations.status.tables.iter().filter(|table| table.layer == layer).collect();
        if !tables.is_empty() {
            card(&mut html, layer, &freshness(&tables));
        }
    }
    html.raw("</div>\n<h2>Runs</h2>");
    if operations.all_runs > operations.runs.len() {
        let text = format!("Pictures show the last {} of {} runs.", operations.runs.len(), operations.all_runs);
        html.element("p", "soft", &text);
    }
    html.raw("<div class=\"cards\">");
    runs(&mut html, operations);
    html.raw("</div>\n<h2>Quality</h2><div class=\"cards\">");
    quality::cards(&mut html, operations);
    html.raw("</div></main></body></html>\n");
    html.finish()
}

/// How the last run went, and what failed in it.
fn last_run(html: &mut Html, operations: &Operations) {
    let Some(run) = operations.runs.last() else { return };
    let class = if run.outcome == "done" { "good" } else { "bad" };
    html.raw("<p>Last run: ").element("strong", class, &run.outcome);
    html.text(&format!(", {} of {}, started {} UTC", run.mode, run.layers, minute(run.started))).raw("</p>");
    for table in &operations.status.tables {
        if let Some(error) = &table.error {
            html.element("p", "bad", &format!("{}/{} {}: {error}", table.layer, table.table_name, table.outcome));
        }
        if let (Some(error), Some(when)) = (&table.reconcile_error, table.last_reconcile) {
            let layer = &table.layer;
            let name = &table.table_name;
            html.element(
                "p",
                "bad",
                &format!("{layer}/{name}: the reconcile of {} deleted nothing: {error}", minute(when)),
            );
        }
    }
}

fn freshness(tables: &[&TableStatus]) -> Html {
    let rows: Vec<Vec<String>> = tables
        .iter()
        .map(|table| {
            vec![
                table.table_name.trim_start_matches("bronze_cw_").trim_start_matches("silver_cw_").to_owned(),
                table.rows.map(|rows| whole(rows as f64)).unwrap_or_default(),
                table.age_seconds.map_or_else(|| "never".to_owned(), age),
                table.watermark.map(minute).unwrap_or_default(),
                table.outcome.clone(),
            ]
        })
        .collect();
    let oldest = tables.iter().filter_map(|table| table.age_seconds).max();
    let full = oldest.map_or(FRESH, |oldest| oldest.max(FRESH)) as f64;
    let items: Vec<Item> = oldest_first(tables)
        .into_iter()
        .take(MOST_AGES)
        .map(|table| Item {
            label: table.table_name.clone(),
            values: match table.age_seconds {
                Some(seconds) if seconds <= FRESH => vec![seconds as f64, 0.0],
                Some(seconds) => vec![0.0, seconds as f64],
                None => vec![0.0, full],
            },
            note: table.age_seconds.map_or_else(|| "never".to_owned(), age),
        })
        .collect();
    let series =
        [Series { class: "a", name: "loaded within 25 hours" }, Series { class: "c", name: "older, or never loaded" }];
    let mut html = Html::new();
    if let Some(oldest) = oldest {
        html.element("p", "soft", &format!("{} tables, the oldest good run {} ago", tables.len(), age(oldest)));
    }
    html.html(&bars_up_to(full, "Age of the last good run", &series, &items));
    more(&mut html, tables.len(), items.len(), "tables, none of them older, are in the list below");
    html.html(&table(&["table", "rows", "age", "watermark", "last"], &[1, 2], &rows));
    html
}

fn oldest_first<'a>(tables: &[&'a TableStatus]) -> Vec<&'a TableStatus> {
    let mut tables = tables.to_vec();
    tables.sort_by_key(|table| std::cmp::Reverse(table.age_seconds.unwrap_or(i64::MAX)));
    tables
}

fn runs(html: &mut Html, operations: &Operations) {
    let items = |values: fn(&RunRows) -> Vec<f64>| -> Vec<Item> {
        let item = |run: &RunRows| {
            let values = values(run);
            let note = values.iter().map(|value| whole(*value)).collect::<Vec<_>>().join(" / ");
            Item { label: minute(run.started), values, note }
        };
        operations.rows.iter().map(item).collect()
    };
    let highest = |items: &[Item], unit: &str| {
        let most = items.iter().map(|item| item.values.iter().sum::<f64>()).fold(0.0, f64::max);
        format!("up to {} {unit}", whole(most))
    };
    let series = [
        Series { class: "a", name: "new" },
        Series { class: "b", name: "changed" },
        Series { class: "c", name: "deleted" },
    ];
    let rows = items(|run| vec![run.inserted, run.updated, run.deleted]);
    card(html, "Bronze rows per run", &columns("Rows per run", &series, &rows, &highest(&rows, "rows")));
    let series = [Series { class: "b", name: "rescued" }, Series { class: "c", name: "quarantined" }];
    let rows = items(|run| vec![run.rescued, run.quarantined]);
    card(
        html,
        "Rows rescued and records quarantined per run",
        &columns("Rescued", &series, &rows, &highest(&rows, "rows")),
    );
    let requests: Vec<Item> = operations
        .runs
        .iter()
        .map(|run| {
            // A run that was cut off counted none, and its outcome says so in the list below.
            let requests = run.requests.unwrap_or(0);
            let retries = run.retries.unwrap_or(0);
            Item {
                label: minute(run.started),
                values: vec![requests.saturating_sub(retries) as f64, retries as f64],
                note: format!("{requests} requests, {retries} of them repeats"),
            }
        })
        .collect();
    let series = [Series { class: "a", name: "requests" }, Series { class: "c", name: "repeats" }];
    let picture = columns("Requests per run", &series, &requests, &highest(&requests, "requests"));
    card(html, "Requests and repeats per run", &picture);
    let rows: Vec<Vec<String>> = operations
        .runs
        .iter()
        .rev()
        .take(MOST_RUNS)
        .map(|run| {
            vec![
                ledger::short(&run.run_id).to_owned(),
                minute(run.started),
                run.mode.clone(),
                run.layers.clone(),
                run.outcome.clone(),
                run.steps_failed.map(|failed| failed.to_string()).unwrap_or_default(),
                run.steps_incomplete.map(|incomplete| incomplete.to_string()).unwrap_or_default(),
                run.seconds.map(|seconds| format!("{seconds:.0}")).unwrap_or_default(),
                run.bytes.map(|bytes| format!("{:.1}", bytes as f64 / 1e6)).unwrap_or_default(),
            ]
        })
        .collect();
    let header = ["run", "started", "mode", "layers", "outcome", "failed", "incomplete", "seconds", "MB"];
    let mut last = table(&header, &[5, 6, 7, 8], &rows);
    more(&mut last, operations.all_runs, rows.len(), "runs are in the ledger: connectwise-etl status --run shows each");
    wide(html, "The last runs", &last);
}
