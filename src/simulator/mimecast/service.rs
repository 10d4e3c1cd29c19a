//! The server: the order of checks, faults, and the way to the answer.

use std::{fmt, io, sync::Arc};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, State as Extract},
    http::{HeaderMap, HeaderValue, Method, Response, Uri, header},
};
use futures_util::{StreamExt, stream};

use super::{
    answer::{Refusal, answer, failure_body},
    checks,
    config::{Config, Fault},
    listing,
    state::{Call, Quota, State},
};
use crate::simulator::{
    log::Log,
    script::Script,
    server::{DropConnection, Server},
};

const LOGIN: &str = "/api/login/login";
const LOGOUT: &str = "/api/login/logout";

/// Seen live for access keys that do not exist: a bucket of their own.
const UNKNOWN_KEY_QUOTA: u32 = 5000;

/// A running Mimecast; stops when dropped.
pub struct Simulator {
    server: Server,
    world: Arc<World>,
}

struct World {
    config: Config,
    state: State,
    faults: Script<Fault>,
}

impl fmt::Debug for Simulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulator")
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}

impl Simulator {
    /// Starts it on `port` of loopback; 0 picks a free one.
    pub async fn start(config: Config, port: u16) -> io::Result<Self> {
        let world = Arc::new(World {
            state: State::new(&config),
            faults: Script::default(),
            config,
        });
        let router = Router::new()
            .fallback(handle)
            .layer(DefaultBodyLimit::max(1024 * 1024))
            .with_state(Arc::clone(&world));
        let server = Server::start(router, port).await?;
        Ok(Self { server, world })
    }

    /// `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn base_url(&self) -> String {
        self.server.url()
    }

    /// What calls meet; the scope is the path.
    #[must_use]
    pub fn faults(&self) -> &Script<Fault> {
        &self.world.faults
    }

    /// The last ten thousand calls.
    #[must_use]
    pub fn journal(&self) -> Vec<Call> {
        self.world.state.journal()
    }

    /// How often a path was called.
    #[must_use]
    pub fn calls(&self, path: &str) -> u64 {
        self.world.state.calls(path)
    }

    /// How many records were answered on a path, repeats included.
    #[must_use]
    pub fn rows(&self, path: &str) -> u64 {
        self.world.state.rows(path)
    }

    /// Lets the binding expire until it is renewed.
    pub fn expire_binding(&self) {
        self.world.state.expire();
    }
}

async fn handle(
    Extract(world): Extract<Arc<World>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let path = uri.path().to_owned();
    let mut rows = 0;
    let mut response = world
        .respond(&method, &uri, &headers, &body, &mut rows)
        .await;
    if let Ok(date) = HeaderValue::from_str(&listing::http_date(world.config.clock.now())) {
        response.headers_mut().insert(header::DATE, date);
    }
    let dropped = response.extensions().get::<DropConnection>().is_some();
    world.state.note(Call {
        at: world.config.clock.now(),
        path,
        request_id: checks::text(&headers, "x-mc-req-id")
            .unwrap_or_default()
            .to_owned(),
        date: checks::text(&headers, "x-mc-date")
            .unwrap_or_default()
            .to_owned(),
        with_token: listing::has_token(&body),
        status: if dropped {
            0
        } else {
            response.status().as_u16()
        },
        rows,
    });
    response
}

impl World {
    async fn respond(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        body: &Bytes,
        rows: &mut usize,
    ) -> Response<Body> {
        let path = uri.path();
        let log = Log::ALL.into_iter().find(|log| log.path() == path);
        if (log.is_none() && path != LOGIN && path != LOGOUT) || uri.query().is_some() {
            return answer(404, "", None);
        }
        if method != Method::POST {
            return answer(405, "", None);
        }
        let fault = self.faults.take(path);
        if serde_json::from_slice::<serde::de::IgnoredAny>(body).is_err() {
            return answer(
                400,
                failure_body(400, "err_invalid_request", "The body is not JSON"),
                None,
            );
        }
        if path == LOGIN {
            return match fault {
                Some(fault) => self.fail(&fault, None),
                None => self.login(headers),
            };
        }
        let quota = match self.check(path, headers) {
            Ok(quota) => quota,
            Err((refusal, quota)) => return refuse(&refusal, quota),
        };
        match fault {
            Some(Fault::Slow(time)) => tokio::time::sleep(time).await,
            Some(Fault::ExpireBinding) => {
                self.state.expire();
                return refuse(&expired(), Some(quota));
            }
            Some(Fault::RefuseToken) if !listing::has_token(body) => {}
            Some(fault) => return self.fail(&fault, Some(quota)),
            None => {}
        }
        tokio::time::sleep(self.config.latency).await;
        match log {
            None => {
                self.state.expire();
                answer(
                    200,
                    r#"{"meta":{"status":200},"data":[],"fail":[]}"#,
                    Some(quota),
                )
            }
            Some(log) if self.config.forbidden.contains(&log) => refuse(
                &Refusal::new(403, "err_xdk_forbidden", "0003 Forbidden"),
                Some(quota),
            ),
            Some(log) => match listing::list(log, body, &self.config) {
                Ok(listed) => {
                    *rows = listed.rows;
                    answer(200, listed.body, Some(quota))
                }
                Err(refusal) => refuse(&refusal, Some(quota)),
            },
        }
    }

