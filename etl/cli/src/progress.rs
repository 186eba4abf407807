//! How a run shows that it lives: bars on a terminal, a line a step elsewhere, nothing beside JSON.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Mutex;
use std::time::Duration;

use connectwise_lakehouse::{Layer, TableName};
use connectwise_pipeline::run::{Meter, Observer, Step, StepOutcome};
use connectwise_storage::locked;
use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};

use super::output::{Output, thousands};
use super::terminal::{above, plain};

/// Shows a run to whoever sits before it.
pub(crate) struct Progress {
    output: Output,
    bars: Option<MultiProgress>,
    live: Mutex<HashMap<String, (ProgressBar, tokio::task::JoinHandle<()>)>>,
    total: Mutex<Option<(ProgressBar, u64)>>,
}

impl Progress {
    pub(crate) fn new(output: Output) -> Self {
        let bars = output.is_terminal().then(MultiProgress::new);
        bars.iter().cloned().for_each(above);
        Self { output, bars, live: Mutex::default(), total: Mutex::default() }
    }
}

impl Progress {
    /// Adds a bar above the total of loaded lists.
    fn above_total(&self, bars: &MultiProgress, bar: ProgressBar) -> ProgressBar {
        match &*locked(&self.total) {
            Some((total, _)) => bars.insert_before(total, bar),
            _ => bars.add(bar),
        }
    }

    /// Adds a finished list and its rows to the total.
    fn count(&self, step: &Step) {
        let mut counted = locked(&self.total);
        let Some((total, rows)) = counted.as_mut().filter(|_| step.layer == Layer::Bronze) else { return };
        *rows += step.rows_read;
        total.inc(1);
        total.set_message(format!("{} rows", thousands(*rows)));
        if total.length().is_some_and(|lists| total.position() >= lists) {
            total.finish_and_clear();
            *counted = None;
        }
    }
}

impl Observer for Progress {
    fn planned(&self, lists: usize) {
        let Some(bars) = &self.bars else { return };
        let bar = bars.add(ProgressBar::new(lists as u64).with_message("0 rows"));
        bar.set_style(style("{spinner} {pos} of {len} lists, {msg}, {elapsed}"));
        bar.enable_steady_tick(Duration::from_millis(100));
        *locked(&self.total) = Some((bar, 0));
    }

    fn started(&self, table: &TableName, meter: &Meter) {
        let Some(bars) = &self.bars else { return };
        let bar = self.above_total(bars, ProgressBar::no_length().with_message(table.to_string()));
        bar.set_style(style("{spinner} {msg:40} {elapsed}"));
        let watched = bar.clone();
        let meter = meter.clone();
        let ticker = tokio::spawn(async move {
            let mut tick = tokio::time::interval(Duration::from_millis(100));
            loop {
                tick.tick().await;
                // A bar needs to know how long it is; until then a spinner says that something goes on.
                if meter.expected() > 0 && watched.length().is_none() {
                    watched.set_length(meter.expected());
                    watched.set_style(style(
                        "{spinner} {msg:40} {bar:24} {human_pos} of {human_len} rows, {rate} a second",
                    ));
                }
                watched.set_position(meter.rows());
                watched.tick();
            }
        });
        locked(&self.live).insert(table.to_string(), (bar, ticker));
    }

    fn finished(&self, step: &Step) {
        let name = format!("{}/{}", step.layer, step.table);
        // Gold shows one bar for all its tables, and ends it with the first of them.
        for shown in [name.clone(), format!("{}/*", step.layer)] {
            let shown = locked(&self.live).remove(&shown);
            if let Some((bar, ticker)) = shown {
                ticker.abort();
                bar.finish_and_clear();
            }
        }
        self.count(step);
        if self.output.is_json() {
            return;
        }
        let line = match &step.outcome {
            StepOutcome::Failed(why) => format!("✗ {name}: {why}"),
            StepOutcome::Incomplete(what) => format!("! {name}: {}; {what}", changes(step)),
            StepOutcome::Unchanged => format!("· {name}: unchanged"),
            StepOutcome::Skipped if step.layer == Layer::Bronze => format!("· {name}: skipped"),
            StepOutcome::Skipped => format!("· {name}: nothing to build it from"),
            StepOutcome::Written => format!("✓ {name}: {}", changes(step)),
        };
        match &self.bars {
            // A terminal that is gone has nobody to tell.
            Some(bars) => drop(bars.println(plain(&line))),
            None => self.output.note(&line),
        }
    }
}

pub(crate) fn style(template: &str) -> ProgressStyle {
    let rate = |state: &ProgressState, text: &mut dyn Write| {
        // What can't be drawn is left out of a bar.
        text.write_str(&thousands(state.per_sec() as u64)).ok();
    };
    // The templates are constants, so the plain bar is never drawn.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()).with_key("rate", rate)
}

/// What a step changed, in words.
pub(crate) fn changes(step: &Step) -> String {
    let parts: Vec<String> = [
        (step.rows_inserted, "written"),
        (step.rows_updated, "updated"),
        (step.rows_deleted, "deleted"),
        (step.rows_rescued, "with rescued values"),
        (step.quarantined, "quarantined"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, what)| format!("{} {what}", thousands(count)))
    .collect();
    if parts.is_empty() { "no rows".to_owned() } else { parts.join(", ") }
}
