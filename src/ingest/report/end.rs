//! Why a feed's work ends before everything is delivered.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::{
    ingest::ports::{SinkError, SourceError, StoreError},
    model::date_range::DateRange,
};

/// A token that is refused at the same place is left for the next pass after so many beginnings.
pub(in crate::ingest) const MAX_RESTARTS: u64 = 3;

/// Why reading ended early.
#[derive(Debug)]
pub(in crate::ingest) enum ReadEnd {
    /// The budget is used up.
    OutOfTime(String),
    /// The source asks for a longer wait than the budget leaves.
    Throttled(Duration),
    /// The source refused its own token: the range must be begun again from what is delivered.
    TokenRefused(String),
    /// A page could not be read.
    Failed(DateRange, SourceError),
}

impl ReadEnd {
    /// What an error of the source, met in a range, means for reading.
    pub(in crate::ingest) fn of(range: DateRange, error: SourceError) -> Self {
        match error {
            SourceError::OutOfTime(reason) => Self::OutOfTime(reason),
            SourceError::Throttled(wait) => Self::Throttled(wait),
            SourceError::PageTokenRefused(cause) => Self::TokenRefused(cause.to_string()),
            error @ SourceError::Failed { .. } => Self::Failed(range, error),
        }
    }
}

/// Why a feed's pipeline ended early.
#[derive(Debug)]
pub(in crate::ingest) enum End {
    /// Reading did; everything read is delivered.
    Read(ReadEnd),
    /// The sink had no time left.
    OutOfTime(String),
    /// The sink asks for a longer wait than the budget leaves.
    Throttled(Duration),
    /// The sink did not take a batch.
    Refused(SinkError),
    /// A record could not be set aside.
    NotHeld(StoreError),
    /// The ledger could not be read.
    NoLedger(StoreError),
    /// Mimecast's count could not be compared with what was delivered for hours.
    NotCompared {
        since: DateTime<Utc>,
        reason: String,
    },
    /// The checkpoint could not be saved around a post.
    NotSaved(StoreError),
    /// It could not be saved at the end, behind everything that was delivered: how the work had ended
    /// before.
    NotRemembered(StoreError, Result<(), Box<End>>),
}

impl End {
    /// Whether the checkpoint could not be saved. Who could not save must be known for it, and does not
    /// try again: it may have lost a race.
    pub(in crate::ingest) const fn is_unsaved(&self) -> bool {
        matches!(self, Self::NotSaved(_) | Self::NotRemembered(..))
    }
}

impl End {
    /// Of two ends of posts that were under way together the one to be told: what needs attention rather
    /// than a wait, and a wait rather than the end of the budget.
    pub(in crate::ingest) fn or_worse(self, other: Self) -> Self {
        if other.weight() > self.weight() {
            other
        } else {
            self
        }
    }

    const fn weight(&self) -> u8 {
        match self {
            Self::OutOfTime(_) | Self::Read(ReadEnd::OutOfTime(_)) => 0,
            Self::Throttled(_) | Self::Read(ReadEnd::Throttled(_)) => 1,
            _ => 2,
        }
    }
}

impl From<SinkError> for End {
    fn from(error: SinkError) -> Self {
        match error {
            SinkError::OutOfTime(reason) => Self::OutOfTime(reason),
            SinkError::Throttled(wait) => Self::Throttled(wait),
            error @ (SinkError::Content(_) | SinkError::Failed { .. }) => Self::Refused(error),
        }
    }
}
