//! API 1.0: every call is signed with the keys of a binding. One that expired is renewed once for all
//! feeds.

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
    caller::Caller,
    credentials::{ApplicationKeys, Login},
    decision::{self, Decision, FailureList},
    hmac,
    login::{self, Keys},
    wire,
};
use crate::{
    model::deadline::Deadline,
    net::{http::TransportError, retry::AttemptError, token::TokenError},
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
    renewing: tokio::sync::Mutex<()>,
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
            renewing: tokio::sync::Mutex::new(()),
        }
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
        let _turn = self.renewing.lock().await;
        if self.renewals.load(Ordering::SeqCst) != seen.0 {
            return Ok(());
        }
        // Waiting for the turn has taken its time.
        let Some(left) = deadline.remaining(self.caller.clock.elapsed()) else {
            return Err(TokenError::unavailable(expired, advice, None));
        };
        self.log_in(login, left.min(longest)).await?;
        let _before = self.renewals.fetch_add(1, Ordering::SeqCst);
        info!("The expired Mimecast binding is renewed.");
        Ok(())
    }

    async fn log_in(&self, login: &Login, time: Duration) -> Result<(), TokenError> {
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
                TokenError::unavailable(RenewalError::Unreachable(error), None, None)
            })?;
        let verdict = wire::verdict(&response.body);
        let decision = decision::decide(self.caller.summary(&response, verdict.as_ref()));
        if decision != Decision::Accept {
            // The body of a login is never shown: a successful one holds keys.
            let error = RenewalError::Refused {
                status: response.status.as_u16(),
                detail: verdict.map_or_else(String::new, |verdict| {
                    FailureList(&verdict.failures).to_string()
                }),
            };
            return Err(match decision {
                Decision::Retry(after) => TokenError::unavailable(error, Some(LOGIN_ADVICE), after),
                _ => TokenError::refused(error, Some(LOGIN_ADVICE)),
            });
        }
        if let Some(new) = login::adopted(&response.body, &keys) {
            *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(new);
            warn!(
                "Mimecast returned new keys when the binding was renewed; they are used until this process ends. Create new keys and put them into the settings."
            );
        }
        Ok(())
    }
}

const LOGIN_ADVICE: &str =
    "check mimecast_email and mimecast_password (the cloud password), or create new keys";

/// Why an expired binding could not be renewed.
#[derive(Debug, thiserror::Error)]
enum RenewalError {
    #[error("the binding has expired and renewing it failed")]
    Unreachable(#[source] TransportError),
    #[error(
        "the binding has expired and renewing it failed: Mimecast answered the login with {status} {detail}"
    )]
    Refused { status: u16, detail: String },
}
