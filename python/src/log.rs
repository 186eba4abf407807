//! What this project's crates log, for Python's `logging`: records wait here until a thread that has the interpreter hands them on.

use std::fmt::{Debug, Write as _};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, Once, PoisonError};

use pyo3::prelude::*;
use tracing::field::{Field, Visit};
use tracing::subscriber::Interest;
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt as _};

/// What other crates call an error may be none: a table that isn't there yet, a commit that another run was faster with.
const OWN: &str = "connectwise_";
/// The logger above all others.
const LOGGER: &str = "connectwise_etl";
/// Records that wait at most: a thread that computes for long must not fill the memory.
const MOST: usize = 10_000;

static WAITING: Mutex<Vec<Record>> = Mutex::new(Vec::new());
/// The level of [`LOGGER`], as Python counts.
static LEVEL: AtomicU8 = AtomicU8::new(30);

struct Record {
    level: u8,
    logger: String,
    text: String,
}

/// Takes Python's level, and sees to it that records come.
pub(crate) fn begin(py: Python<'_>) -> PyResult<()> {
    static ONCE: Once = Once::new();
    let level = logger(py, LOGGER)?.call_method0("getEffectiveLevel")?.extract().unwrap_or(u8::MAX);
    LEVEL.store(level, Ordering::Relaxed);
    // Not when the package is imported: the program has a log of its own. Somebody else's subscriber stays.
    ONCE.call_once(|| drop(tracing::subscriber::set_global_default(tracing_subscriber::registry().with(Logging))));
    Ok(())
}

/// Hands what waits to the loggers.
pub(crate) fn pass_on(py: Python<'_>) -> PyResult<()> {
    let records = std::mem::take(&mut *WAITING.lock().unwrap_or_else(PoisonError::into_inner));
    for Record { level, logger: name, text } in records {
        logger(py, &name)?.call_method1("log", (level, "%s", text))?;
    }
    Ok(())
}

fn logger<'py>(py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
    py.import("logging")?.call_method1("getLogger", (name,))
}

fn level_of(metadata: &Metadata<'_>) -> u8 {
    match *metadata.level() {
        Level::ERROR => 40,
        Level::WARN => 30,
        Level::INFO => 20,
        Level::DEBUG => 10,
        Level::TRACE => 5,
    }
}

struct Logging;

impl<S: Subscriber> Layer<S> for Logging {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        // Python's level may be another one in the next call.
        if metadata.is_event() && metadata.target().starts_with(OWN) {
            Interest::sometimes()
        } else {
            Interest::never()
        }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        metadata.target().starts_with(OWN) && level_of(metadata) >= LEVEL.load(Ordering::Relaxed)
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let metadata = event.metadata();
        let mut text = Text(String::new());
        event.record(&mut text);
        // connectwise_pipeline::run::plan is connectwise_etl.pipeline.run.plan, so that one level is for all of them.
        let below = metadata.target().trim_start_matches(LOGGER).trim_start_matches(OWN).replace("::", ".");
        let below = below.trim_matches('.');
        let logger = if below.is_empty() { LOGGER.to_owned() } else { format!("{LOGGER}.{below}") };
        let mut waiting = WAITING.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() < MOST {
            waiting.push(Record { level: level_of(metadata), logger, text: text.0 });
        }
    }
}

/// The message, and the fields behind it.
struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        // Writing to a String can't fail.
        match field.name() {
            "message" => self.0.insert_str(0, &format!("{value:?}")),
            name => write!(self.0, " {name}={value:?}").unwrap_or_default(),
        }
    }
}
