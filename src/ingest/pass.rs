//! One invocation's work over the feeds, side by side and within a budget.

use std::time::Duration;

use tokio::task::JoinSet;
use tracing::{Instrument, warn};

use super::{
    error::Explain,
    feed_pass::{self, FeedPass},
    pipeline::{Deadlines, Pipeline, concurrency::ReadConcurrency},
    ports::Ports,
    report::{FeedReport, PassReport, health},
};
use crate::model::{deadline::Deadline, feed::Feed, progress::Lookback};

/// The health rows hold up a pass for no longer than this, even after its budget.
const HEALTH_TIMEOUT: Duration = Duration::from_secs(10);

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
}

impl Pass {
    /// A pass over what is reached through `ports`.
    #[must_use]
    pub const fn new(ports: Ports, config: PassConfig) -> Self {
        Self { ports, config }
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
            });
            let task = tasks.spawn(part.run().in_current_span());
            running.push((task.id(), feed));
        }
        let mut reports = Vec::new();
        while let Some(joined) = tasks.join_next().await {
            let report = joined.unwrap_or_else(|error| {
                let feed = running.iter().find(|(id, _)| *id == error.id());
                let feed = feed.map_or(Feed::Url, |(_, feed)| *feed);
                let after = self.ports.clock.elapsed().saturating_sub(now);
                feed_pass::broken(feed, &error.to_string(), after)
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
