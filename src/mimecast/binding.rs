//! API 1.0: every call is signed with the keys of a binding. One that expired is renewed once for all
//! feeds; where that fails, it fails for all of them.

use std::{
    fmt,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use reqwest::header::{self, HeaderName};
use secrecy::{ExposeSecret, SecretString};
use tracing::{info, warn};

use super::{
    caller::{Caller, UNREACHABLE_ADVICE},
    credentials::{ApplicationKeys, Login},
    decision::{self, Decision, FailureList},
    hmac,
    login::{self, Keys, LOGIN_ADVICE},
    login_guard::LoginGuard,
    wire::{self, Verdict},
};
use crate::{
    ingest::ports::Store,
    model::deadline::Deadline,
    net::{
        http::{Response, TransportError},
        retry::AttemptError,
        token::TokenError,
    },
};

/// The binding, and what renews it.
pub(super) struct Binding {
    caller: Arc<Caller>,
    app_id: String,
    app_key: SecretString,
    login: Option<Login>,
    keys: RwLock<Arc<Keys>>,
    /// How often it was renewed; tells a caller whether someone else has done it meanwhile.
    renewals: AtomicU64,
    /// Held while the binding is renewed.
    guard: tokio::sync::Mutex<LoginGuard>,
}

/// Which state of the binding signed a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BindingVersion(u64);

impl fmt::Debug for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Binding").finish_non_exhaustive()
    }
}

impl Binding {
    pub(super) fn new(caller: Arc<Caller>, keys: ApplicationKeys) -> Self {
        let guard = LoginGuard::new(login::settings_seal(&caller.base, &keys));
        let ApplicationKeys {
            app_id,
            app_key,
            access_key,
            secret_key,
            login,
        } = keys;
        Self {
            caller,
            app_id,
            app_key,
            login,
            keys: RwLock::new(Arc::new(Keys {
                access_key,
                secret_key,
            })),
            renewals: AtomicU64::new(0),
            guard: tokio::sync::Mutex::new(guard),
        }
    }

    /// Lets a refused login be known to later runs.
    pub(super) fn remember_in(&mut self, store: Arc<dyn Store>) {
        self.guard.get_mut().remember_in(store);
    }

    fn keys(&self) -> Arc<Keys> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The headers of a call, with a date and an id of its own.
    pub(super) fn sign(&self, path: &str) -> (Vec<(HeaderName, String)>, BindingVersion) {
        let seen = BindingVersion(self.renewals.load(Ordering::SeqCst));
        let keys = self.keys();
        let date = hmac::header_date(self.caller.clock.now());
        let id = self.caller.random.request_id();
        let signature = hmac::sign(&keys.secret_key, &date, &id, path, &self.app_key);
        let authorization = format!("MC {}:{signature}", keys.access_key.expose_secret());
        (self.headers(authorization, date, id), seen)
    }

    fn headers(
        &self,
        authorization: String,
        date: String,
        id: String,
    ) -> Vec<(HeaderName, String)> {
        let named = HeaderName::from_static;
        vec![
            (header::AUTHORIZATION, authorization),
            (named("x-mc-app-id"), self.app_id.clone()),
            (named("x-mc-date"), date),
            (named("x-mc-req-id"), id),
        ]
    }

    /// Renews the binding, unless another feed has done so since `seen`. `expired` is the error of the call.
    pub(super) async fn renew(
        &self,
        seen: BindingVersion,
        expired: impl AttemptError,
        longest: Duration,
        deadline: Deadline,
    ) -> Result<(), TokenError> {
        let advice = expired.advice();
        let Some(login) = &self.login else {
            return Err(TokenError::refused(expired, advice));
        };
        let asked_at = self.caller.clock.elapsed();
        let mut guard = self.guard.lock().await;
        if self.renewals.load(Ordering::SeqCst) != seen.0 {
            return Ok(());
        }
        let left = || deadline.remaining(self.caller.clock.elapsed());
        // Waiting for the turn has taken its time, and so has the store.
        if left().is_some() {
            guard.permit(asked_at, &self.caller, deadline).await?;
        }
        let Some(time) = left() else {
            return Err(TokenError::unavailable(expired, advice, None));
        };
        match self.log_in(login, time.min(longest)).await {
            Ok(()) => {
                guard.succeeded();
                let _before = self.renewals.fetch_add(1, Ordering::SeqCst);
                info!("The expired Mimecast binding is renewed.");
                Ok(())
            }
            Err(LoginFailure::Refused(answer)) => {
                Err(guard.refused(answer, &self.caller, deadline).await)
            }
            Err(LoginFailure::Other(error)) => Err(guard.failed(error, &self.caller)),
        }
    }

    async fn log_in(&self, login: &Login, time: Duration) -> Result<(), LoginFailure> {
        let keys = self.keys();
        let headers = self.headers(
            login::authorization(login),
            hmac::header_date(self.caller.clock.now()),
            self.caller.random.request_id(),
        );
        let body = wire::renewal_body(&login.email, keys.access_key.expose_secret());
        let response = self
            .caller
            .post(login::PATH, headers, wire::JSON, body, time)
            .await
            .map_err(|error| {
                let wrap = RenewalError::Unreachable;
                let advice = Some(UNREACHABLE_ADVICE);
                LoginFailure::Other(TokenError::unanswered(error, advice, wrap))
            })?;
        let verdict = wire::verdict(&response.body);
        if let Some(failure) = self.login_failure(&response, verdict.as_ref()) {
            return Err(failure);
        }
        if let Some(new) = login::adopted(&response.body, &keys) {
            *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(new);
            warn!(
                "Mimecast returned new keys when the binding was renewed; they are used until this process ends. Create new keys and put them into the settings."
            );
        }
        Ok(())
    }

    /// What the answer to a login says, if it is no success.
    fn login_failure(
        &self,
        response: &Response,
        verdict: Option<&Verdict>,
    ) -> Option<LoginFailure> {
        let summary = self.caller.summary(response, verdict);
        let decision = decision::decide(summary);
        if decision == Decision::Accept {
            return None;
        }
        let status = wire::effective_status(summary.status, verdict);
        // The body of a login is never shown: a successful one holds keys.
        let answer = match verdict {
            Some(verdict) if !verdict.failures.is_empty() => {
                let failures = FailureList(&verdict.failures).to_string();
                format!("{status} {}", response.tell(&failures))
            }
            _ => status.to_string(),
        };
        if decision::refuses_login(summary) {
            return Some(LoginFailure::Refused(answer));
        }
        let error = RenewalError::Refused(answer);
        Some(LoginFailure::Other(match decision {
            Decision::Retry(after) => {
                TokenError::unavailable(error, Some(decision::TEMPORARY_ADVICE), after)
            }
            _ => TokenError::refused(error, Some(login_advice(status, verdict))),
        }))
    }
}

/// What to do where something else than the credentials is wrong.
fn login_advice(status: u16, verdict: Option<&Verdict>) -> &'static str {
    match status {
        403 if decision::is_foreign(verdict) => decision::FIREWALL_ADVICE,
        300..=399 => decision::REDIRECT_ADVICE,
        _ => LOGIN_ADVICE,
    }
}

/// Why a login did not work.
enum LoginFailure {
    /// Its credentials were refused, with that answer.
    Refused(String),
    /// Something else is wrong.
    Other(TokenError),
}

/// Why an expired binding could not be renewed.
#[derive(Debug, thiserror::Error)]
enum RenewalError {
    #[error("the binding has expired and renewing it failed")]
    Unreachable(#[source] TransportError),
    #[error("the binding has expired and renewing it failed: Mimecast answered the login with {0}")]
    Refused(String),
}
