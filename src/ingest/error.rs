//! Why a service or the store did not do what it was asked.
//!
//! An error keeps its cause as `source()` and answers what its caller has to decide: whether to try
//! again, when, whether anything was saved. What an operator can do about it is [`Explain::advice`] and no
//! part of the text.

use std::{error::Error, fmt, time::Duration};

use crate::model::checkpoint::Service;

/// The cause of an error, already free of secrets.
pub type Cause = Box<dyn Error + Send + Sync>;

/// An error that an operator may have to act on.
pub trait Explain: Error {
    /// What to do about it, as the end of a sentence.
    fn advice(&self) -> Option<&'static str>;

    /// The error with its causes, and what to do; a sentence without its full stop.
    fn explain(&self) -> String
    where
        Self: Sized,
    {
        with_advice(Chain(self).to_string(), self.advice())
    }
}

/// A text and what to do.
pub(in crate::ingest) fn with_advice(text: String, advice: Option<&str>) -> String {
    match advice {
        Some(advice) => format!("{text}. What to do: {advice}"),
        None => text,
    }
}

/// An error with its causes in one line, each said once.
#[derive(Debug, Clone, Copy)]
pub struct Chain<'a>(pub &'a dyn Error);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = self.0.to_string();
        let mut next = self.0.source();
        while let Some(cause) = next {
            let cause_text = cause.to_string();
            if !text.contains(&cause_text) {
                text.push_str(": ");
                text.push_str(&cause_text);
            }
            next = cause.source();
        }
        f.write_str(&text)
    }
}

/// What kind of failure a [`ServiceError`] is: each kind leads to something else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ErrorKind {
    /// The service no longer knows the page token: the range must be read again from what is delivered.
    PageTokenRefused,
    /// The page is larger than any that is read: one with fewer records may fit.
    PageTooLarge,
    /// The content is too large, or a row in it cannot be read: a part of it may be accepted.
    ContentRejected(Rejection),
    /// The deadline came first; nothing is wrong.
    DeadlineExceeded,
    /// The pass was asked to end; nothing is wrong.
    Stopped,
    /// This machine's clock is ahead of the service's: ranges must be made anew.
    ClockAhead,
    /// The service asks for a longer wait than the deadline leaves.
    Throttled {
        /// The wait that it asks for.
        retry_after: Duration,
    },
    /// The answer for this range is of no use, time and again. Another range may be answered well.
    Unreadable,
    /// It does not work without someone doing something, or not now.
    Failed,
}

/// What a service said when it rejected some content for good.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rejection {
    /// The HTTP status, where there was an answer.
    pub status: Option<u16>,
    /// The service's own name for the request, for its support.
    pub request_id: Option<String>,
}

/// Why a service did not do what it was asked.
#[derive(Debug)]
pub struct ServiceError {
    service: Service,
    kind: ErrorKind,
    attempts: u32,
    spent: Duration,
    advice: Option<&'static str>,
    source: Option<Cause>,
}

impl ServiceError {
    /// An error of that kind, after one attempt that took no time.
    #[must_use]
    pub const fn new(service: Service, kind: ErrorKind) -> Self {
        Self {
            service,
            kind,
            attempts: 1,
            spent: Duration::ZERO,
            advice: None,
            source: None,
        }
    }

    /// The same with its cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Cause>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The same with what to do about it.
    #[must_use]
    pub const fn with_advice(mut self, advice: Option<&'static str>) -> Self {
        self.advice = advice;
        self
    }

    /// The same after so many attempts in that time.
    #[must_use]
    pub const fn after(mut self, attempts: u32, spent: Duration) -> Self {
        self.attempts = attempts;
        self.spent = spent;
        self
    }

    /// The service.
    #[must_use]
    pub const fn service(&self) -> Service {
        self.service
    }

    /// What kind of failure it is.
    #[must_use]
    pub const fn kind(&self) -> &ErrorKind {
        &self.kind
    }

    /// How many requests were made.
    #[must_use]
    pub const fn attempts(&self) -> u32 {
        self.attempts
    }

