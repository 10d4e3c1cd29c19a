//! Why a feed's work stopped before everything was delivered.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::{
    ingest::error::{ErrorKind, ServiceError, StoreError},
    model::{checkpoint::Service, date_range::DateRange, gap::MAX_GAPS},
};

/// A token that is refused at the same place is left for the next pass after so many restarts.
pub(in crate::ingest) const MAX_RESTARTS: u64 = 3;

/// Why a feed's work stopped.
#[derive(Debug)]
pub(in crate::ingest) struct StopReason {
    /// The service that the work was about; the store where there is none.
    pub(in crate::ingest) service: Option<Service>,
    /// What kind of stop it is.
    pub(in crate::ingest) kind: StopKind,
    /// What the work was at, where that is known.
    pub(in crate::ingest) step: Option<Step>,
    /// The cause.
    pub(in crate::ingest) source: Option<Box<StopSource>>,
}

/// The cause of a stop.
#[derive(Debug, thiserror::Error)]
pub(in crate::ingest) enum StopSource {
    #[error(transparent)]
    Service(#[from] ServiceError),
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What was done when the run was asked to end.
    #[error("the run was asked to end {0}")]
    Stopped(Step),
    /// What was done when the run budget was exhausted.
    #[error("run budget exhausted {0}")]
    Budget(Step),
    /// A post without rows is refused too, so no record is at fault.
    #[error("a post without rows is refused too")]
    EmptyPost(#[source] ServiceError),
    /// `count` records were set aside and none was taken.
    #[error(
        "{count} records were set aside in this run and none was taken, which looks like a fault of the workspace or of this program"
    )]
    NothingTaken {
        count: u64,
        #[source]
        last: ServiceError,
    },
    /// The checkpoint holds no more gaps.
    #[error("it cannot be read, and neither can {MAX_GAPS} ranges before it")]
    TooManyGaps,
    /// The source does not come to an end.
    #[error("the listing does not end within {0} pages")]
    EndlessListing(usize),
}

/// What a feed's work was at, with its range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ingest) enum Step {
    Reading(DateRange),
    Counting(DateRange),
    Posting,
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Reading(range) => write!(f, "while reading {range}"),
            Self::Counting(range) => write!(f, "while counting {range}"),
            Self::Posting => f.write_str("before the next post"),
        }
    }
}

/// What kind of stop it is: each kind leads to another outcome.
#[derive(Debug)]
pub(in crate::ingest) enum StopKind {
    /// The run budget is exhausted; nothing is wrong.
    OutOfTime,
    /// The run was asked to end; nothing is wrong.
    Stopped,
    /// The service asks for a longer wait than the budget leaves.
    Throttled(Duration),
    /// The source refused its own token: the range must be read again from what is delivered.
    PageTokenRefused,
    /// The service did not do it.
    Failed,
    /// A record could not be set aside.
    NotQuarantined,
    /// The ledger could not be read.
    LedgerUnreadable,
    /// Counts could not be compared since then.
    NotReconciled { since: DateTime<Utc> },
    /// The checkpoint could not be saved before a post, and everything that was posted is remembered.
    NotClaimed,
    /// The checkpoint could not be saved around a post.
    NotSaved,
    /// The checkpoint could not be saved at the end.
    NotSavedAtEnd {
        /// How the work had ended before.
        before: Result<(), Box<StopReason>>,
        /// Whether rows were taken that no save remembers.
        unsaved_rows: bool,
    },
}

impl StopReason {
    fn new(service: Option<Service>, kind: StopKind, source: impl Into<StopSource>) -> Self {
        Self {
            service,
            kind,
            step: None,
            source: Some(Box::new(source.into())),
        }
    }

    /// The error of a service at that step.
    pub(in crate::ingest) fn of_service(error: ServiceError, step: Step) -> Self {
        let kind = match error.kind() {
            ErrorKind::DeadlineExceeded => StopKind::OutOfTime,
            ErrorKind::Stopped => return Self::stopped(step),
            ErrorKind::Throttled { retry_after } => StopKind::Throttled(*retry_after),
            ErrorKind::PageTokenRefused => StopKind::PageTokenRefused,
            ErrorKind::PageTooLarge
            | ErrorKind::Unreadable
            | ErrorKind::ContentRejected(_)
            | ErrorKind::ClockAhead
            | ErrorKind::Failed => StopKind::Failed,
        };
        Self {
            step: Some(step),
            ..Self::new(Some(error.service()), kind, error)
        }
    }

    /// The run budget is exhausted at that step.
    pub(in crate::ingest) fn out_of_time(step: Step) -> Self {
        let service = match step {
            Step::Reading(_) | Step::Counting(_) => Service::Mimecast,
            Step::Posting => Service::LogAnalytics,
        };
        Self {
            step: Some(step),
            ..Self::new(Some(service), StopKind::OutOfTime, StopSource::Budget(step))
        }
    }

    /// The run was asked to end, at that step.
    pub(in crate::ingest) fn stopped(step: Step) -> Self {
        Self {
            step: Some(step),
            ..Self::new(None, StopKind::Stopped, StopSource::Stopped(step))
        }
    }

    /// The listing of a range does not end.
    pub(in crate::ingest) fn endless_listing(range: DateRange, pages: usize) -> Self {
        let source = StopSource::EndlessListing(pages);
        Self {
            step: Some(Step::Reading(range)),
            ..Self::new(Some(Service::Mimecast), StopKind::Failed, source)
        }
    }

