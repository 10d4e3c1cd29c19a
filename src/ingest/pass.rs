//! One invocation's work over the feeds, side by side and within a budget.

use std::time::Duration;

use tokio::task::JoinSet;
use tracing::{Instrument, warn};

use super::{
    error::Explain,
    feed_pass::{self, FeedPass},
    pipeline::{Deadlines, Pipeline, concurrency::ReadConcurrency},
    ports::Ports,
    preflight::{self, Finding},
    report::{FeedReport, PassReport, health, history},
    stop::Stop,
};
use crate::model::{deadline::Deadline, feed::Feed, progress::Lookback};

/// A feed that does not end by itself so long after the budget is cut off: whatever went wrong in it, the
/// next invocation must not find the pass still running.
const GRACE: Duration = Duration::from_secs(60);

/// The health rows hold up a pass for no longer than this, even after its budget.
const HEALTH_TIMEOUT: Duration = Duration::from_secs(10);

/// Remembering a run takes no longer than this.
const HISTORY_TIMEOUT: Duration = Duration::from_secs(10);

/// How a pass goes about its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PassConfig {
    /// How far it reads.
    pub lookback: Lookback,
    /// How long it may work before it stops cleanly.
    pub budget: Duration,
    /// The size of one post in bytes; the sink's own limit applies where that is smaller.
    pub batch_max_bytes: usize,
    /// How many ranges are read side by side, over all feeds; each feed reads one at least.
    pub parallel_ranges: usize,
}

/// Runs passes.
#[derive(Debug, Clone)]
pub struct Pass {
    ports: Ports,
    config: PassConfig,
    stop: Stop,
}

impl Pass {
    /// A pass over what is reached through `ports`.
    #[must_use]
    pub fn new(ports: Ports, config: PassConfig) -> Self {
        let stop = Stop::never();
        Self {
            ports,
            config,
            stop,
        }
    }

    /// The same pass, which ends early where `stop` is requested.
    #[must_use]
    pub fn until(mut self, stop: Stop) -> Self {
        self.stop = stop;
        self
    }

    /// The time on the clock that measures passes.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.ports.clock.elapsed()
    }

    /// Checks what a pass needs, without one.
    pub async fn preflight(&self) -> Vec<Finding> {
        preflight::run(&self.ports).await
    }

    /// Keeps what a run came to, for `status`.
    pub async fn remember(&self, report: &PassReport) {
        let Ports { store, clock, .. } = &self.ports;
        let soon = Deadline::after(clock.elapsed(), HISTORY_TIMEOUT);
        history::remember(&**store, &report.feeds, clock.now(), soon).await;
    }

    /// Runs the given feeds side by side. A feed that fails leaves the others alone.
    pub async fn run(&self, feeds: &[Feed]) -> PassReport {
        self.run_with(feeds, |_| ()).await
    }

    /// The same, telling `ended` of each feed as soon as it ends: the process may die before the others do.
    pub async fn run_with(&self, feeds: &[Feed], ended: impl Fn(&FeedReport) + Send) -> PassReport {
        let now = self.ports.clock.elapsed();
        let concurrency = ReadConcurrency::new(self.config.parallel_ranges, feeds.len());
        let mut tasks = JoinSet::new();
        let mut running = Vec::new();
        for feed in feeds.iter().copied() {
            let max_batch_bytes = self.ports.sink.max_batch_bytes();
            let part = FeedPass::new(Pipeline {
                feed,
                ports: self.ports.clone(),
                lookback: self.config.lookback,
                max_batch_bytes: self.config.batch_max_bytes.min(max_batch_bytes),
                read_slot: concurrency.read_slot(),
                deadlines: Deadlines::of(now, self.config.budget),
                stop: self.stop.clone(),
            });
            let task = tasks.spawn(part.run().in_current_span());
            running.push((task.id(), feed));
        }
        let mut reports = Vec::new();
        let ceiling = self.config.budget + GRACE;
        let limit = tokio::time::sleep(ceiling);
        tokio::pin!(limit);
        let mut cut_off = false;
        loop {
            let joined = tokio::select! {
                biased;
                joined = tasks.join_next() => joined,
                () = &mut limit, if !cut_off => {
                    cut_off = true;
                    tasks.abort_all();
                    continue;
                }
            };
            let Some(joined) = joined else { break };
            let report = joined.unwrap_or_else(|error| {
                let feed = running.iter().find(|(id, _)| *id == error.id());
                let feed = feed.map_or(Feed::Url, |(_, feed)| *feed);
                let after = self.ports.clock.elapsed().saturating_sub(now);
                let reason = if error.is_cancelled() {
                    format!("it did not end within {} s", ceiling.as_secs())
                } else {
                    error.to_string()
                };
                feed_pass::broken(feed, &reason, after)
            });
            ended(&report);
            reports.push(report);
        }
        reports.sort_by_key(|report| report.feed);
        self.tell(&reports).await;
        PassReport { feeds: reports }
    }

    /// Tells the workspace how it went. If that fails, the records are delivered all the same.
    async fn tell(&self, reports: &[FeedReport]) {
        let Some(sink) = &self.ports.health else {
            return;
        };
        let clock = &self.ports.clock;
        let rows = match health::rows(reports, clock.now()) {
            Ok(rows) => rows,
            Err(error) => {
                return warn!(reason = %error, "The health rows cannot be written.");
            }
        };
        let soon = Deadline::after(clock.elapsed(), HEALTH_TIMEOUT);
        if let Err(error) = sink.deliver_health(&rows, soon).await {
            warn!(
                reason = error.explain(),
                "The health rows of this run were not accepted; the records themselves are not affected."
            );
        }
    }
}
