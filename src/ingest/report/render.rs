//! What a stop means for the outcome, and the sentence that tells an operator: what was attempted, on which
//! feed and range, how often, why it failed, and what to do.

use std::{error::Error, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    Counts, Outcome,
    stop_reason::{MAX_RESTARTS, Step, StopKind, StopReason, StopSource},
};
use crate::{
    ingest::{
        error::{Chain, Explain, with_advice},
        state::standing::CLOCK_TOLERANCE,
    },
    model::{
        checkpoint::{MAX_WAIT, Wait},
        event_time::to_utc_text,
        feed::Feed,
        gap::Gap,
        visible::escape_hidden,
    },
};

/// A feed that waits as it was asked to is no failure, unless nothing was delivered for this long: a stop
/// must never be silent.
const MAX_QUIET_WAIT: TimeDelta = TimeDelta::hours(1);

/// How a feed's work ended, and what to tell about it.
pub(in crate::ingest) struct Conclusion {
    pub(in crate::ingest) outcome: Outcome,
    pub(in crate::ingest) message: Option<String>,
    /// What to do, where the message does not say it.
    advice: Option<&'static str>,
}

/// What a pass came to, apart from how it ended.
#[derive(Debug, Clone, Copy)]
pub(in crate::ingest) struct PassProgress {
    /// Nothing was delivered or set aside, and the watermark stayed.
    pub(in crate::ingest) stood_still: bool,
    /// The next pass asks for shorter ranges.
    pub(in crate::ingest) shortened: bool,
    /// The wait that is saved.
    pub(in crate::ingest) wait: Option<Wait>,
}

/// What a sentence about a stop has to know.
#[derive(Debug, Clone, Copy)]
pub(in crate::ingest) struct StopContext<'a> {
    pub(in crate::ingest) feed: Feed,
    /// Where the checkpoint is, as an operator would look for it.
    pub(in crate::ingest) checkpoint: &'a str,
    /// Whether anything was delivered in this pass.
    pub(in crate::ingest) posted: bool,
}

impl Explain for StopSource {
    fn advice(&self) -> Option<&'static str> {
        match self {
            Self::Service(error) | Self::EmptyPost(error) => error.advice(),
            Self::Store(error) => error.advice(),
            Self::NothingTaken { .. } => {
                Some("look at `mimecast-ttp quarantine list`; the next run continues")
            }
            Self::TooManyGaps => Some(
                "ask the support of Mimecast about the ranges that `mimecast-ttp checkpoint show` lists",
            ),
            Self::Budget(_) | Self::Stopped(_) | Self::EndlessListing(_) => None,
        }
    }
}

impl Conclusion {
    const COMPLETE: Self = Self {
        outcome: Outcome::Complete,
        message: None,
        advice: None,
    };

    pub(in crate::ingest) fn failed(message: impl Into<String>) -> Self {
        Self::of(Outcome::Failed, message)
    }

    fn of(outcome: Outcome, message: impl Into<String>) -> Self {
        Self {
            outcome,
            message: Some(message.into()),
            advice: None,
        }
    }

    /// What the end of a feed's work means.
    pub(in crate::ingest) fn from(end: Result<(), StopReason>, context: StopContext<'_>) -> Self {
        match end {
            Ok(()) => Self::COMPLETE,
            Err(reason) => Self::of_stop(reason, context),
        }
    }

    fn of_stop(reason: StopReason, context: StopContext<'_>) -> Self {
        let feed = context.feed;
        match reason.kind {
            StopKind::OutOfTime => Self {
                advice: reason.advice(),
                ..Self::of(Outcome::OutOfTime, reason.causes())
            },
            StopKind::Stopped => Self::of(Outcome::Stopped, format!("{}.", reason.causes())),
            StopKind::Throttled(wait) => Self::throttled(&reason, wait, feed),
            StopKind::PageTokenRefused => Self::failed(format!(
                "{}. Everything read is delivered; the next run tries again.",
                reason.sentence(&format!(
                    "Reading {feed} was restarted {MAX_RESTARTS} times at the same place and failed each time"
                ))
            )),
            StopKind::Failed => Self::failed(match reason.step {
                Some(Step::Reading(range)) => format!(
                    "{}. What was read before is delivered and remembered; the next run reads that range again.",
                    reason.sentence(&format!("Reading {feed} for {range}"))
                ),
                Some(Step::Counting(range)) => format!(
                    "{}. Everything read is delivered; the next run counts again.",
                    reason.sentence(&format!("Counting {feed} for {range}"))
                ),
                Some(Step::Posting) | None => format!(
                    "{}. The checkpoint stands before that batch, so nothing is lost.",
                    reason.sentence(&format!("Delivering {feed}"))
                ),
            }),
            StopKind::NotQuarantined => Self::failed(format!(
                "{}. The checkpoint stands before it, so nothing is lost.",
                reason.sentence(&format!(
                    "Setting aside a record of {feed} that Log Analytics refuses"
                ))
            )),
            StopKind::LedgerUnreadable => Self::failed(format!(
                "{}. Nothing is delivered until it is known what was delivered before; the next run tries again.",
                reason.sentence(&format!("Reading the ledger of {feed}"))
            )),
            StopKind::NotReconciled { since } => Self::failed(format!(
                "The counts of {feed} have not been compared since {}: {}. Records that appear later than late_arrival_minutes are not found meanwhile. What to do: raise run_budget_seconds, or lower reconcile_hours.",
                to_utc_text(since),
                reason.causes()
            )),
            StopKind::NotClaimed => Self::not_claimed(&reason, context),
            StopKind::NotSaved => Self::not_saved(&reason, context),
            StopKind::NotSavedAtEnd { .. } => Self::not_saved_at_end(reason, context),
        }
    }

