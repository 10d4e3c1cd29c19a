//! The Logs Ingestion API, with the places where its tokens come from.
//!
//! A post is checked in this order: path and method (404), api-version (400), token (401), role and
//! rule (403), stream (404), length (413), body (500 where there is none), gzip (400), length once
//! unpacked (413), JSON (400). In which order the real service checks is unconfirmed, and that it
//! refuses malformed JSON too: it has been seen to answer 204 and drop it, which a client must not count
//! on. Of an accepted post every row is stored, but for those to which the rule gives no time.

mod config;
mod rule;
mod table;
mod tokens;
mod transform;
mod typing;
mod value;

use std::{
    io::{self, Read},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header},
};
use flate2::read::GzDecoder;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use self::tokens::Issuers;
pub use self::{config::Config, rule::Rule};
use super::{json as exact, rows::StoredRow};
use crate::simulator::{script::Script, server::DropConnection, server::Server};

/// The longest body, packed or not. Observed for the packed one; the documented limit is for both, and
/// what is longer once unpacked has been seen to be dropped behind a 204: the stricter reading.
const MAX_BYTES: usize = 1_048_576;

/// The service on loopback. It stops when this is dropped.
#[derive(Debug)]
pub struct LogsIngestion {
    server: Server,
    world: Arc<World>,
}

/// What can go wrong on purpose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// This status, before anything is checked.
    Status(u16),
    /// 429 with this `Retry-After`: seconds, or a date.
    Throttled(String),
    /// As for a body above the limit.
    TooLarge,
    /// The connection is closed; nothing is stored.
    DropBeforeStoring,
    /// The post is stored, then the connection is closed.
    StoreThenDrop,
    /// The post waits so long, in real time, and goes on as usual.
    Slow(Duration),
}

/// What is remembered of one post to a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Post {
    /// The stream.
    pub stream: String,
    /// The length of the body as it was sent.
    pub bytes: usize,
    /// How many of its rows were stored, whatever the answer was.
    pub rows: usize,
    /// The status of the answer; `None` where the connection was closed instead.
    pub status: Option<u16>,
}

#[derive(Debug)]
struct World {
    config: Config,
    issuers: Issuers,
    faults: Script<Fault>,
    arrived: AtomicU64,
    posts: Mutex<Vec<Post>>,
    token_requests: AtomicU64,
}

impl LogsIngestion {
    /// Serves on `127.0.0.1:port`; port 0 picks a free one.
    pub async fn start(config: Config, port: u16) -> io::Result<Self> {
        let world = Arc::new(World {
            config,
            issuers: Issuers::default(),
            faults: Script::default(),
            arrived: AtomicU64::new(0),
            posts: Mutex::default(),
            token_requests: AtomicU64::new(0),
        });
        let router = Router::new().fallback(serve).with_state(Arc::clone(&world));
        let server = Server::start(router, port).await?;
        Ok(Self { server, world })
    }

    /// `http://127.0.0.1:PORT`: the endpoint of the rule, and the authority of tokens.
    #[must_use]
    pub fn base_url(&self) -> String {
        self.server.url()
    }

    /// What `IDENTITY_ENDPOINT` names.
    #[must_use]
    pub fn identity_endpoint(&self) -> String {
        format!("{}{MANAGED}", self.server.url())
    }

    /// The faults to come. Scopes are the names of streams, and `token` for both token endpoints.
    #[must_use]
    pub fn faults(&self) -> &Script<Fault> {
        &self.world.faults
    }

    /// All posts to streams that were answered or dropped, in that order.
    #[must_use]
    pub fn posts(&self) -> Vec<Post> {
        self.world.posts().clone()
    }

    /// How many requests for tokens there were.
    #[must_use]
    pub fn token_requests(&self) -> u64 {
        self.world.token_requests.load(Ordering::SeqCst)
    }

    /// Lets every token expire: posts are answered 401 until a new one is used.
    pub fn expire_tokens(&self) {
        self.world.issuers.expire_all();
    }
}

const MANAGED: &str = "/msi/token";
const TOKEN: &str = "token";

