//! Keeps a wrong password from locking the account.
//!
//! Mimecast locks an account for a quarter of an hour after five failed logins, unless its administrator
//! has set something else (support page "Password Complexity and Expiration"). So a refused login is
//! remembered, in this process for all feeds and in the store for the runs to come, and none follows for
//! half an hour or until the settings change. A store that fails prevents no login.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use tracing::warn;

use super::{caller::Caller, login::LOGIN_ADVICE};
use crate::{
    ingest::{
        error::{Explain, StoreError},
        ports::Store,
    },
    model::{deadline::Deadline, event_time, store_key::StoreKey},
    net::token::{SharedFailure, TokenError},
};

/// Twice as long as Mimecast locks an account. How long it counts failed logins together is not documented.
const PAUSE: TimeDelta = TimeDelta::minutes(30);

/// A store holds up a login for no longer than this.
const STORE_TIMEOUT: Duration = Duration::from_secs(10);

/// After two logins that failed for other reasons, the next one is this much later. What became of a
/// login whose answer was lost is unknown: it may count as a failed one.
const FAILED_TWICE_PAUSE: Duration = Duration::from_secs(60);

/// What the first member of our text says.
const KIND: &str = "mimecast-ttp refused login";
/// Grows with every change that an older program could misread.
const VERSION: u32 = 1;

/// A login that Mimecast refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct RefusedLogin {
    kind: String,
    version: u32,
    refused_at: DateTime<Utc>,
    next_login_at: DateTime<Utc>,
    /// The settings that it was made with, see `login::settings_seal`.
    settings: String,
    /// What Mimecast answered.
    answer: String,
}

impl RefusedLogin {
    fn new(refused_at: DateTime<Utc>, settings: &str, answer: String) -> Self {
        // The text holds whole seconds.
        let refused_at = refused_at.trunc_subsecs(0);
        Self {
            kind: KIND.to_owned(),
            version: VERSION,
            refused_at,
            next_login_at: refused_at + PAUSE,
            settings: settings.to_owned(),
            answer,
        }
    }

    /// Reads what is saved; nothing where that is not ours.
    fn read(text: &[u8]) -> Option<Self> {
        serde_json::from_slice(text)
            .ok()
            .filter(|read: &Self| read.kind == KIND && read.version <= VERSION)
    }

    /// Whether no login may follow at `now`. One that ends later than any pause was saved while this
    /// machine's clock was wrong.
    fn holds_at(&self, now: DateTime<Utc>) -> bool {
        let left = self.next_login_at - now;
        left > TimeDelta::zero() && left <= PAUSE
    }

    fn error(&self) -> TokenError {
        let error = RefusedLoginError {
            refused_at: event_time::to_utc_text(self.refused_at),
            next_login_at: event_time::to_utc_text(self.next_login_at),
            answer: self.answer.clone(),
        };
        TokenError::refused(error, Some(LOGIN_ADVICE))
    }
}

/// Why no login is tried.
#[derive(Debug, thiserror::Error)]
#[error(
    "the binding has expired, and the login with mimecast_email and mimecast_password was refused at {refused_at} with {answer}; no login is tried before {next_login_at} unless the settings change, since Mimecast locks an account after five failed logins"
)]
struct RefusedLoginError {
    refused_at: String,
    next_login_at: String,
    answer: String,
}

/// Knows whether a login may be tried.
pub(super) struct LoginGuard {
    store: Option<Arc<dyn Store>>,
    /// Tells these settings from others.
    settings: String,
    refused: Option<RefusedLogin>,
    failed: Option<SharedFailure>,
    failures_in_a_row: u32,
}

impl LoginGuard {
    /// Remembers in this process alone. `settings` stands for the settings that a login is made with.
    pub(super) fn new(settings: String) -> Self {
        Self {
            store: None,
            settings,
            refused: None,
            failed: None,
            failures_in_a_row: 0,
        }
    }

    /// Remembers in `store` too.
    pub(super) fn remember_in(&mut self, store: Arc<dyn Store>) {
        self.store = Some(store);
    }

    /// An error where a login would be one too many. `asked_at` is when the caller began to wait for its
    /// turn.
    pub(super) async fn permit(
        &mut self,
        asked_at: Duration,
        caller: &Caller,
        deadline: Deadline,
    ) -> Result<(), TokenError> {
        let (now, elapsed) = (caller.clock.now(), caller.clock.elapsed());
        let shared = self.failed.as_ref();
        if let Some(error) = shared.and_then(|failed| failed.for_asker(asked_at)) {
            return Err(error);
        }
        let holds = |refused: &RefusedLogin| refused.holds_at(now);
        if !self.refused.as_ref().is_some_and(holds) {
            let saved = self.saved(store_deadline(elapsed, deadline)).await;
            self.refused = saved.filter(holds);
        }
        match &self.refused {
            Some(refused) => Err(refused.error()),
            None => Ok(()),
        }
    }

