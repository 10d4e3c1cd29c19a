//! A bar that fills while rows arrive: a long run takes minutes.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// The bar; clones share it. Nothing is drawn where stderr is no terminal.
#[derive(Debug, Clone)]
pub(super) struct Progress(ProgressBar);

impl Progress {
    pub(super) fn new() -> Self {
        let style = ProgressStyle::with_template("{bar:30} {pos:>9} of {len}  {elapsed}  {msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        Self(ProgressBar::new(0).with_style(style))
    }

    /// A bar that is never drawn.
    #[cfg(test)]
    pub(super) fn hidden() -> Self {
        Self(ProgressBar::hidden())
    }

    /// A run begins.
    pub(super) fn begin(&self, records: usize, what: String) {
        self.0.set_length(records as u64);
        self.0.set_message(what);
        self.0.reset();
        self.0.enable_steady_tick(Duration::from_millis(500));
    }

    /// Something else begins.
    pub(super) fn say(&self, what: String) {
        self.0.set_message(what);
    }

    /// Rows were stored.
    pub(super) fn stored(&self, rows: usize) {
        self.0.inc(rows as u64);
    }

    pub(super) fn end(&self) {
        self.0.finish_and_clear();
    }
}
