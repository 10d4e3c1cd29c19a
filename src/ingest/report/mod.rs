//! What a pass did, for the host's log, for `run --json` and for the demo.

pub mod health;
pub mod history;
pub(super) mod render;
pub(super) mod stop_reason;

use std::{fmt, ops::AddAssign};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::model::feed::Feed;

/// How a feed's part of a pass ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Everything up to now minus settle is delivered.
    Complete,
    /// The run budget ended first; the next pass goes on from there.
    OutOfTime,
    /// A service asked to be left alone for longer than the budget; the next run continues after that.
    Waiting,
    /// It was asked to end; the next run goes on from there.
    Stopped,
    /// Another run was at work on the same checkpoint; it goes on, this one stopped.
    RaceLost,
    /// Something needs attention.
    Failed,
}

impl Outcome {
    /// The outcome's name in log lines, as in `run --json`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::OutOfTime => "out_of_time",
            Self::Waiting => "waiting",
            Self::Stopped => "stopped",
            Self::RaceLost => "race_lost",
            Self::Failed => "failed",
        }
    }
}

/// Counts of one feed's part of a pass.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Pages read.
    pub pages: u64,
    /// Records on those pages.
    pub records: u64,
    /// Records that the sink took.
    pub delivered: u64,
    /// Records dropped because they were delivered before.
    pub duplicates: u64,
    /// Records that equal another one on their page in every member: one of them is delivered.
    pub identical: u64,
    /// Characters on pages that were not valid and were replaced: bytes that are not UTF-8, control
    /// characters inside strings.
    pub repaired: u64,
    /// Delivered records whose time could not be read; they carry the end of their range.
    pub untimed: u64,
    /// Values in delivered records that are longer than a column: the service keeps their beginning.
    pub truncated: u64,
    /// Delivered records that showed so late that only the comparison with Mimecast's count found
    /// them.
    pub reconciled: u64,
    /// Records that the sink refused for good, and that lie in quarantine.
    pub quarantined: u64,
    /// Delivered records that a second sink took too, if there is one.
    pub copied: u64,
    /// Delivered records that it did not take.
    pub not_copied: u64,
    /// Posts that the sink took.
    pub batches: u64,
    /// Bytes in those posts.
    pub bytes: u64,
    /// Calls of Mimecast for pages and for counts, with those that were made again.
    pub calls: u64,
    /// Calls and posts that had to be made again.
    pub retries: u64,
    /// Batches that had to be halved: too large, or a record at fault in them.
    pub splits: u64,
    /// Times that a range was begun again.
    pub restarts: u64,
    /// Records that Mimecast counted but did not show, after reading again.
    pub missing: u64,
    /// Ranges that could not be read and that this pass went past, or tried again in vain.
    pub new_gaps: u64,
    /// Gaps that were given up, since Mimecast no longer keeps their records.
    pub lost_gaps: u64,
    /// Ranges before the watermark that are still not read.
    pub gaps: u64,
}

impl Counts {
    /// Whether a record was delivered or set aside.
    #[must_use]
    pub const fn any_dealt_with(&self) -> bool {
        self.delivered + self.quarantined > 0
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.pages += other.pages;
        self.records += other.records;
        self.delivered += other.delivered;
        self.duplicates += other.duplicates;
        self.identical += other.identical;
        self.repaired += other.repaired;
        self.untimed += other.untimed;
        self.truncated += other.truncated;
        self.reconciled += other.reconciled;
        self.quarantined += other.quarantined;
        self.copied += other.copied;
        self.not_copied += other.not_copied;
        self.batches += other.batches;
        self.bytes += other.bytes;
        self.calls += other.calls;
        self.retries += other.retries;
        self.splits += other.splits;
        self.restarts += other.restarts;
        self.missing += other.missing;
        self.new_gaps += other.new_gaps;
        self.lost_gaps += other.lost_gaps;
        self.gaps += other.gaps;
    }
}

/// What a pass did for one feed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FeedReport {
    /// The feed.
    pub feed: Feed,
    /// How it ended.
    pub outcome: Outcome,
    /// What was attempted, what went wrong and what to do, where something did.
    pub message: Option<String>,
    /// The counts.
    #[serde(flatten)]
    pub counts: Counts,
    /// Up to when the feed is delivered; `None` where the checkpoint could not be read.
    pub watermark: Option<DateTime<Utc>>,
    /// Now minus the watermark, in seconds.
    pub lag_seconds: Option<i64>,
    /// How long it took.
    pub duration_seconds: f64,
    /// Whether the feed had no checkpoint of ours before.
    pub is_first: bool,
}

fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

impl fmt::Display for FeedReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counts {
            pages,
            delivered,
            duplicates,
            batches,
            retries,
            ..
        } = self.counts;
        let outcome = match self.outcome {
            Outcome::Complete => "complete",
            Outcome::OutOfTime => "out of time, the next run continues",
            Outcome::Waiting => "waiting as the service asked, a later run continues",
            Outcome::Stopped => "asked to end, the next run continues",
            Outcome::RaceLost => "stopped, another run is at work",
            Outcome::Failed => "failed",
        };
        write!(
            f,
            "{}: {outcome}; {delivered} delivered in {}, {duplicates} known before, {}, {}",
            self.feed,
            counted(batches, "batch", "batches"),
            counted(pages, "page", "pages"),
            counted(retries, "retry", "retries"),
        )?;
        for (count, what) in [
            (self.counts.identical, "identical to another"),
            (self.counts.repaired, "invalid characters replaced"),
            (self.counts.untimed, "without a readable time"),
            (self.counts.truncated, "values cut off by the service"),
            (self.counts.reconciled, "found late by count"),
            (self.counts.quarantined, "set aside in quarantine"),
            (self.counts.copied, "taken by the second sink too"),
            (self.counts.not_copied, "not taken by the second sink"),
            (self.counts.splits, "batches halved"),
            (self.counts.restarts, "range restarts"),
            (self.counts.missing, "counted by Mimecast but not shown"),
            (self.counts.gaps, "ranges that cannot be read"),
            (
                self.counts.lost_gaps,
                "ranges that were never read and are given up",
            ),
        ] {
            if count > 0 {
                write!(f, ", {count} {what}")?;
            }
        }
        if let Some(lag) = self.lag_seconds {
            write!(f, ", lag {lag} s")?;
        }
        match &self.message {
            Some(message) => write!(f, ". {message}"),
            None => Ok(()),
        }
    }
}

/// What a pass did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PassReport {
    /// One report for each feed, in the order of [`Feed::ALL`].
    pub feeds: Vec<FeedReport>,
}

impl PassReport {
    /// Whether it was asked to end.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.feeds
            .iter()
            .any(|report| report.outcome == Outcome::Stopped)
    }

    /// Whether a feed had no checkpoint before.
    #[must_use]
    pub fn is_first(&self) -> bool {
        self.feeds.iter().any(|report| report.is_first)
    }

    /// Whether any feed failed.
    #[must_use]
    pub fn any_failed(&self) -> bool {
        self.feeds
            .iter()
            .any(|report| report.outcome == Outcome::Failed)
    }
}