    /// How long the service asks to be left alone, where it does.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self.kind {
            ErrorKind::Throttled { retry_after } => Some(retry_after),
            _ => None,
        }
    }
}

impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ErrorKind::PageTokenRefused => f.write_str("the page token was refused"),
            ErrorKind::ContentRejected(_) => f.write_str("the content was rejected"),
            ErrorKind::DeadlineExceeded if self.source.is_some() => {
                f.write_str("run budget exhausted after")
            }
            ErrorKind::DeadlineExceeded => f.write_str("run budget exhausted"),
            ErrorKind::Stopped => f.write_str("the run was asked to end"),
            ErrorKind::ClockAhead => {
                write!(f, "this machine's clock is ahead of {}'s", self.service)
            }
            ErrorKind::Throttled { retry_after } => write!(
                f,
                "rate limited by {}: retry after {} s",
                self.service,
                retry_after.as_secs()
            ),
            ErrorKind::Unreadable | ErrorKind::Failed if self.attempts > 1 => write!(
                f,
                "failed after {} attempts in {:.1} s",
                self.attempts,
                self.spent.as_secs_f64()
            ),
            ErrorKind::PageTooLarge | ErrorKind::Unreadable | ErrorKind::Failed => {
                f.write_str("failed")
            }
        }
    }
}

impl Error for ServiceError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

impl Explain for ServiceError {
    fn advice(&self) -> Option<&'static str> {
        self.advice
    }

    /// That one attempt failed is said by its cause.
    fn explain(&self) -> String {
        let text = match (&self.kind, &self.source) {
            (
                ErrorKind::Failed
                | ErrorKind::Unreadable
                | ErrorKind::PageTooLarge
                | ErrorKind::ContentRejected(_),
                Some(source),
            ) if self.attempts <= 1 => Chain(&**source).to_string(),
            _ => Chain(self).to_string(),
        };
        with_advice(text, self.advice)
    }
}

/// Why a store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Someone else has written since the content was read: they go on, this one stops.
    #[error("another run has saved its progress meanwhile")]
    Conflict,
    /// It failed, and nothing was changed.
    #[error("failed")]
    Determinate(#[source] StoreFailure),
    /// It failed, and whether something was changed is unknown: the content may be saved.
    #[error("was not confirmed")]
    Indeterminate(#[source] StoreFailure),
}

/// What went wrong in a store.
#[derive(Debug)]
pub struct StoreFailure {
    source: Cause,
    advice: Option<&'static str>,
}

impl StoreFailure {
    /// A failure with what to do about it.
    #[must_use]
    pub fn new(source: impl Into<Cause>, advice: Option<&'static str>) -> Self {
        Self {
            source: source.into(),
            advice,
        }
    }
}

impl fmt::Display for StoreFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}

impl Error for StoreFailure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.source()
    }
}

impl Explain for StoreError {
    fn advice(&self) -> Option<&'static str> {
        match self {
            Self::Conflict => None,
            Self::Determinate(failure) | Self::Indeterminate(failure) => failure.advice,
        }
    }

    fn explain(&self) -> String {
        let text = match self {
            Self::Determinate(failure) => Chain(failure).to_string(),
            Self::Conflict | Self::Indeterminate(_) => Chain(self).to_string(),
        };
        with_advice(text, self.advice())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("Mimecast answered 503")]
    struct Answered(#[source] std::io::Error);

    #[test]
    fn an_explanation_says_how_often_why_and_what_to_do() {
        let cause = Answered(std::io::Error::other("busy"));
        let error = ServiceError::new(Service::Mimecast, ErrorKind::Failed)
            .with_source(cause)
            .with_advice(Some("wait"))
            .after(5, Duration::from_millis(7500));
        assert_eq!(
            error.explain(),
            "failed after 5 attempts in 7.5 s: Mimecast answered 503: busy. What to do: wait"
        );
    }

    #[test]
    fn a_cause_that_repeats_its_error_is_said_once() {
        let failure = StoreFailure::new(Answered(std::io::Error::other("busy")), None);
        let error = StoreError::Determinate(failure);
        assert_eq!(error.explain(), "Mimecast answered 503: busy");
    }
}
