//! Bars that fill while rows arrive.

use std::sync::{Arc, OnceLock};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::{timetable::Step, words};
use simulators::log::Log;

/// The bars; clones share them. Nothing is drawn where stderr is no terminal.
#[derive(Debug, Clone)]
pub(super) struct Progress(Arc<Bars>);

#[derive(Debug)]
struct Bars {
    all: MultiProgress,
    feeds: OnceLock<[ProgressBar; 3]>,
    step: ProgressBar,
}

impl Progress {
    pub(super) fn new() -> Self {
        let all = MultiProgress::new();
        let step = ProgressBar::new_spinner().with_style(style("{spinner} {msg}"));
        Self(Arc::new(Bars {
            all,
            feeds: OnceLock::new(),
            step,
        }))
    }

    /// Draws a bar for each log, with its number of records.
    pub(super) fn begin(&self, totals: &[usize; 3]) {
        let bars: [ProgressBar; 3] = std::array::from_fn(|index| {
            let (log, total) = (Log::ALL[index], totals[index]);
            let bar = ProgressBar::new(total as u64)
                .with_style(style("{prefix:>13} {bar:40} {pos:>8} of {len}"))
                .with_prefix(log.name());
            self.0.all.add(bar)
        });
        let _line = self.0.all.add(self.0.step.clone());
        bars.iter().for_each(ProgressBar::tick);
        // Begun once.
        drop(self.0.feeds.set(bars));
    }

    /// A call of the host begins.
    pub(super) fn step(&self, number: usize, step: &Step) {
        self.0
            .step
            .set_message(format!("run {number}: {}", words(step)));
        self.0.step.tick();
    }

    /// Rows were stored.
    pub(super) fn stored(&self, log: Log, rows: usize) {
        let index = Log::ALL.iter().position(|other| *other == log);
        if let (Some(bars), Some(index)) = (self.0.feeds.get(), index) {
            bars[index].inc(rows as u64);
        }
    }

    /// A line above the bars.
    pub(super) fn note(&self, text: &str) {
        if self.0.all.println(text).is_err() || self.0.all.is_hidden() {
            crate::cli::say_error(text);
        }
    }

    pub(super) fn end(&self) {
        self.0.step.finish_and_clear();
        for bar in self.0.feeds.get().into_iter().flatten() {
            bar.abandon();
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
