//! What can go wrong with one post.

use super::api::ErrorDetails;
use crate::{
    ingest::error::{ErrorKind, Rejection},
    net::{
        http::{Response, TransportError},
        retry::{AttemptError, Next},
        token::TokenError,
    },
};

/// What went wrong with a post.
#[derive(Debug, thiserror::Error)]
pub(super) enum PostError {
    #[error("{}", if .source.status().is_some() {
        "the answer of Log Analytics was not read to its end"
    } else {
        "Log Analytics cannot be reached"
    })]
    Unreachable {
        source: TransportError,
        advice: &'static str,
        may_be_too_large: bool,
    },
    #[error(
        "Log Analytics answered {status} {detail} to {rows} row{plural} ({bytes} bytes, request id {})",
        .request_id.as_deref().unwrap_or("none"),
        plural = if *.rows == 1 { "" } else { "s" }
    )]
    Refused {
        status: u16,
        detail: String,
        rows: usize,
        bytes: usize,
        request_id: Option<String>,
        advice: &'static str,
        next: Next,
    },
    #[error(transparent)]
    NotAuthorized(TokenError),
    #[error("the authorization was renewed")]
    Renewed,
    #[error("no time was left for the post")]
    NoTimeLeft,
}

impl AttemptError for PostError {
    fn next(&self) -> Next {
        match self {
            Self::Unreachable {
                source:
                    TransportError::Certificate(_)
                    | TransportError::Request(_)
                    | TransportError::TooLarge { .. },
                ..
            } => Next::Stop(ErrorKind::Failed),
            Self::Unreachable { .. } | Self::NoTimeLeft => Next::Retry(None),
            Self::Refused { next, .. } => next.clone(),
            Self::NotAuthorized(error) => error.next(),
            Self::Renewed => Next::AtOnce,
        }
    }

    fn advice(&self) -> Option<&'static str> {
        match self {
            Self::Unreachable { advice, .. } | Self::Refused { advice, .. } => Some(advice),
            Self::NotAuthorized(error) => AttemptError::advice(error),
            Self::Renewed | Self::NoTimeLeft => None,
        }
    }

    /// Where the connection broke each time and the body is large enough to be cut off for it, the
    /// content is held to be at fault.
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Unreachable {
                source: TransportError::Broken { .. },
                may_be_too_large: true,
                ..
            } => ErrorKind::ContentRejected(Rejection::default()),
            _ => ErrorKind::Failed,
        }
    }
}

impl ErrorDetails {
    /// In the service's own words, or the beginning of its body.
    pub(super) fn describe(&self, response: &Response) -> String {
        if self.code.is_empty() {
            format!("`{}`", response.excerpt())
        } else {
            response.tell(&format!("{} ({})", self.code, self.message))
        }
    }
}
