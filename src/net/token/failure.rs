//! Why there is no token, and who is told.

use std::{error::Error, fmt, sync::Arc, time::Duration};

use super::RENEW_RETRY_INTERVAL;
use crate::{
    ingest::error::{Cause, ErrorKind, Explain},
    net::{
        http::TransportError,
        retry::{AttemptError, Next},
    },
};

/// Whoever asks this soon after a failure came just too late to wait for it. Shorter than any wait between
/// two attempts, so that nobody meets their own failure again.
const SHARED_FOR: Duration = Duration::from_millis(200);

/// Why there is no token. It reads like its cause. Clones are for those who share a failure.
#[derive(Debug, Clone)]
pub struct TokenError {
    source: Arc<dyn Error + Send + Sync>,
    advice: Option<&'static str>,
    next: Next,
}

impl TokenError {
    /// Asking again does not help.
    pub fn refused(source: impl Into<Cause>, advice: Option<&'static str>) -> Self {
        Self::new(source.into(), advice, Next::Stop(ErrorKind::Failed))
    }

    /// It may work another time, not before `after` where the issuer said so.
    pub fn unavailable(
        source: impl Into<Cause>,
        advice: Option<&'static str>,
        after: Option<Duration>,
    ) -> Self {
        Self::new(source.into(), advice, Next::Retry(after))
    }

    fn new(source: Cause, advice: Option<&'static str>, next: Next) -> Self {
        Self {
            source: Arc::from(source),
            advice,
            next,
        }
    }

    /// The issuer gave no answer; `wrap` says so in the words of its caller. It may work another time,
    /// unless the issuer's certificate is not accepted.
    pub fn unanswered<E: Into<Cause>>(
        error: TransportError,
        advice: Option<&'static str>,
        wrap: impl FnOnce(TransportError) -> E,
    ) -> Self {
        let advice = error.advice().or(advice);
        if matches!(error, TransportError::Certificate(_)) {
            Self::refused(wrap(error), advice)
        } else {
            Self::unavailable(wrap(error), advice, None)
        }
    }

    /// Whether it may work another time.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(self.next, Next::Retry(_))
    }
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&*self.source, f)
    }
}

impl Error for TokenError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        (*self.source).source()
    }
}

impl Explain for TokenError {
    fn advice(&self) -> Option<&'static str> {
        self.advice
    }
}

impl AttemptError for TokenError {
    fn next(&self) -> Next {
        self.next.clone()
    }

    fn advice(&self) -> Option<&'static str> {
        self.advice
    }
}

/// A failure, for those who waited for it, and for those who ask again before that can help.
#[derive(Debug)]
pub struct SharedFailure {
    error: TokenError,
    until: Duration,
}

impl SharedFailure {
    /// The failure of `now`, for as long as its error tells: a moment, the wait that the issuer asks
    /// for, or half a minute where asking again does not help.
    #[must_use]
    pub fn new(error: &TokenError, now: Duration) -> Self {
        let time = match error.next {
            Next::Retry(after) => after
                .unwrap_or_default()
                .clamp(SHARED_FOR, RENEW_RETRY_INTERVAL),
            Next::AtOnce | Next::Stop(_) => RENEW_RETRY_INTERVAL,
        };
        Self::lasting(error, now, time)
    }

    /// The failure of `now`, for that long.
    #[must_use]
    pub fn lasting(error: &TokenError, now: Duration, time: Duration) -> Self {
        Self {
            error: error.clone(),
            until: now.saturating_add(time),
        }
    }

    /// Its error, for someone who asked at `asked_at`, if it is theirs too.
    #[must_use]
    pub fn for_asker(&self, asked_at: Duration) -> Option<TokenError> {
        (asked_at < self.until).then(|| self.error.clone())
    }
}
