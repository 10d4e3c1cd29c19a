//! What the end of a feed's work means, in an outcome and in words.

use std::time::Duration;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};

use super::{
    Outcome,
    end::{End, MAX_RESTARTS, ReadEnd},
};
use crate::{
    ingest::ports::StoreError,
    model::{
        checkpoint::{Service, Wait},
        event_time,
        feed::Feed,
    },
};

/// A feed that waits as it was asked to is no failure, unless nothing was delivered for so long: a stop
/// must never be silent.
const MAX_QUIET_WAIT: TimeDelta = TimeDelta::hours(1);

/// A service that asks for a longer wait than this is asked again after it: a mistake of the service
/// must not stop a feed for weeks.
const LONGEST_WAIT: Duration = Duration::from_secs(86_400);

/// How a feed's work ended, and what to tell about it.
pub(in crate::ingest) struct Ended {
    pub(in crate::ingest) outcome: Outcome,
    pub(in crate::ingest) message: Option<String>,
}

impl Ended {
    pub(in crate::ingest) fn failed(message: impl Into<String>) -> Self {
        Self::of(Outcome::Failed, message)
    }

    fn of(outcome: Outcome, message: impl Into<String>) -> Self {
        Self {
            outcome,
            message: Some(message.into()),
        }
    }

    /// The words for the end of a pipeline. `place` is the checkpoint's, `posted` whether anything was
    /// delivered in this pass.
    pub(in crate::ingest) fn from(
        end: Result<(), End>,
        feed: Feed,
        place: &str,
        posted: bool,
    ) -> Self {
        let Err(end) = end else {
            return Self {
                outcome: Outcome::Complete,
                message: None,
            };
        };
        match end {
            End::Read(ReadEnd::TokenRefused(reason)) => Self::failed(format!(
                "Reading {feed}: begun again {MAX_RESTARTS} times at the same place, and still: {reason}. \
                 Everything read is delivered; the next run tries again."
            )),
            End::Read(ReadEnd::OutOfTime(reason)) | End::OutOfTime(reason) => {
                Self::of(Outcome::OutOfTime, reason)
            }
            End::Read(ReadEnd::Throttled(wait)) => Self::throttled(Service::Mimecast, wait),
            End::Throttled(wait) => Self::throttled(Service::LogAnalytics, wait),
            End::Read(ReadEnd::Failed(range, error)) => Self::failed(format!(
                "Reading {feed} for {range}: {error}. What was read before is delivered and remembered; the next run reads that range again."
            )),
            End::Refused(error) => Self::failed(format!(
                "Delivering {feed}: {error}. The checkpoint stands before that batch, so nothing is lost."
            )),
            End::NotHeld(error) => Self::failed(format!(
                "Setting aside a record of {feed} that Log Analytics refuses: {error}. The checkpoint stands before it, so nothing is lost."
            )),
            End::NoLedger(error) => Self::failed(format!(
                "Reading the ledger of {feed}: {error}. Nothing is delivered without knowing what was; the next run tries again."
            )),
            End::NotCompared { since, reason } => Self::failed(format!(
                "Comparing counts of {feed}: {reason}, and so it was since {}; what shows later than late_arrival_minutes is not found meanwhile. What to do: raise run_budget_seconds, or lower reconcile_hours.",
                event_time::to_utc_text(since)
            )),
            End::NotSaved(StoreError::RaceLost) => Self::of(
                Outcome::RaceLost,
                format!(
                    "Another run has saved the checkpoint {place} meanwhile; it goes on, this one stopped.{}",
                    if posted {
                        " What this one posted last may be delivered once more."
                    } else {
                        ""
                    }
                ),
            ),
            End::NotSaved(error) => Self::failed(format!(
                "Saving the checkpoint {place}: {error}. {}",
                if posted {
                    "What was posted last may be delivered once more."
                } else {
                    "Nothing was delivered, since it could not have been remembered."
                }
            )),
            End::NotRemembered(error, before) => {
                let before = Self::from(before.map_err(|end| *end), feed, place, posted);
                before.not_remembered(&error, place)
            }
        }
    }