    /// The checkpoint could not be saved before a post, and everything that was posted is remembered.
    fn not_claimed(reason: &StopReason, context: StopContext<'_>) -> Self {
        let (outcome, what) = Self::save_failure(reason, context);
        let rest = match (outcome, context.posted) {
            (Outcome::RaceLost, _) => "",
            (_, true) => " What was delivered is remembered.",
            (_, false) => " Nothing was delivered, since it could not have been remembered.",
        };
        Self::of(outcome, format!("{what}.{rest}"))
    }

    /// The checkpoint could not be saved around a post.
    fn not_saved(reason: &StopReason, context: StopContext<'_>) -> Self {
        let (outcome, what) = Self::save_failure(reason, context);
        let rest = match (outcome, context.posted) {
            (Outcome::RaceLost, false) => "",
            (Outcome::RaceLost, true) => " What this one posted last may be delivered once more.",
            (_, true) => " What was posted last may be delivered once more.",
            (_, false) => " Nothing was delivered, since it could not have been remembered.",
        };
        Self::of(outcome, format!("{what}.{rest}"))
    }

    /// Why the checkpoint could not be saved, without a full stop.
    fn save_failure(reason: &StopReason, context: StopContext<'_>) -> (Outcome, String) {
        let checkpoint = context.checkpoint;
        if reason.is_conflict() {
            let what = format!(
                "Another run has saved the checkpoint {checkpoint} meanwhile; it goes on, this one stopped"
            );
            (Outcome::RaceLost, what)
        } else {
            let what = reason.sentence(&format!("Saving the checkpoint {checkpoint}"));
            (Outcome::Failed, what)
        }
    }

    /// The checkpoint could not be saved after work that had ended in its own way before.
    fn not_saved_at_end(reason: StopReason, context: StopContext<'_>) -> Self {
        let (outcome, what) = Self::save_failure(&reason, context);
        let (before, unsaved_rows) = match reason.kind {
            StopKind::NotSavedAtEnd {
                before,
                unsaved_rows,
            } => (before.map_err(|before| *before), unsaved_rows),
            _ => (Ok(()), false),
        };
        let before = Self::from(before, context);
        let before_outcome = before.outcome;
        let told = before.into_message().map_or_else(String::new, |message| {
            format!("{}. ", message.trim_end_matches('.'))
        });
        let rest = if unsaved_rows {
            "What was posted last may be delivered once more"
        } else {
            "What was delivered is remembered; ranges that held nothing new are read again"
        };
        let outcome = match before_outcome {
            Outcome::Failed => Outcome::Failed,
            _ => outcome,
        };
        Self::of(outcome, format!("{told}{what}. {rest}."))
    }

    fn throttled(reason: &StopReason, wait: Duration, feed: Feed) -> Self {
        let service = reason
            .service
            .map_or_else(|| "the service".to_owned(), |one| one.to_string());
        let answer = reason
            .service_answer()
            .map_or_else(String::new, |answer| format!(" ({answer})"));
        Self::of(
            Outcome::Waiting,
            format!(
                "Rate limited by {service}: retry after {} s, longer than the run budget leaves; {feed} makes no calls before then{answer}.",
                wait.min(MAX_WAIT).as_millis().div_ceil(1000)
            ),
        )
    }

    /// The pass came before the end of a wait.
    pub(in crate::ingest) fn still_waiting(wait: Wait) -> Self {
        let until = to_utc_text(wait.until);
        Self::of(
            Outcome::Waiting,
            format!(
                "Rate limited by {}: no calls before {until}.",
                wait.asked_by
            ),
        )
    }

