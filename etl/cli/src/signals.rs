//! The signals that tell the program to stop.

use std::future::pending;

/// Waits until somebody tells the program to stop, and returns its exit code: 128 and the number of the signal, as shells
/// count.
///
/// A container stops its first process by SIGTERM, and the kernel drops a signal for which that process has no handler; a
/// service manager sends the same, and a terminal that closes sends SIGHUP. All of them end a run as Ctrl-C does.
#[cfg(unix)]
pub(crate) async fn told_to_stop() -> u8 {
    use tokio::signal::unix::SignalKind;
    tokio::select! {
        () = received(SignalKind::interrupt()) => 130,
        () = received(SignalKind::terminate()) => 143,
        () = received(SignalKind::hangup()) => 129,
    }
}

#[cfg(unix)]
async fn received(kind: tokio::signal::unix::SignalKind) {
    match tokio::signal::unix::signal(kind) {
        Ok(mut signals) => {
            signals.recv().await;
        }
        // Without a handler the signal ends the program by itself, which must not look as if it had come already.
        Err(error) => {
            tracing::warn!(%error, "no handler for signal {}", kind.as_raw_value());
            pending::<()>().await;
        }
    }
}

/// Waits until Ctrl-C, or until the console is closed or the machine shut down.
#[cfg(windows)]
pub(crate) async fn told_to_stop() -> u8 {
    use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close, ctrl_shutdown};
    let (Ok(mut c), Ok(mut stop), Ok(mut close), Ok(mut shutdown)) =
        (ctrl_c(), ctrl_break(), ctrl_close(), ctrl_shutdown())
    else {
        return pending().await;
    };
    tokio::select! { _ = c.recv() => {}, _ = stop.recv() => {}, _ = close.recv() => {}, _ = shutdown.recv() => {} }
    130
}
