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
    decision::{self, Decision, Words},
    hmac,
    login::{self, Keys},
    wire,
};
use crate::{model::deadline::Deadline, net::token::NoToken};

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
pub(super) struct Seen(u64);

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
    pub(super) fn sign(&self, path: &str) -> (Vec<(HeaderName, String)>, Seen) {
        let seen = Seen(self.renewals.load(Ordering::SeqCst));
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

    /// Renews the binding, unless another feed has done so since `seen`. `expired` is what was answered
    /// to the call.
    pub(super) async fn renew(
        &self,
        seen: Seen,
        expired: impl fmt::Display,
        longest: Duration,
        deadline: Deadline,
    ) -> Result<(), NoToken> {
        let Some(login) = &self.login else {
            return Err(NoToken::Refused(expired.to_string()));
        };
        let _turn = self.renewing.lock().await;
        if self.renewals.load(Ordering::SeqCst) != seen.0 {
            return Ok(());
        }
        // Waiting for the turn has taken its time.
        let Some(left) = deadline.remaining(self.caller.clock.elapsed()) else {
            return Err(not_now(expired.to_string(), None));
        };
        let keys = self.keys();
        let headers = self.headers(
            login::authorization(login),
            hmac::header_date(self.caller.clock.now()),
            self.caller.random.request_id(),
        );
        let body = wire::renewal_body(&login.email, keys.access_key.expose_secret());
        let time = left.min(longest);
        let answer = self
            .caller
            .post(login::PATH, headers, wire::JSON, body, time)
            .await
            .map_err(|error| not_now(failed(&error), None))?;
        let verdict = wire::verdict(&answer.body);
        match decision::decide(self.caller.said(&answer, verdict.as_ref())) {
            Decision::Accept => {}
            // The body of a login is never shown: a successful one holds keys.
            decision => {
                let words = verdict
                    .map_or_else(String::new, |verdict| Words(&verdict.failures).to_string());
                let cause = failed(&format_args!(
                    "the login was answered {} {words}. What to do: check mimecast_email and mimecast_password (the cloud password), or create new keys",
                    answer.status.as_u16()
                ));
                return Err(match decision {
                    Decision::Retry(after) => not_now(cause, after),
                    _ => NoToken::Refused(cause),
                });
            }
        }
        if let Some(new) = login::adopted(&answer.body, &keys) {
            *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(new);
            warn!(
                "Mimecast answered new keys on renewal; they are used until this process ends. Put new keys into the settings."
            );
        }
        let _before = self.renewals.fetch_add(1, Ordering::SeqCst);
        info!("The expired Mimecast binding is renewed.");
        Ok(())
    }
}

fn failed(cause: &dyn fmt::Display) -> String {
    format!("the binding has expired and renewing it failed: {cause}")
}

fn not_now(cause: String, after: Option<Duration>) -> NoToken {
    NoToken::NotNow { cause, after }
}