    /// The checkpoint could not be saved behind work that ended so.
    fn not_remembered(self, error: &StoreError, place: &str) -> Self {
        let (outcome, what) = match error {
            StoreError::RaceLost => (
                Outcome::RaceLost,
                format!(
                    "Another run has saved the checkpoint {place} meanwhile; it goes on, this one stopped."
                ),
            ),
            error @ StoreError::Failed(_) => (
                Outcome::Failed,
                format!("Saving the checkpoint {place}: {error}."),
            ),
        };
        let before = self.message.map_or_else(String::new, |message| {
            format!("{}. ", message.trim_end_matches('.'))
        });
        let message = format!(
            "{before}{what} What was delivered is remembered; ranges that held nothing new are read again."
        );
        match self.outcome {
            Outcome::Failed => Self::failed(message),
            _ => Self::of(outcome, message),
        }
    }

    fn throttled(service: Service, wait: Duration) -> Self {
        Self::of(
            Outcome::Waiting,
            format!(
                "{service} asks for no calls for {} s, longer than the run budget leaves; no run calls before that.",
                wait.min(LONGEST_WAIT).as_secs()
            ),
        )
    }

    /// The pass came before the end of a wait.
    pub(in crate::ingest) fn still_waiting(wait: Wait) -> Self {
        let until = event_time::to_utc_text(wait.until);
        Self::of(
            Outcome::Waiting,
            format!("{} asked for no calls before {until}.", wait.asked_by),
        )
    }

    /// What would go on for ever, and quietly, is a failure: a pass that ran out of time without any
    /// step forward, and a long wait.
    pub(in crate::ingest) fn judged(
        self,
        feed: Feed,
        stood_still: bool,
        wait: Option<Wait>,
        now: DateTime<Utc>,
    ) -> Self {
        let reason = self.message.as_deref().unwrap_or_default();
        match self.outcome {
            Outcome::OutOfTime if stood_still => Self::failed(format!(
                "The run budget ended without any step forward for {feed}: {reason}. What to do: raise run_budget_seconds, or look at why Mimecast or Log Analytics is slow. The next run asks for shorter ranges."
            )),
            Outcome::Waiting => match wait.filter(|wait| now - wait.since > MAX_QUIET_WAIT) {
                Some(wait) => Self::failed(format!(
                    "Nothing of {feed} was delivered since {}: {reason} What to do: look for other clients that use up the quota of these keys, or ask the support of {}.",
                    event_time::to_utc_text(wait.since),
                    wait.asked_by
                )),
                None => self,
            },
            _ => self,
        }
    }
}

/// The wait that an end asks for. It goes on from the one before, if nothing was delivered in between.
pub(in crate::ingest) fn wait(end: &End, now: DateTime<Utc>, before: Option<Wait>) -> Option<Wait> {
    let (asked_by, wait) = match end {
        End::Read(ReadEnd::Throttled(wait)) => (Service::Mimecast, *wait),
        End::Throttled(wait) => (Service::LogAnalytics, *wait),
        _ => return None,
    };
    // Rounded up: the text holds whole seconds.
    let wait = wait.min(LONGEST_WAIT) + Duration::from_secs(1);
    Some(Wait {
        since: before.map_or(now.trunc_subsecs(0), |before| before.since),
        until: (now + wait).trunc_subsecs(0),
        asked_by,
    })
}

/// Whether a wait that was saved is to be kept at `now`. One that cannot have been asked for was
/// saved while this machine's clock was wrong.
pub(in crate::ingest) fn keeps(wait: Wait, now: DateTime<Utc>) -> bool {
    let longest = TimeDelta::from_std(LONGEST_WAIT).unwrap_or(TimeDelta::MAX);
    let left = wait.until - now;
    left > TimeDelta::zero() && left <= longest + TimeDelta::seconds(1)
}
