//! What can go wrong with a call for a page, and what to do then.

use std::time::Duration;

use super::{caller::UNREACHABLE_ADVICE, wire::PageError};
use crate::{
    ingest::error::ErrorKind,
    net::{
        http::TransportError,
        retry::{AttemptError, Next},
        token::TokenError,
    },
};

/// What to do where answers do not come whole.
const INCOMPLETE_ADVICE: &str =
    "nothing if it is temporary; if it lasts, check whether a proxy cuts answers off";

/// Waits up to this long are normal pacing, and are not saved for the next run.
const MAX_PACED_WAIT: Duration = Duration::from_secs(60);

/// What went wrong with a call.
#[derive(Debug, thiserror::Error)]
pub(super) enum CallError {
    #[error("Mimecast cannot be reached")]
    Unreachable(#[source] TransportError),
    #[error("the answer of Mimecast was not read to its end")]
    Incomplete(#[source] TransportError),
    #[error("Mimecast answered {status}: {detail}")]
    Refused {
        status: u16,
        detail: String,
        advice: &'static str,
        next: Next,
    },
    #[error("the answer of Mimecast (status {status}) is {description}")]
    NoPage {
        #[source]
        source: PageError,
        status: u16,
        description: String,
        next: Next,
    },
    #[error(transparent)]
    NotAuthorized(TokenError),
    #[error("the authorization was renewed")]
    Renewed,
    #[error("no time was left for the call")]
    NoTimeLeft,
    #[error("the rate limit allows the next call in {} ms only", .0.as_millis())]
    Paced(Duration),
}

impl AttemptError for CallError {
    fn next(&self) -> Next {
        match self {
            Self::Unreachable(TransportError::Certificate(_) | TransportError::Request(_)) => {
                Next::Stop(ErrorKind::Failed)
            }
            Self::Incomplete(TransportError::TooLarge { .. }) => {
                Next::Stop(ErrorKind::PageTooLarge)
            }
            Self::Unreachable(_) | Self::Incomplete(_) | Self::NoTimeLeft => Next::Retry(None),
            Self::Refused { next, .. } | Self::NoPage { next, .. } => next.clone(),
            Self::NotAuthorized(error) => error.next(),
            Self::Renewed => Next::AtOnce,
            Self::Paced(wait) if *wait > MAX_PACED_WAIT => {
                Next::Stop(ErrorKind::Throttled { retry_after: *wait })
            }
            Self::Paced(_) => Next::Stop(ErrorKind::DeadlineExceeded),
        }
    }

    fn advice(&self) -> Option<&'static str> {
        match self {
            Self::Unreachable(error) => error.advice().or(Some(UNREACHABLE_ADVICE)),
            Self::Refused { advice, .. } => Some(advice),
            Self::NotAuthorized(error) => AttemptError::advice(error),
            Self::Incomplete(TransportError::TooLarge { .. })
            | Self::NoPage { .. }
            | Self::Renewed
            | Self::NoTimeLeft
            | Self::Paced(_) => None,
            Self::Incomplete(_) => Some(INCOMPLETE_ADVICE),
        }
    }

    /// A server that fails, or whose answers are no pages or do not come whole, may fail for what lies in
    /// this range only.
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NoPage { .. }
            | Self::Incomplete(_)
            | Self::Unreachable(TransportError::TimedOut { .. } | TransportError::Broken { .. }) => {
                ErrorKind::Unreadable
            }
            Self::Refused {
                status,
                next: Next::Retry(_),
                ..
            } if *status != 429 => ErrorKind::Unreadable,
            _ => ErrorKind::Failed,
        }
    }
}
