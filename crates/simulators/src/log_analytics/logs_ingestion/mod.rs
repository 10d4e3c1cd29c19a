//! The Logs Ingestion API, with the places where its tokens come from.
//!
//! A post is checked in this order: path and method (404), api-version (400), token (401), rule (404),
//! role (403), requests in this minute (429), stream (400), kind of content (415), length (413), body
//! (500 where there is none), gzip (400), length once unpacked (413), bytes in this minute (429), JSON
//! (400). The codes of an unknown rule and a wrong audience were observed. The code and the status of an
//! unknown stream are unconfirmed; with 400 a client could wrongly blame a row. It is unconfirmed in which
//! order the real service checks, and that it refuses malformed JSON: it has been seen to answer 204 and
//! drop it, which a client must not count on. Every row of an accepted post goes through each flow of its
//! stream, and is stored by those whose condition it meets and that give it a time.

mod config;
mod keywords;
mod quota;
mod reader;
mod reply;
mod rule;
mod table;
mod tokens;
mod transform;
mod typing;
mod value;

pub use keywords::KEYWORDS;

use std::{
    borrow::Cow,
    fmt::Display,
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
    http::{HeaderMap, Method, Request, Response, header, request::Parts},
};
use chrono::{DateTime, Utc};
use flate2::bufread::GzDecoder;

pub use self::{config::Config, rule::Rule};
use self::{quota::Quota, reply::Reply, tokens::Issuers};
use super::{json as exact, rows::StoredRow};
use crate::{
    script::Script,
    server::{DropConnection, Server},
};

/// The longest body, packed or not. Observed for the packed one; the documented limit is for both, and
/// what is longer once unpacked has been seen to be dropped despite a 204: the stricter reading.
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
    /// As if the limit of a body, once unpacked, were this many bytes.
    TooLarge(usize),
    /// The connection is closed; nothing is stored.
    DropBeforeStoring,
    /// The post is stored, then the connection is closed.
    StoreThenDrop,
    /// The post waits this long, in real time, and then continues as usual.
    Slow(Duration),
}

/// What is remembered of one post to a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Post {
    /// The stream.
    pub stream: String,
    /// The length of the body as it was sent.
    pub bytes: usize,
    /// How many rows were stored, over all flows of the stream, whatever the answer was.
    pub rows: usize,
    /// The status of the answer; `None` where the connection was closed instead.
    pub status: Option<u16>,
}

#[derive(Debug)]
struct World {
    config: Config,
    issuers: Issuers,
    quota: Quota,
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
            quota: Quota::default(),
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

    /// Makes every token expire: posts are answered 401 until a new one is used.
    pub fn expire_tokens(&self) {
        self.world.issuers.expire_all();
    }
}

const MANAGED: &str = "/msi/token";
const TOKEN: &str = "token";