    /// Headers, signature, clock, binding, quota, application id, in this order. The order is
    /// unconfirmed save that a wrong signature is a 401 and a wrong application id a 200 with a failure.
    fn check(&self, path: &str, headers: &HeaderMap) -> Result<Quota, (Refusal, Option<Quota>)> {
        let signed = checks::signed(headers).map_err(|refusal| (refusal, None))?;
        let binding = self.state.binding();
        let limit = if signed.access_key == binding.access_key {
            self.config.quota
        } else {
            UNKNOWN_KEY_QUOTA
        };
        let quota = self
            .state
            .use_quota(signed.access_key, limit, self.config.quota_window);
        let refused = |refusal| (refusal, Some(quota));
        checks::signature(&signed, path, &binding, &self.config).map_err(refused)?;
        checks::date(&signed, &self.config).map_err(refused)?;
        if !binding.alive {
            return Err(refused(expired()));
        }
        if quota.used_up {
            return Err(refused(Refusal::new(
                429,
                "err_rate_limit",
                "Rate limit exceeded",
            )));
        }
        if signed.app_id != self.config.app_id {
            let message = format!("App ID is invalid: {}", signed.app_id);
            return Err(refused(Refusal::new(200, "err_developer_key", message)));
        }
        Ok(quota)
    }

    fn login(&self, headers: &HeaderMap) -> Response<Body> {
        if checks::text(headers, "x-mc-app-id") != Some(&self.config.app_id) {
            return refuse(
                &Refusal::new(200, "err_developer_key", "App ID is invalid"),
                None,
            );
        }
        if !checks::login(headers, &self.config) {
            return refuse(
                &Refusal::new(401, "err_xdk_login_failed", "0002 Login failed"),
                None,
            );
        }
        let binding = self.state.renew(self.config.renewal_gives_new_keys);
        let data = serde_json::json!({
            "accessKey": binding.access_key, "secretKey": binding.secret_key, "duration": 43_200_000,
            "bindingType": "one_step", "extendOnValidate": false,
        });
        answer(
            200,
            serde_json::json!({"meta": {"status": 200}, "data": [data], "fail": []}).to_string(),
            None,
        )
    }

    #[expect(clippy::unused_self, reason = "faults may come to need the world")]
    fn fail(&self, fault: &Fault, quota: Option<Quota>) -> Response<Body> {
        match fault {
            Fault::Status(status) => answer(
                *status,
                failure_body(*status, "err_simulated", "Simulated fault"),
                quota,
            ),
            Fault::EmptyBody(status) => answer(*status, "", quota),
            Fault::MetaStatus(status) => {
                let body = format!("{{\"meta\":{{\"status\":{status}}},\"data\":[],\"fail\":[]}}");
                answer(200, body, quota)
            }
            Fault::FailCode(code) => {
                answer(200, failure_body(200, code, "Simulated failure"), quota)
            }
            Fault::Throttled { reset_ms } => {
                let mut response =
                    answer(429, r#"{"meta":{"status":429},"data":[],"fail":[]}"#, quota);
                response
                    .headers_mut()
                    .insert("x-ratelimit-reset", (*reset_ms).into());
                response
            }
            Fault::NotJson => answer(200, "<html><body>Proxy error</body></html>", quota),
            Fault::Truncated => {
                let begin = Bytes::from_static(
                    b"{\"meta\":{\"status\":200},\"data\":[{\"clickLogs\":[{\"url\":\"https://exa",
                );
                let parts = stream::iter([
                    Ok(begin),
                    Err(io::Error::from(io::ErrorKind::ConnectionReset)),
                ]);
                answer(200, Body::from_stream(parts), quota)
            }
            Fault::Huge(bytes) => {
                let chunk = Bytes::from(vec![b' '; 64 * 1024]);
                let chunks = stream::repeat(chunk)
                    .take(bytes.div_ceil(64 * 1024))
                    .map(Ok::<_, io::Error>);
                answer(200, Body::from_stream(chunks), quota)
            }
            Fault::OtherShape => answer(
                200,
                r#"{"meta":{"status":200},"data":{"clickLogs":"none"},"fail":[]}"#,
                quota,
            ),
            Fault::RefuseToken => answer(
                200,
                failure_body(
                    200,
                    "err_validation_invalid_page_token",
                    "Invalid page token",
                ),
                quota,
            ),
            Fault::DropConnection => {
                let mut response = answer(500, "", quota);
                response.extensions_mut().insert(DropConnection);
                response
            }
            // These two are met before.
            Fault::Slow(_) | Fault::ExpireBinding => answer(500, "", quota),
        }
    }
}

fn refuse(refusal: &Refusal, quota: Option<Quota>) -> Response<Body> {
    answer(
        refusal.status,
        failure_body(refusal.status, refusal.code, &refusal.message),
        quota,
    )
}

fn expired() -> Refusal {
    Refusal::new(418, "err_xdk_binding_expired", "Binding Expired")
}