    /// Another range cannot be read, and the checkpoint is full of gaps.
    pub(in crate::ingest) fn too_many_gaps(range: DateRange) -> Self {
        Self {
            step: Some(Step::Reading(range)),
            ..Self::new(
                Some(Service::Mimecast),
                StopKind::Failed,
                StopSource::TooManyGaps,
            )
        }
    }

    /// Log Analytics refuses, but not for what is in the batch.
    pub(in crate::ingest) fn not_the_content(source: StopSource) -> Self {
        Self::new(Some(Service::LogAnalytics), StopKind::Failed, source)
    }

    /// The store did not do it.
    pub(in crate::ingest) fn of_store(kind: StopKind, error: StoreError) -> Self {
        Self::new(None, kind, error)
    }

    /// What the ledger holds is not known.
    pub(in crate::ingest) fn ledger_unreadable(error: StoreError) -> Self {
        Self::of_store(StopKind::LedgerUnreadable, error)
    }

    /// The checkpoint could not be written before a post; `all_saved` says whether everything that was posted is
    /// remembered.
    pub(in crate::ingest) fn not_claimed(error: StoreError, all_saved: bool) -> Self {
        let kind = if all_saved {
            StopKind::NotClaimed
        } else {
            StopKind::NotSaved
        };
        Self::of_store(kind, error)
    }

    /// The checkpoint could not be written.
    pub(in crate::ingest) fn not_saved(error: StoreError) -> Self {
        Self::of_store(StopKind::NotSaved, error)
    }

    /// The wait that a service asked for, and the service.
    pub(in crate::ingest) fn asked_wait(&self) -> Option<(Service, Duration)> {
        match self.kind {
            StopKind::Throttled(wait) => self.service.map(|service| (service, wait)),
            _ => None,
        }
    }

    /// Whether reading stopped and shorter ranges may help.
    pub(in crate::ingest) const fn is_of_reading(&self) -> bool {
        matches!(self.service, Some(Service::Mimecast))
            && matches!(self.kind, StopKind::OutOfTime | StopKind::PageTokenRefused)
    }

    /// Whether a range could not be read or counted although Mimecast answered: another range may be readable.
    pub(in crate::ingest) fn is_unreadable(&self) -> bool {
        matches!(self.step, Some(Step::Reading(_) | Step::Counting(_)))
            && match self.source.as_deref() {
                Some(StopSource::Service(error)) => matches!(
                    error.kind(),
                    ErrorKind::Unreadable | ErrorKind::PageTooLarge | ErrorKind::PageTokenRefused
                ),
                Some(StopSource::EndlessListing(_)) => true,
                _ => false,
            }
    }

    /// Whether the next pass must know of it: a wait, or a checkpoint that was not saved.
    pub(in crate::ingest) const fn is_for_the_next_pass(&self) -> bool {
        self.is_unsaved() || matches!(self.kind, StopKind::Throttled(_))
    }

    /// Whether the failure is about the range that was read, whatever it is: neither the budget nor a wait
    /// ended it, and Mimecast was asked.
    pub(in crate::ingest) const fn is_of_range(&self) -> bool {
        matches!(self.step, Some(Step::Reading(_)))
            && matches!(self.kind, StopKind::Failed | StopKind::PageTokenRefused)
    }

    /// Whether the checkpoint could not be saved. The save is not tried again: another run may have won.
    pub(in crate::ingest) const fn is_unsaved(&self) -> bool {
        matches!(
            self.kind,
            StopKind::NotClaimed | StopKind::NotSaved | StopKind::NotSavedAtEnd { .. }
        )
    }

    /// Whether this machine's clock turned out to be ahead of Mimecast's.
    pub(in crate::ingest) fn is_clock_ahead(&self) -> bool {
        match self.source.as_deref() {
            Some(StopSource::Service(error)) => *error.kind() == ErrorKind::ClockAhead,
            _ => false,
        }
    }

    /// Whether the checkpoint could not be saved, and another run may have saved it.
    pub(in crate::ingest) fn is_undecided(&self) -> bool {
        let is_determinate = matches!(
            self.source.as_deref(),
            Some(StopSource::Store(StoreError::Determinate(_)))
        );
        self.is_unsaved() && !is_determinate
    }

    /// What is left of it where everything that was posted is remembered after all.
    pub(in crate::ingest) fn with_all_saved(mut self) -> Result<(), Self> {
        match self.kind {
            StopKind::NotSavedAtEnd { before, .. } => {
                before.or_else(|before| before.with_all_saved())
            }
            StopKind::NotSaved => {
                self.kind = StopKind::NotClaimed;
                Err(self)
            }
            _ => Err(self),
        }
    }

    /// Whether the checkpoint was saved by another run.
    pub(in crate::ingest) fn is_conflict(&self) -> bool {
        matches!(
            self.source.as_deref(),
            Some(StopSource::Store(StoreError::Conflict))
        )
    }

    /// How often the call was made again before it failed.
    pub(in crate::ingest) fn retries(&self) -> u64 {
        match self.source.as_deref() {
            Some(StopSource::Service(error)) => error.attempts().saturating_sub(1).into(),
            _ => 0,
        }
    }

    /// Of two reasons of posts that were under way together the one to be told: what needs attention
    /// rather than a wait, and a wait rather than the end of the budget.
    pub(in crate::ingest) fn or_worse(self, other: Self) -> Self {
        if other.weight() > self.weight() {
            other
        } else {
            self
        }
    }

    const fn weight(&self) -> u8 {
        match self.kind {
            StopKind::OutOfTime | StopKind::Stopped => 0,
            StopKind::Throttled(_) => 1,
            _ => 2,
        }
    }
}
