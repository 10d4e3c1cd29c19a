//! A feed's part of a pass as a log line, for an invocation whose answer the host throws away.

use tracing::{Level, event};

use crate::ingest::report::{FeedReport, Outcome};

/// Logs what became of a feed: an error where it failed, so that it goes to stderr.
pub(super) fn log(report: &FeedReport) {
    let counts = &report.counts;
    let is_short = counts.missing + counts.quarantined + counts.gaps > 0;
    macro_rules! line {
        ($level:expr, $message:literal) => {
            event!(
                $level,
                feed = report.feed.name(),
                outcome = report.outcome.name(),
                delivered = counts.delivered,
                duplicates = counts.duplicates,
                batches = counts.batches,
                pages = counts.pages,
                retries = counts.retries,
                identical = if_any(counts.identical),
                repaired = if_any(counts.repaired),
                untimed = if_any(counts.untimed),
                truncated = if_any(counts.truncated),
                reconciled = if_any(counts.reconciled),
                quarantined = if_any(counts.quarantined),
                copied = if_any(counts.copied),
                not_copied = if_any(counts.not_copied),
                splits = if_any(counts.splits),
                restarts = if_any(counts.restarts),
                missing = if_any(counts.missing),
                gaps = if_any(counts.gaps),
                lag_seconds = report.lag_seconds,
                reason = report.message.as_deref(),
                $message
            )
        };
    }
    match report.outcome {
        Outcome::Complete if is_short => {
            line!(Level::WARN, "The feed is complete except for some records.");
        }
        Outcome::Complete => line!(Level::INFO, "The feed is complete."),
        Outcome::OutOfTime => {
            line!(
                Level::WARN,
                "The feed is out of time; the next run continues."
            );
        }
        Outcome::Waiting => line!(
            Level::WARN,
            "The feed is waiting as the service asked; a later run continues."
        ),
        Outcome::Stopped => line!(
            Level::WARN,
            "The feed was asked to end; the next run continues."
        ),
        Outcome::RaceLost => line!(Level::WARN, "The feed stopped: another run is at work."),
        Outcome::Failed => line!(Level::ERROR, "The feed failed."),
    }
}

/// A count that is told only where there is something to tell.
fn if_any(count: u64) -> Option<u64> {
    (count > 0).then_some(count)
}
