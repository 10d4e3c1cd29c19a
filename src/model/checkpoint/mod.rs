//! The progress of one feed.

mod text;

use std::{fmt, time::Duration};

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

pub use text::CheckpointError;

use super::{
    gap::Gaps,
    moves::{Move, Moves, Reason},
    recent::Recent,
    tally::Tally,
};

/// The longest range asked for at once. What Mimecast accepts at most is not documented; a day
/// keeps the work that a refused page token throws away small.
pub const LONGEST_RANGE: TimeDelta = TimeDelta::days(1);
/// The shortest range that a feed shrinks to where a longer one cannot be read to its end within the
/// run budget.
pub const SHORTEST_RANGE: TimeDelta = TimeDelta::seconds(1);

/// The progress of a feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Up to here everything that Mimecast showed is delivered, but for the gaps.
    pub watermark: DateTime<Utc>,
    /// From here on the next pass reads again, for records that appear late; at most the watermark.
    pub read_again_from: DateTime<Utc>,
    /// What was delivered from there on, and what has not gone into the ledger yet.
    pub recent: Recent,
    /// What was delivered before this, and is not in `recent`, is in the ledger. Lies after
    /// `read_again_from` only after a rewind, or where the checkpoint was a plain time.
    pub filed_before: DateTime<Utc>,
    /// How many records were delivered, for the reconciliation.
    pub tally: Tally,
    /// When Mimecast's count was last compared with the tally.
    pub reconciled_at: Option<DateTime<Utc>>,
    /// The feed makes no calls before the end of this wait, because a service asked for it. Health rows are
    /// sent all the same.
    pub wait: Option<Wait>,
    /// The length of the first range of a pass; the next ones may be longer.
    pub first_range: TimeDelta,
    /// Ranges before the watermark that could not be read.
    pub gaps: Gaps,
    /// How many passes in a row could not read what follows the watermark, although Mimecast answered.
    pub failed_reads: u32,
    /// The last moves of the watermark.
    pub moves: Moves,
}

impl Checkpoint {
    /// A feed that begins at `from`.
    #[must_use]
    pub fn starting(from: DateTime<Utc>) -> Self {
        Self {
            watermark: from,
            read_again_from: from,
            recent: Recent::default(),
            filed_before: from,
            tally: Tally::new(from),
            reconciled_at: None,
            wait: None,
            first_range: LONGEST_RANGE,
            gaps: Gaps::default(),
            failed_reads: 0,
            moves: Moves::default(),
        }
    }

    /// Sets the watermark back to `to`, so that everything from there on is read again. What the
    /// ledger still knows is not delivered again.
    pub fn rewind(&mut self, to: DateTime<Utc>, at: DateTime<Utc>) {
        self.moves.push(Move {
            at,
            from: self.watermark,
            to,
            reason: Reason::Rewind,
        });
        self.watermark = to;
        self.read_again_from = self.read_again_from.min(to);
    }
}

/// A service that asks for a longer wait than this is called again after it: a mistake of the service
/// must not stop a feed for weeks.
pub const MAX_WAIT: Duration = Duration::from_secs(86_400);

/// A service's request to be left alone for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    /// When the first of the waits began that no delivery has interrupted.
    pub since: DateTime<Utc>,
    /// No calls before this time.
    pub until: DateTime<Utc>,
    /// The service that asked for it.
    pub asked_by: Service,
}

impl Wait {
    /// The wait of `length` that a service asks for at `now`. It continues the one before, if there is
    /// one.
    #[must_use]
    pub fn asked(
        asked_by: Service,
        length: Duration,
        now: DateTime<Utc>,
        before: Option<Self>,
    ) -> Self {
        // Rounded up: the text holds whole seconds.
        let length = length.min(MAX_WAIT) + Duration::from_secs(1);
        Self {
            since: before.map_or(now.trunc_subsecs(0), |before| before.since),
            until: (now + length).trunc_subsecs(0),
            asked_by,
        }
    }

    /// Whether it still holds at `now`. One that ends later than any that can have been asked for was
    /// saved while this machine's clock was wrong.
    #[must_use]
    pub fn holds_at(&self, now: DateTime<Utc>) -> bool {
        let left = (self.until - now).to_std();
        left.is_ok_and(|left| !left.is_zero() && left <= MAX_WAIT + Duration::from_secs(1))
    }
}

/// The services that a pass calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Service {
    /// Mimecast.
    #[serde(rename = "Mimecast")]
    Mimecast,
    /// Log Analytics.
    #[serde(rename = "Log Analytics")]
    LogAnalytics,
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mimecast => "Mimecast",
            Self::LogAnalytics => "Log Analytics",
        })
    }
}

/// Where a feed starts from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// Nothing is saved: read the look-back.
    Fresh,
    /// The existing connector came so far. What lies before was its to deliver.
    TakenOver(DateTime<Utc>),
    /// A checkpoint of ours.
    From(Box<Checkpoint>),
}

impl Start {
    /// Where the feed stands; `None` where nothing is saved. What the existing connector left, or a person wrote,
    /// may lie in the future.
    #[must_use]
    pub fn watermark(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::From(checkpoint) => Some(checkpoint.watermark),
            Self::TakenOver(time) => Some(*time),
            Self::Fresh => None,
        }
    }
}
