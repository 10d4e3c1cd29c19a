//! Bearer tokens that a simulator has given out.

use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use axum::http::{HeaderMap, header};
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// The tokens and when they end.
#[derive(Default)]
pub(super) struct GivenTokens(Mutex<HashMap<String, DateTime<Utc>>>);

/// Whether the token of a call is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    /// It is valid.
    Good,
    /// It has ended.
    Over,
    /// There is none, or it was given out by somebody else.
    Unknown,
}

// By hand: tokens stay out of sight.
impl fmt::Debug for GivenTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GivenTokens").finish_non_exhaustive()
    }
}

impl GivenTokens {
    /// A new token that lives until `ends`.
    pub(super) fn give(&self, ends: DateTime<Utc>) -> String {
        let token = format!("simulated-token-{}", Uuid::new_v4());
        let _none = self.lock().insert(token.clone(), ends);
        token
    }

    /// Whether the token in the `Authorization` header is valid at `now`.
    pub(super) fn life(&self, headers: &HeaderMap, now: DateTime<Utc>) -> Life {
        let header = headers.get(header::AUTHORIZATION);
        let token = header.and_then(|header| header.to_str().ok()?.strip_prefix("Bearer "));
        match token.and_then(|token| self.lock().get(token).copied()) {
            None => Life::Unknown,
            Some(ends) if ends > now => Life::Good,
            Some(_) => Life::Over,
        }
    }

    /// Ends every token.
    pub(super) fn expire_all(&self) {
        for ends in self.lock().values_mut() {
            *ends = DateTime::UNIX_EPOCH;
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, DateTime<Utc>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
