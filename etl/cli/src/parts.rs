//! One bar on a terminal for work that is done part by part; nothing elsewhere.

use std::sync::Mutex;
use std::time::Duration;

use connectwise_extract::progress::Progress;
use connectwise_storage::locked;
use indicatif::{MultiProgress, ProgressBar};

use super::output::Output;
use super::progress::style;
use super::terminal::above;

/// How far a command is, for whoever sits before it.
pub(crate) struct Parts {
    bars: Option<MultiProgress>,
    bar: Mutex<Option<ProgressBar>>,
}

impl Parts {
    pub(crate) fn new(output: Output) -> Self {
        let bars = output.is_terminal().then(MultiProgress::new);
        bars.iter().cloned().for_each(above);
        Self { bars, bar: Mutex::default() }
    }
}

impl Progress for Parts {
    fn planned(&self, parts: usize) {
        let Some(bars) = &self.bars else { return };
        let bar = bars.add(ProgressBar::new(parts as u64));
        bar.set_style(style("{spinner} {pos} of {len}, {elapsed} {msg}"));
        bar.enable_steady_tick(Duration::from_millis(100));
        *locked(&self.bar) = Some(bar);
    }

    fn done(&self, part: &str) {
        if let Some(bar) = &*locked(&self.bar) {
            bar.inc(1);
            bar.set_message(format!("({part} is done)"));
        }
    }
}

impl Drop for Parts {
    fn drop(&mut self) {
        if let Some(bar) = locked(&self.bar).take() {
            bar.finish_and_clear();
        }
    }
}
