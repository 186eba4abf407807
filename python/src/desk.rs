//! What the threads of a run have to say to Python. The thread that called says it: callbacks of notebooks and progress bars want to
//! be called there.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use connectwise_etl::tasks::Progress;
use connectwise_lakehouse::TableName;
use connectwise_pipeline::run::{Meter, Observer, Step};
use pyo3::prelude::*;

/// Events on their way to a callback, and the meters of the steps that are under way.
#[derive(Default)]
pub(crate) struct Desk {
    callback: Option<Py<PyAny>>,
    events: Mutex<Vec<Event>>,
    meters: Mutex<BTreeMap<String, Meter>>,
    /// Of work that has no steps: parts that are done, and that there will be.
    parts: Mutex<(usize, usize)>,
}

enum Event {
    Started(String),
    Finished(String, String),
    Done(String, (usize, usize)),
}

impl Desk {
    pub(crate) fn new(callback: Option<Py<PyAny>>) -> Self {
        Self { callback, ..Self::default() }
    }

    /// Calls the callback with what happened since the last time, and with how far each step is: `(event, table, step as JSON, rows,
    /// rows that there will be)`, or of work without steps `("done", part, None, parts done, parts that there will be)`.
    pub(crate) fn tell(&self, py: Python<'_>) -> PyResult<()> {
        let Some(callback) = &self.callback else { return Ok(()) };
        for event in std::mem::take(&mut *locked(&self.events)) {
            match event {
                Event::Started(table) => callback.call1(py, ("started", table, py.None(), 0, 0))?,
                Event::Finished(table, step) => callback.call1(py, ("finished", table, step, 0, 0))?,
                Event::Done(part, (done, all)) => callback.call1(py, ("done", part, py.None(), done, all))?,
            };
        }
        let live: Vec<(String, u64, u64)> =
            locked(&self.meters).iter().map(|(table, meter)| (table.clone(), meter.rows(), meter.expected())).collect();
        for (table, rows, expected) in live {
            callback.call1(py, ("progress", table, py.None(), rows, expected))?;
        }
        Ok(())
    }

    fn put(&self, event: Event) {
        if self.callback.is_some() {
            locked(&self.events).push(event);
        }
    }
}

impl Observer for Desk {
    fn started(&self, table: &TableName, meter: &Meter) {
        locked(&self.meters).insert(table.to_string(), meter.clone());
        self.put(Event::Started(table.to_string()));
    }

    fn finished(&self, step: &Step) {
        let table = format!("{}/{}", step.layer, step.table);
        let mut meters = locked(&self.meters);
        // Gold has one meter for all its tables, which ends with the first of them.
        meters.remove(&table);
        meters.remove(&format!("{}/*", step.layer));
        drop(meters);
        self.put(Event::Finished(table, serde_json::to_string(step).unwrap_or_default()));
    }
}

impl Progress for Desk {
    fn planned(&self, parts: usize) {
        *locked(&self.parts) = (0, parts);
    }

    fn done(&self, part: &str) {
        let mut parts = locked(&self.parts);
        parts.0 += 1;
        self.put(Event::Done(part.to_owned(), *parts));
    }
}

fn locked<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    // Lists only: a fault elsewhere leaves nothing half-done.
    what.lock().unwrap_or_else(PoisonError::into_inner)
}