    /// The refused login in the store, if it was made with these settings.
    async fn saved(&self, deadline: Deadline) -> Option<RefusedLogin> {
        let store = self.store.as_ref()?;
        match store.load(StoreKey::RefusedLogin, deadline).await {
            Ok(saved) => saved
                .content
                .as_deref()
                .and_then(RefusedLogin::read)
                .filter(|refused| refused.settings == self.settings),
            Err(error) => {
                warn!(
                    reason = error.explain(),
                    "Whether an earlier run's login was refused cannot be read; a login is tried."
                );
                None
            }
        }
    }

    /// Mimecast refused the login with that answer. Remembers it, and gives the error that says so.
    pub(super) async fn refused(
        &mut self,
        answer: String,
        caller: &Caller,
        deadline: Deadline,
    ) -> TokenError {
        let refused = RefusedLogin::new(caller.clock.now(), &self.settings, answer);
        let deadline = store_deadline(caller.clock.elapsed(), deadline);
        if let Err(error) = self.save(&refused, deadline).await {
            warn!(
                reason = error.explain(),
                "That the login was refused could not be saved; a restarted program will try it again."
            );
        }
        let error = refused.error();
        self.refused = Some(refused);
        error
    }

    async fn save(&self, refused: &RefusedLogin, deadline: Deadline) -> Result<(), StoreError> {
        let (Some(store), Ok(content)) = (&self.store, serde_json::to_vec(refused)) else {
            return Ok(());
        };
        let key = StoreKey::RefusedLogin;
        let before = store.load(key, deadline).await?.version;
        match store.save(key, &content, &before, deadline).await {
            // Another run was refused too, and has saved that.
            Ok(_) | Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The login failed for another reason than its credentials. Gives the error back.
    pub(super) fn failed(&mut self, error: TokenError, caller: &Caller) -> TokenError {
        let elapsed = caller.clock.elapsed();
        self.failures_in_a_row = self.failures_in_a_row.saturating_add(1);
        self.failed = Some(if self.failures_in_a_row == 1 {
            SharedFailure::new(&error, elapsed)
        } else {
            SharedFailure::lasting(&error, elapsed, FAILED_TWICE_PAUSE)
        });
        error
    }

    /// The login worked.
    pub(super) fn succeeded(&mut self) {
        self.refused = None;
        self.failed = None;
        self.failures_in_a_row = 0;
    }
}

fn store_deadline(elapsed: Duration, deadline: Deadline) -> Deadline {
    deadline.min(Deadline::after(elapsed, STORE_TIMEOUT))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        event_time::parse(text).unwrap()
    }

    fn refused() -> RefusedLogin {
        let answer = "401 err_xdk_invalid_credentials".to_owned();
        RefusedLogin::new(at("2026-03-02T08:00:00.700Z"), "seal", answer)
    }

    #[test]
    fn a_refused_login_holds_for_half_an_hour_and_no_longer_whatever_the_clock_does() {
        for (now, holds) in [
            ("2026-03-02T08:00:00Z", true),
            ("2026-03-02T08:29:59Z", true),
            ("2026-03-02T08:30:00Z", false),
            ("2026-03-03T08:00:00Z", false),
            ("2026-03-02T07:59:59Z", false),
            ("2020-01-01T00:00:00Z", false),
        ] {
            assert_eq!(refused().holds_at(at(now)), holds, "{now}");
        }
    }

    #[test]
    fn what_is_saved_is_read_back_and_nothing_else_is() {
        let text = serde_json::to_string(&refused()).unwrap();
        assert_eq!(RefusedLogin::read(text.as_bytes()), Some(refused()));
        for other in [
            "",
            "[]",
            "2026-03-02T08:00:00Z",
            text.replace(KIND, "mimecast-ttp checkpoint").as_str(),
            text.replace("\"version\":1", "\"version\":2").as_str(),
            text.replace("2026", "later").as_str(),
        ] {
            assert_eq!(RefusedLogin::read(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn the_message_says_when_why_and_until_when() {
        assert_eq!(
            refused().error().to_string(),
            "the binding has expired, and the login with mimecast_email and mimecast_password was refused at 2026-03-02T08:00:00Z with 401 err_xdk_invalid_credentials; no login is tried before 2026-03-02T08:30:00Z unless the settings change, since Mimecast locks an account after five failed logins"
        );
    }
}
