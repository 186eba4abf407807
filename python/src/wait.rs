//! Work that takes its time, for a thread of Python's.

use std::io;
use std::sync::LazyLock;
use std::time::Duration;

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use tokio::runtime::{Builder, Runtime};
use tokio::time::MissedTickBehavior;

use crate::desk::Desk;
use crate::log;

/// How often the thread that waits looks at what Python wants: somebody who presses Ctrl-C notices no more.
const TICK: Duration = Duration::from_millis(100);

/// The threads of every call, with the process that has them.
static THREADS: LazyLock<io::Result<(u32, Runtime)>> = LazyLock::new(|| {
    let threads = Builder::new_multi_thread().enable_all().thread_name("connectwise-etl").build()?;
    Ok((std::process::id(), threads))
});

/// Waits for a future without the interpreter's lock. Ten times a second the thread takes it for a moment: to see whether the user
/// wants to stop, to log, and to tell the desk's callback how it goes. What any of these raises ends the work: the future is
/// dropped, which leaves every table at its last commit.
///
/// The future is made here, so that it needn't move between threads.
pub(crate) fn wait<T: Send, F: Future<Output = T>>(
    py: Python<'_>,
    desk: &Desk,
    work: impl FnOnce() -> F + Send,
) -> PyResult<T> {
    let (process, threads) = THREADS.as_ref().map_err(|error| {
        PyRuntimeError::new_err(format!("the threads of connectwise_etl can't be started: {error}"))
    })?;
    if *process != std::process::id() {
        return Err(PyRuntimeError::new_err(
            "this process is a fork of one that has used connectwise_etl, and has none of its threads: start processes by \
             multiprocessing's method \"spawn\"",
        ));
    }
    log::begin(py)?;
    let look = |py: Python<'_>| -> PyResult<()> {
        py.check_signals()?;
        log::pass_on(py)?;
        desk.tell(py)
    };
    let ended = py.detach(|| {
        threads.block_on(async {
            let mut future = std::pin::pin!(work());
            let mut tick = tokio::time::interval(TICK);
            // A callback that takes its time doesn't keep the work from its turn afterwards.
            tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    ended = &mut future => return Ok(ended),
                    _ = tick.tick() => Python::attach(look)?,
                }
            }
        })
    });
    log::pass_on(py)?;
    if ended.is_ok() {
        desk.tell(py)?;
    }
    ended
}