async fn serve(State(world): State<Arc<World>>, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    // Twice the limit, so that a body above it is seen to be so.
    let body = axum::body::to_bytes(body, 2 * MAX_BYTES).await;
    let path = parts.uri.path();
    let is_entra = path.ends_with("/oauth2/v2.0/token");
    if is_entra || path == MANAGED {
        let body = is_entra.then(|| body.unwrap_or_default());
        let reply = world.give_token(&parts, body.as_deref()).await;
        return reply.into_response();
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
    let limit = match fault {
        Some(Fault::TooLarge(limit)) => limit,
        _ => MAX_BYTES,
    };
    let met = if drops { None } else { meet(fault).await };
    // From here on nothing waits: a client that goes away cannot leave a post half done.
    // A body that was too long to be read has said how long it is, or is told as just too long.
    let announced = parts.headers.get(header::CONTENT_LENGTH);
    let announced = announced.and_then(|length| length.to_str().ok()?.parse().ok());
    let bytes = body
        .as_ref()
        .map_or(announced.unwrap_or(2 * MAX_BYTES + 1), Bytes::len);
    let outcome = match (met, body) {
        (Some(reply), _) => Err(reply),
        (None, Err(_)) => Err(Reply::too_large(bytes)),
        (None, Ok(body)) => world.accept(&Arriving {
            number,
            rule_id,
            stream,
            query: parts.uri.query().unwrap_or_default(),
            headers: &parts.headers,
            body: &body,
            limit,
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

/// What a fault does to a request; `None` if the request continues.
async fn meet(fault: Option<Fault>) -> Option<Reply> {
    Some(match fault? {
        Fault::Status(status) => Reply::Status(status),
        Fault::Throttled(retry_after) => Reply::Throttled(retry_after),
        Fault::DropBeforeStoring => Reply::Drop,
        Fault::Slow(time) => {
            tokio::time::sleep(time).await;
            return None;
        }
        Fault::StoreThenDrop | Fault::TooLarge(_) => return None,
    })
}

struct Arriving<'a> {
    number: u64,
    rule_id: &'a str,
    stream: &'a str,
    query: &'a str,
    headers: &'a HeaderMap,
    body: &'a [u8],
    /// The longest body once unpacked.
    limit: usize,
}

impl World {
    /// A token by Entra's endpoint, where there is a body, or by that of the managed identity.
    async fn give_token(&self, call: &Parts, body: Option<&[u8]>) -> Reply {
        let _before = self.token_requests.fetch_add(1, Ordering::SeqCst);
        if let Some(reply) = meet(self.faults.take(TOKEN)).await {
            return reply;
        }
        let now = self.config.clock.now();
        let (status, body) = match body {
            Some(body) => self.issuers.entra(&self.config, call, body, now),
            None => self.issuers.managed(&self.config, call, now),
        };
        Reply::Json(status, body)
    }

    /// Stores the rows of a post and returns their number.
    fn accept(&self, post: &Arriving<'_>) -> Result<usize, Reply> {
        let now = self.config.clock.now();
        self.authorise(post, now)?;
        self.quota.spend(&self.config, now, 1, 0)?;
        let Some(stream) = self.config.rule.stream(post.stream) else {
            let message = format!("Stream {} was not found in the rule.", post.stream);
            return Err(Reply::error(400, "InvalidStream", message));
        };
        let body = body_of(post)?;
        self.quota.spend(&self.config, now, 0, body.len())?;
        let body = str::from_utf8(&body).map_err(|error| invalid(&error))?;
        if !body.trim_ascii_start().starts_with('[') {
            return Err(invalid(&"the body is no array"));
        }
        let texts = exact::elements(body).map_err(|error| invalid(&error))?;
        let flows = stream.flows();
        let mut rows: Vec<_> = flows.iter().map(|_| Vec::new()).collect();
        for text in texts {
            let members = serde_json::from_str(text.get()).map_err(|error| invalid(&error))?;
            let row = stream.read(members);
            for (flow, rows) in flows.iter().zip(&mut rows) {
                let stored = flow.apply(&row, now);
                rows.extend(stored.map(|(time_generated, columns)| StoredRow {
                    raw: text.get(),
                    time_generated,
                    resource_id: None,
                    columns: Some(columns),
                }));
            }
        }
        for (flow, rows) in flows.iter().zip(&rows).filter(|(_, rows)| !rows.is_empty()) {
            for sink in &self.config.sinks {
                sink.store(&flow.table, rows);
            }
        }
        Ok(rows.iter().map(Vec::len).sum())
    }

    /// Whether the caller may post to that rule.
    fn authorise(&self, post: &Arriving<'_>, now: DateTime<Utc>) -> Result<(), Reply> {
        if !["api-version=2023-01-01", "api-version=2021-11-01-preview"].contains(&post.query) {
            let message = "The api-version is not supported.";
            return Err(Reply::error(400, "InvalidApiVersion", message));
        }
        self.issuers.check(post.headers, now)?;
        if post.rule_id != self.config.rule_id {
            let message = format!(
                "Data collection rule with immutable Id '{}' not found.",
                post.rule_id
            );
            return Err(Reply::error(404, "NotFound", message));
        }
        if post.number <= self.config.role_after {
            let message = format!(
                "The authentication token provided does not have access to ingest data for the data collection rule with immutable Id '{}'",
                post.rule_id
            );
            return Err(Reply::error(403, "OperationFailed", message));
        }
        Ok(())
    }

    fn posts(&self) -> MutexGuard<'_, Vec<Post>> {
        self.posts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn invalid(why: &dyn Display) -> Reply {
    Reply::error(400, "InvalidPayload", why.to_string())
}

/// The body as it was before compression.
fn body_of<'a>(post: &Arriving<'a>) -> Result<Cow<'a, [u8]>, Reply> {
    let kind = post.headers.get(header::CONTENT_TYPE);
    if kind.is_none_or(|kind| kind != "application/json") {
        return Err(Reply::Status(415));
    }
    if post.body.len() > MAX_BYTES {
        return Err(Reply::too_large(post.body.len()));
    }
    if post.body.is_empty() {
        return Err(Reply::Status(500));
    }
    let body = unpacked(post)?;
    if body.len() > post.limit {
        return Err(Reply::too_large(body.len()));
    }
    Ok(body)
}

fn unpacked<'a>(post: &Arriving<'a>) -> Result<Cow<'a, [u8]>, Reply> {
    let broken = |why: &dyn Display| Reply::error(400, "InvalidCompressedData", why.to_string());
    match post.headers.get(header::CONTENT_ENCODING) {
        None => return Ok(post.body.into()),
        Some(encoding) if encoding == "gzip" => {}
        Some(_) => return Err(broken(&"only gzip is understood")),
    }
    let mut body = Vec::new();
    let mut unpacker = GzDecoder::new(post.body).take(MAX_BYTES as u64 + 1);
    let read = unpacker.read_to_end(&mut body);
    let read = read.map_err(|error| broken(&error))?;
    if read > MAX_BYTES {
        return Err(Reply::too_large(read));
    }
    if !unpacker.get_ref().get_ref().is_empty() {
        return Err(broken(&"something follows the compressed data"));
    }
    Ok(body.into())
}