/// The answer to a request.
enum Reply {
    Accepted,
    Json(u16, Value),
    /// An error with its code, which is in a header too.
    Error(u16, &'static str, String),
    Throttled(String),
    Status(u16),
    Drop,
}

async fn serve(State(world): State<Arc<World>>, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    // Twice the limit, so that a body above it is seen to be so.
    let body = axum::body::to_bytes(body, 2 * MAX_BYTES).await;
    let path = parts.uri.path();
    let query = parts.uri.query().unwrap_or_default();
    let now = world.config.clock.now();
    let is_entra = path.ends_with("/oauth2/v2.0/token");
    if is_entra || path == MANAGED {
        let _before = world.token_requests.fetch_add(1, Ordering::SeqCst);
        if let Some(reply) = meet(world.faults.take(TOKEN)).await {
            return reply.into_response();
        }
        let body = body.unwrap_or_default();
        let (status, body) = if is_entra {
            let config = &world.config;
            world.issuers.entra(config, &parts.method, path, &body, now)
        } else {
            world
                .issuers
                .managed(&world.config, query, &parts.headers, now)
        };
        return Reply::Json(status, body).into_response();
    }
    let Some((rule_id, stream)) = path
        .strip_prefix("/dataCollectionRules/")
        .and_then(|rest| rest.split_once("/streams/"))
        .filter(|_| parts.method == Method::POST)
    else {
        return Reply::Status(404).into_response();
    };
    let number = world.arrived.fetch_add(1, Ordering::SeqCst) + 1;
    tokio::time::sleep(world.config.latency).await;
    let fault = world.faults.take(stream);
    let drops = fault == Some(Fault::StoreThenDrop);
    let met = if drops { None } else { meet(fault).await };
    // From here on nothing waits: a client that goes away cannot leave a post half done.
    let bytes = body.as_ref().map_or(0, Bytes::len);
    let outcome = match (met, body) {
        (Some(reply), _) => Err(reply),
        (None, Err(_)) => Err(too_large()),
        (None, Ok(body)) => world.accept(&Arriving {
            number,
            rule_id,
            stream,
            query,
            headers: &parts.headers,
            body: &body,
        }),
    };
    let (rows, reply) = match outcome {
        Ok(rows) if drops => (rows, Reply::Drop),
        Ok(rows) => (rows, Reply::Accepted),
        Err(reply) => (0, reply),
    };
    let response = reply.into_response();
    let dropped = response.extensions().get::<DropConnection>().is_some();
    world.posts().push(Post {
        stream: stream.to_owned(),
        bytes,
        rows,
        status: (!dropped).then_some(response.status().as_u16()),
    });
    response
}

/// What a fault makes of a request; nothing if the request goes on.
async fn meet(fault: Option<Fault>) -> Option<Reply> {
    Some(match fault? {
        Fault::Status(status) => Reply::Status(status),
        Fault::Throttled(retry_after) => Reply::Throttled(retry_after),
        Fault::TooLarge => too_large(),
        Fault::DropBeforeStoring => Reply::Drop,
        Fault::Slow(time) => {
            tokio::time::sleep(time).await;
            return None;
        }
        Fault::StoreThenDrop => return None,
    })
}

struct Arriving<'a> {
    number: u64,
    rule_id: &'a str,
    stream: &'a str,
    query: &'a str,
    headers: &'a HeaderMap,
    body: &'a [u8],
}