    /// What would go on for ever, and quietly, is a failure: a pass that ran out of time without any
    /// progress, and a long wait.
    pub(in crate::ingest) fn judged(
        self,
        feed: Feed,
        progress: PassProgress,
        now: DateTime<Utc>,
    ) -> Self {
        let reason = self.message.as_deref().unwrap_or_default();
        match self.outcome {
            Outcome::OutOfTime if progress.stood_still => Self::failed(format!(
                "No progress on {feed} within the run budget: {reason}. What to do: raise run_budget_seconds, or find out why Mimecast or Log Analytics is slow.{}",
                if progress.shortened {
                    " The next run asks for shorter ranges."
                } else {
                    ""
                }
            )),
            Outcome::Waiting => match progress
                .wait
                .filter(|wait| now - wait.since > MAX_QUIET_WAIT)
            {
                Some(wait) => Self::failed(format!(
                    "No record of {feed} has been delivered since {}: {reason} What to do: look for other clients that use up the quota of these keys, or ask the support of {}.",
                    to_utc_text(wait.since),
                    wait.asked_by
                )),
                None => self,
            },
            _ => self,
        }
    }
}

impl Conclusion {
    /// The same where this machine's clock is so far ahead of Mimecast's that somebody must look. Reading went by
    /// Mimecast's clock; where that is right, nothing is missed.
    pub(in crate::ingest) fn with_clock_ahead(self, ahead: TimeDelta) -> Self {
        if ahead < CLOCK_TOLERANCE {
            return self;
        }
        let told = format!(
            "This machine's clock is {} s ahead of Mimecast's, so records are read up to Mimecast's time only. What to do: have the clock set by a \
             time server; if it is right, something in between answers for Mimecast with an old date",
            ahead.num_seconds()
        );
        let before = self.into_message().map_or_else(String::new, |message| {
            format!("{}. ", message.trim_end_matches('.'))
        });
        Self::failed(format!("{before}{told}."))
    }

    /// The same, with the gaps told. A pass that found one, tried one in vain or gave one up has failed.
    pub(in crate::ingest) fn with_gaps<'a>(
        self,
        feed: Feed,
        gaps: impl Iterator<Item = &'a Gap>,
        counts: &Counts,
    ) -> Self {
        let gaps: Vec<_> = gaps.collect();
        let mut told = Vec::new();
        if counts.lost_gaps > 0 {
            told.push(format!(
                "{feed} gave up {} ranges that were never readable: Mimecast no longer keeps their records, and they are lost",
                counts.lost_gaps
            ));
        }
        if let Some(first) = gaps.first() {
            let more = match gaps.len() - 1 {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            told.push(format!(
                "{feed} has a gap: {}{more} cannot be read since {} ({}){}. What to do: ask the support of Mimecast about that range if it lasts; `mimecast-ttp checkpoint show` lists all gaps",
                first.range,
                to_utc_text(first.since),
                first.reason,
                if self.outcome == Outcome::Complete {
                    ". Everything else is delivered; gaps are read again every hour"
                } else {
                    ""
                }
            ));
        }
        if told.is_empty() {
            return self;
        }
        let outcome = match self.outcome {
            Outcome::Waiting if counts.lost_gaps > 0 => Outcome::Failed,
            Outcome::Complete | Outcome::OutOfTime | Outcome::Stopped
                if counts.new_gaps + counts.lost_gaps > 0 =>
            {
                Outcome::Failed
            }
            outcome => outcome,
        };
        if let Some(message) = self.into_message() {
            told.insert(0, message.trim_end_matches('.').to_owned());
        }
        Self::of(outcome, format!("{}.", told.join(". ")))
    }

    /// The message with what to do.
    pub(in crate::ingest) fn into_message(self) -> Option<String> {
        let message = self.message?;
        Some(escape_hidden(&with_advice(message, self.advice)).into_owned())
    }
}

impl StopReason {
    fn advice(&self) -> Option<&'static str> {
        self.source.as_deref().and_then(StopSource::advice)
    }

    /// What the service answered, without what was made of it.
    fn service_answer(&self) -> Option<String> {
        match self.source.as_deref() {
            Some(StopSource::Service(error)) => {
                error.source().map(|cause| Chain(cause).to_string())
            }
            _ => None,
        }
    }

    /// What was attempted, how often, the causes, and what to do; without its full stop.
    fn sentence(&self, attempted: &str) -> String {
        let Some(source) = self.source.as_deref() else {
            return format!("{attempted} failed");
        };
        let chain = Chain(source);
        let text = match source {
            StopSource::Service(_) | StopSource::Store(_) => format!("{attempted} {chain}"),
            _ if self.is_page_token_refused() => format!("{attempted}: {chain}"),
            _ => format!("{attempted} failed: {chain}"),
        };
        with_advice(text, source.advice())
    }

    const fn is_page_token_refused(&self) -> bool {
        matches!(self.kind, StopKind::PageTokenRefused)
    }

    /// The causes after the service that they are about; without advice, without a full stop.
    pub(in crate::ingest) fn causes(&self) -> String {
        let Some(source) = self.source.as_deref() else {
            return String::new();
        };
        match (self.service, source) {
            (Some(service), StopSource::Service(_)) => format!("{service}: {}", Chain(source)),
            _ => Chain(source).to_string(),
        }
    }
}
