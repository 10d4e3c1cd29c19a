//! How far each feed is, and why: what the store knows, in one place.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::{
    error::Explain,
    ports::Store,
    report::{
        Outcome,
        history::{FeedRun, History},
    },
    state::{
        quarantine::Quarantine,
        standing::{Standing, standing},
    },
};
use crate::model::{
    checkpoint::{Checkpoint, Service, Start},
    deadline::Deadline,
    feed::Feed,
    store_key::StoreKey,
};

/// A feed whose watermark is older than this is late, and one whose last run is older is silent: runs are meant to
/// follow each other by minutes.
const LATE_FROM: TimeDelta = TimeDelta::hours(1);

/// How a feed does, the worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// Everything is delivered.
    Well,
    /// No run has been here.
    New,
    /// A service asked for a wait.
    Waiting,
    /// Runs do not keep up.
    Late,
    /// There was no run for long.
    Silent,
    /// The last run failed.
    Failing,
    /// No run can go on from what is saved.
    Unreadable,
}

impl Health {
    /// Whether somebody should look.
    #[must_use]
    pub const fn needs_attention(self) -> bool {
        matches!(
            self,
            Self::Late | Self::Silent | Self::Failing | Self::Unreadable
        )
    }
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Well => "well",
            Self::New => "new",
            Self::Waiting => "waiting",
            Self::Late => "late",
            Self::Silent => "silent",
            Self::Failing => "failing",
            Self::Unreadable => "unreadable",
        })
    }
}

/// A stretch that could not be read yet.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GapStatus {
    /// Its first moment.
    pub from: DateTime<Utc>,
    /// Its last.
    pub to: DateTime<Utc>,
    /// When it was found.
    pub since: DateTime<Utc>,
    /// When it was last read in vain.
    pub tried_at: DateTime<Utc>,
    /// Why it cannot be read.
    pub reason: String,
}

/// A wait that holds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WaitStatus {
    /// When the first of the waits began that no delivery has interrupted.
    pub since: DateTime<Utc>,
    /// Until then there are no calls.
    pub until: DateTime<Utc>,
    /// Who asked for it.
    pub asked_by: Service,
}

/// A run, with when it ended.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunStatus {
    /// When it ended.
    pub at: DateTime<Utc>,
    /// What it did.
    #[serde(flatten)]
    pub run: FeedRun,
}

/// The runs of the last 24 hours.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Runs {
    /// How many there were.
    pub count: usize,
    /// How many of them failed.
    pub failed: usize,
    /// The last one.
    pub last: Option<RunStatus>,
    /// The last one that failed.
    pub last_failure: Option<RunStatus>,
}

/// How far a feed is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FeedStatus {
    /// The feed.
    pub feed: Feed,
    /// How it does.
    pub health: Health,
    /// Where its checkpoint lies.
    pub checkpoint: String,
    /// Delivered up to here, but for the gaps; `None` where nothing is saved, or no run can go on from it.
    pub watermark: Option<DateTime<Utc>>,
    /// Now minus the watermark, in seconds.
    pub lag_seconds: Option<i64>,
    /// From here the next run reads again.
    pub reads_from: Option<DateTime<Utc>>,
    /// Why no run can go on from what is saved, and what to do.
    pub error: Option<String>,
    /// The wait that holds now.
    pub wait: Option<WaitStatus>,
    /// What could not be read yet.
    pub gaps: Vec<GapStatus>,
    /// When Mimecast's count was last compared with what was delivered.
    pub reconciled_at: Option<DateTime<Utc>>,
    /// How many records are in quarantine; `None` where that cannot be read.
    pub quarantined: Option<usize>,
    /// The runs of the last 24 hours, as far as they are known.
    pub runs: Runs,
}

impl FeedStatus {
    /// Reads all of it.
    pub async fn read(
        store: &dyn Store,
        feed: Feed,
        history: &History,
        now: DateTime<Utc>,
        deadline: Deadline,
    ) -> Self {
        let quarantine = Quarantine::new(store, deadline);
        let (saved, held) =
            tokio::join!(standing(store, feed, now, deadline), quarantine.list(feed));
        let mut status = Self {
            feed,
            health: Health::New,
            checkpoint: store.address(StoreKey::Checkpoint(feed)),
            watermark: None,
            lag_seconds: None,
            reads_from: None,
            error: None,
            wait: None,
            gaps: Vec::new(),
            reconciled_at: None,
            quarantined: held.ok().map(|held| held.len()),
            runs: runs(history, feed, now),
        };
        match saved {
            Ok(Standing { start, .. }) => {
                status.watermark = start.watermark();
                match &start {
                    Start::From(checkpoint) => status.describe(checkpoint, now),
                    Start::TakenOver(time) => status.reads_from = Some(*time),
                    Start::Fresh => {}
                }
            }
            Err(error) => status.error = Some(error.explain()),
        }
        status.lag_seconds = status
            .watermark
            .map(|watermark| (now - watermark).num_seconds());
        status.health = status.judged(now);
        status
    }

    fn describe(&mut self, checkpoint: &Checkpoint, now: DateTime<Utc>) {
        self.reads_from = Some(checkpoint.read_again_from);
        self.reconciled_at = checkpoint.reconciled_at;
        let wait = checkpoint.wait.filter(|wait| wait.holds_at(now));
        self.wait = wait.map(|wait| WaitStatus {
            since: wait.since,
            until: wait.until,
            asked_by: wait.asked_by,
        });
        let gaps = checkpoint.gaps.iter().map(|gap| GapStatus {
            from: gap.range.from(),
            to: gap.range.to(),
            since: gap.since,
            tried_at: gap.tried_at,
            reason: gap.reason.clone(),
        });
        self.gaps = gaps.collect();
    }

    fn judged(&self, now: DateTime<Utc>) -> Health {
        let last = self.runs.last.as_ref();
        let is_late = |watermark: DateTime<Utc>| now - watermark > LATE_FROM;
        let is_late = self.watermark.is_some_and(is_late);
        if self.error.is_some() {
            Health::Unreadable
        } else if last.is_some_and(|last| last.run.outcome == Outcome::Failed) {
            Health::Failing
        } else if is_late && last.is_some_and(|last| now - last.at > LATE_FROM) {
            Health::Silent
        } else if self.watermark.is_none() {
            Health::New
        } else if self.wait.is_some() {
            Health::Waiting
        } else if is_late {
            Health::Late
        } else {
            Health::Well
        }
    }
}

fn runs(history: &History, feed: Feed, now: DateTime<Utc>) -> Runs {
    let day = TimeDelta::hours(24);
    let runs = || history.of(feed).filter(|(at, _)| now - *at <= day);
    let failed = || runs().filter(|(_, run)| run.outcome == Outcome::Failed);
    let status = |(at, run): (DateTime<Utc>, &FeedRun)| RunStatus {
        at,
        run: run.clone(),
    };
    Runs {
        count: runs().count(),
        failed: failed().count(),
        last: history.of(feed).next().map(status),
        last_failure: failed().next().map(status),
    }
}