impl World {
    /// Stores the rows of a post; says how many.
    fn accept(&self, post: &Arriving<'_>) -> Result<usize, Reply> {
        let now = self.config.clock.now();
        if !["api-version=2023-01-01", "api-version=2021-11-01-preview"].contains(&post.query) {
            let message = "The api-version is not supported.".to_owned();
            return Err(Reply::Error(400, "InvalidApiVersion", message));
        }
        if !self.issuers.lives(post.headers, now) {
            let message = "The authentication token is missing or has expired.".to_owned();
            return Err(Reply::Error(401, "InvalidAuthenticationToken", message));
        }
        if post.number <= self.config.role_after || post.rule_id != self.config.rule_id {
            let message = format!(
                "The authentication token provided does not have access to ingest data for the data collection rule with immutable Id '{}'",
                post.rule_id
            );
            return Err(Reply::Error(403, "OperationFailed", message));
        }
        let Some(stream) = self.config.rule.stream(post.stream) else {
            let message = format!("Stream {} was not found in the rule.", post.stream);
            return Err(Reply::Error(404, "InvalidStream", message));
        };
        if post.body.len() > MAX_BYTES {
            return Err(too_large());
        }
        if post.body.is_empty() {
            return Err(Reply::Status(500));
        }
        let body = unpacked(post)?;
        let invalid =
            |error: &dyn std::fmt::Display| Reply::Error(400, "InvalidPayload", error.to_string());
        if !body.trim_ascii_start().starts_with('[') {
            return Err(invalid(&"the body is no array"));
        }
        let texts = exact::elements(&body).map_err(|error| invalid(&error))?;
        let mut rows = Vec::with_capacity(texts.len());
        for text in texts {
            let members: Map<String, Value> =
                serde_json::from_str(text.get()).map_err(|error| invalid(&error))?;
            rows.extend(
                stream
                    .apply(members, now)
                    .map(|(time_generated, columns)| StoredRow {
                        raw: text.get(),
                        time_generated,
                        resource_id: None,
                        columns: Some(columns),
                    }),
            );
        }
        if !rows.is_empty() {
            for sink in &self.config.sinks {
                sink.store(&stream.table, &rows);
            }
        }
        Ok(rows.len())
    }

    fn posts(&self) -> MutexGuard<'_, Vec<Post>> {
        self.posts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unpacked(post: &Arriving<'_>) -> Result<String, Reply> {
    let invalid = |error: &dyn std::fmt::Display| {
        Reply::Error(400, "InvalidCompressedData", error.to_string())
    };
    let mut body = Vec::new();
    match post.headers.get(header::CONTENT_ENCODING) {
        None => body.extend_from_slice(post.body),
        Some(encoding) if encoding == "gzip" => {
            let mut unpacker = GzDecoder::new(post.body).take(MAX_BYTES as u64 + 1);
            let _bytes = unpacker
                .read_to_end(&mut body)
                .map_err(|error| invalid(&error))?;
        }
        Some(_) => return Err(invalid(&"only gzip is understood")),
    }
    if body.len() > MAX_BYTES {
        return Err(too_large());
    }
    String::from_utf8(body).map_err(|error| invalid(&error))
}

fn too_large() -> Reply {
    let message = "Maximum allowed content length: 1048576 bytes (1 MB).".to_owned();
    Reply::Error(413, "ContentLengthLimitExceeded", message)
}

impl Reply {
    fn into_response(self) -> Response<Body> {
        let json = |status: u16, body: &Value| {
            let mut response = Response::new(Body::from(body.to_string()));
            *response.status_mut() = code(status);
            let kind = HeaderValue::from_static("application/json");
            let _none = response.headers_mut().insert(header::CONTENT_TYPE, kind);
            response
        };
        let empty = |status| {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = code(status);
            response
        };
        let mut response = match self {
            Self::Accepted => empty(204),
            Self::Status(status) => empty(status),
            Self::Json(status, body) => json(status, &body),
            Self::Error(status, name, message) => {
                let body = json!({ "error": { "code": name, "message": message } });
                let mut response = json(status, &body);
                let name = HeaderValue::from_static(name);
                let _none = response.headers_mut().insert("x-ms-error-code", name);
                response
            }
            Self::Throttled(retry_after) => {
                let mut response = empty(429);
                if let Ok(value) = HeaderValue::from_str(&retry_after) {
                    let _none = response.headers_mut().insert(header::RETRY_AFTER, value);
                }
                response
            }
            Self::Drop => {
                let mut response = empty(500);
                let _none = response.extensions_mut().insert(DropConnection);
                response
            }
        };
        if let Ok(id) = HeaderValue::from_str(&Uuid::new_v4().to_string()) {
            let _none = response.headers_mut().insert("x-ms-request-id", id);
        }
        response
    }
}

fn code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}
