//! Mimecast's API 1.0, as far as the three TTP logs need it: the get-logs functions, login, logout
//! and the search for the region; or its API 2.0, see its module `gateway`.
//!
//! API 1.0 checks a call in this order and answers the first thing that is wrong: path (404), verb
//! (405), JSON (400), headers (400), access key and signature (401), clock (401), binding (418),
//! quota (429), application id (200 with a failure), permission (403), fields (200 with a failure).
//! Only the signature and the application id were seen live; the order is unconfirmed. Every answer
//! carries the three rate headers. A repeated `x-mc-req-id` is served, as seen live.
//!
//! A listing is fixed at the call of its first page: what becomes visible later belongs to a later
//! listing. Text is made only of the rows that are returned, so 200,000 records are no burden.

mod answer;
mod bindings;
mod config;
mod date;
mod fault;
mod gateway;
mod get_logs;
mod journal;
mod listing;
mod lockout;
mod login;
mod quota;
mod request;
mod signature;
#[cfg(test)]
mod tests;
mod token;

use std::{fmt, io, sync::Arc};

use axum::{Router, body::Body, extract::State, http};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use tokio::time::Instant;

use self::{
    answer::{Answer, Failure},
    bindings::Bindings,
    fault::Effect,
    gateway::Gateway,
    journal::Journal,
    lockout::Lockout,
    quota::{Quota, Standing},
    request::{Function, Request},
};
pub use self::{
    config::{Api, Config, Quirk},
    fault::Fault,
    journal::Call,
};
use crate::{script::Script, server::Server};

/// The largest request read; a get-logs request has a few hundred bytes.
const MAX_REQUEST_BYTES: usize = 1024 * 1024;

/// A Mimecast on this machine. It stops when this is dropped.
pub struct Simulator {
    server: Server,
    service: Arc<Service>,
}

struct Service {
    config: Config,
    bindings: Bindings,
    lockout: Lockout,
    gateway: Gateway,
    quota: Quota,
    faults: Script<Fault>,
    journal: Journal,
}

impl Simulator {
    /// Serves on `127.0.0.1:port`; port 0 picks a free one. Fails where the port is taken or the
    /// secret key of `config` is not base64.
    pub async fn start(config: Config, port: u16) -> io::Result<Self> {
        let secret = STANDARD
            .decode(&config.secret_key)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        let now = config.clock.now();
        let service = Arc::new(Service {
            bindings: Bindings::new(&config.access_key, secret, config.binding_ttl, now),
            lockout: Lockout::default(),
            gateway: Gateway::default(),
            quota: Quota::new(config.quota_window, config.quota, config.unknown_key_quota),
            faults: Script::default(),
            journal: Journal::new(config.journal_limit),
            config,
        });
        let router = Router::new()
            .fallback(serve)
            .with_state(Arc::clone(&service));
        let server = Server::start(router, port).await?;
        Ok(Self { server, service })
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end.
    #[must_use]
    pub fn base_url(&self) -> String {
        self.server.url()
    }

    /// The faults to come. Scopes are request paths: `/api/ttp/url/get-logs`, `/api/login/login`.
    #[must_use]
    pub fn faults(&self) -> &Script<Fault> {
        &self.service.faults
    }

    /// The latest calls, oldest first: as many as [`Config::journal_limit`] allows.
    #[must_use]
    pub fn journal(&self) -> Vec<Call> {
        self.service.journal.calls()
    }

    /// How many calls of `path` arrived, including faulty ones and those no longer in the journal.
    #[must_use]
    pub fn calls(&self, path: &str) -> u64 {
        self.service.journal.count(path)
    }

    /// How often the service user's account was locked because of failed logins.
    #[must_use]
    pub fn times_locked(&self) -> u64 {
        self.service.lockout.times_locked()
    }

    /// Makes every binding and token expire: calls are answered 418 until a login renews a binding, or
    /// 401 until a new token is used.
    pub fn expire(&self) {
        self.service.bindings.expire_all();
        self.service.gateway.expire_all();
    }
}

// By hand: the configuration holds secrets and the record set is not for printing.
impl fmt::Debug for Simulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulator")
            .field("server", &self.server)
            .field("config", &self.service.config)
            .finish_non_exhaustive()
    }
}

async fn serve(
    State(service): State<Arc<Service>>,
    request: http::Request<Body>,
) -> http::Response<Body> {
    let (parts, body) = request.into_parts();
    // A body that cannot be read whole is no JSON; it is refused as such in its turn.
    let body = axum::body::to_bytes(body, MAX_REQUEST_BYTES)
        .await
        .unwrap_or_default();
    let request = Request::new(parts.method, parts.uri.path(), parts.headers, &body);
    let number = service
        .journal
        .open(request.journal_entry(service.config.clock.now()));
    let key = service.counted_as(&request);
    let standing = service.quota.spend(key.as_deref(), Instant::now());
    let answer = service.meet(&request, standing).await;
    service
        .journal
        .close(number, answer.sent_status(), answer.rows);
    answer.into_response(standing, service.config.clock.now())
}

impl Service {
    /// Under which name the call counts against the quota; `None` for someone unknown.
    fn counted_as(&self, request: &Request) -> Option<String> {
        match self.config.api {
            Api::V1 => request
                .access_key()
                .filter(|key| self.bindings.knows(key))
                .map(str::to_owned),
            Api::V2 => self.gateway.counted_as(request, self.config.clock.now()),
        }
    }

    /// The answer, true or as scripted.
    async fn meet(&self, request: &Request, standing: Standing) -> Answer {
        match self.faults.take(&request.path).map(Fault::effect) {
            Some(Effect::Instead(answer)) => answer,
            Some(Effect::WithToken(answer)) if request.page_token().is_some() => answer,
            Some(Effect::After(time)) => {
                tokio::time::sleep(time).await;
                self.answer(request, standing).await
            }
            Some(Effect::Cut) => self.answer(request, standing).await.cut(),
            Some(Effect::WithToken(_)) | None => self.answer(request, standing).await,
        }
    }

    /// The true answer.
    async fn answer(&self, request: &Request, standing: Standing) -> Answer {
        let now = self.config.clock.now();
        let checked = match self.config.api {
            Api::V1 => self.check(request, standing, now),
            Api::V2 => self.gateway.check(&self.config, request, standing, now),
        };
        let function = match checked {
            Ok(function) => function,
            Err(refusal) => return refusal,
        };
        match function {
            Function::GetLogs(log) => {
                if !self.config.latency.is_zero() {
                    tokio::time::sleep(self.config.latency).await;
                }
                get_logs::answer(&self.config, log, request, now)
            }
            Function::Login => {
                login::login(&self.config, &self.bindings, &self.lockout, request, now)
            }
            Function::Logout => login::logout(&self.bindings, request),
            Function::Discover => login::discover(&self.config, request),
            Function::Token => self.gateway.token(&self.config, request, now),
        }
    }

    /// All checks of API 1.0 except those of the fields, in order. Codes and wording other than those of
    /// the signature, the binding and the application id are unconfirmed.
    fn check(
        &self,
        request: &Request,
        standing: Standing,
        now: DateTime<Utc>,
    ) -> Result<Function, Answer> {
        let refuse = |status, code, message: &str| {
            Err(Answer::fail(status, None, &Failure::new(code, message)))
        };
        let function = Function::at(&request.path);
        let Some(function) = function.filter(|function| *function != Function::Token) else {
            return refuse(404, "err_not_found", "No such function");
        };
        if request.method != http::Method::POST {
            return refuse(
                405,
                "err_method_not_allowed",
                "Functions are called by POST",
            );
        }
        if request.body.is_none() {
            return refuse(400, "err_invalid_json", "The body is not a JSON request");
        }
        let needed = function.needed_headers();
        if let Some(name) = needed.iter().find(|name| request.header(name).is_none()) {
            let message = format!("0001 Credentials missing: no {name} header");
            return refuse(400, "err_xdk_missing_credentials", &message);
        }
        if matches!(function, Function::GetLogs(_) | Function::Logout) {
            self.check_signed(request, now)?;
        }
        if standing.exceeded {
            return Err(Answer::throttled());
        }
        let app_id = request.header("x-mc-app-id").unwrap_or_default();
        if app_id != self.config.app_id {
            let message = format!("App ID is invalid: {app_id}");
            return refuse(200, "err_developer_key", &message);
        }
        match function {
            Function::GetLogs(log) if self.config.forbidden.contains(&log) => {
                let message = "The role does not permit this function";
                refuse(403, "err_xdk_forbidden", message)
            }
            function => Ok(function),
        }
    }

    /// Signature, clock and binding of a signed call.
    fn check_signed(&self, request: &Request, now: DateTime<Utc>) -> Result<(), Answer> {
        let refuse =
            |status, code, message| Err(Answer::fail(status, None, &Failure::new(code, message)));
        let header = |name| request.header(name).unwrap_or_default();
        let date = header("x-mc-date");
        let signed_by = signature::parse_authorization(header("authorization"))
            .and_then(|(key, found)| Some((key, found, self.bindings.secret(key)?)))
            .filter(|(_, found, secret)| {
                let id = header("x-mc-req-id");
                signature::sign(secret, date, id, &request.path, &self.config.app_key) == *found
            });
        let Some((access_key, ..)) = signed_by else {
            return refuse(401, "err_xdk_invalid_signature", "0004 Invalid Signature");
        };
        let in_time = date::parse_header(date).is_some_and(|date| {
            (now - date).abs().to_std().unwrap_or_default() <= self.config.max_clock_skew
        });
        if !in_time {
            let message = "The x-mc-date header is not a time near now";
            return refuse(401, "err_xdk_invalid_date", message);
        }
        if !self.bindings.alive(access_key, now) {
            return refuse(418, "err_xdk_binding_expired", "Access key has expired");
        }
        Ok(())
    }
}
