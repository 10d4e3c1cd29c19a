//! One request, one answer.

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, Method, Request, Response, header, request::Parts},
};
use chrono::{DateTime, Utc};
use http_body_util::BodyExt as _;
use uuid::Uuid;

use super::{
    Post, TooLarge, World,
    answer::{Refusal, Reply},
    checks,
    fault::Fault,
    store::About,
};

pub(super) fn router(world: Arc<World>) -> Router {
    Router::new().fallback(handle).with_state(world)
}

async fn handle(State(world): State<Arc<World>>, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let request_id = Uuid::new_v4().to_string();
    if parts.method != Method::POST || parts.uri.path() != "/api/logs" {
        let reply = Reply::empty(404, None);
        return match discard(body).await {
            Ok(_) => reply.into_response(&request_id),
            Err(_) => Reply::Drop.into_response(&request_id),
        };
    }
    let at = world.config.clock.now();
    let log_type = checks::text(&parts.headers, "log-type").unwrap_or("*");
    let fault = world.faults.take(log_type);
    wait(&world, fault.as_ref()).await;
    let body = collect(&world, &parts.headers, body).await;
    // From here on nothing waits: a client that goes away cannot leave a post half done.
    let bytes = match &body {
        Received::Whole(body) => body.len(),
        Received::TooLarge(bytes) => *bytes,
        Received::Broken => 0,
    };
    let outcome = decide(&world, &parts, at, body, fault);
    world.remember(Post {
        at,
        log_type: log_type.to_owned(),
        bytes,
        rows: outcome.rows,
        status: outcome.reply.status(),
        reason: outcome.reason,
        date: checks::text(&parts.headers, "x-ms-date")
            .unwrap_or_default()
            .to_owned(),
        request_id: request_id.clone(),
    });
    outcome.reply.into_response(&request_id)
}

async fn wait(world: &World, fault: Option<&Fault>) {
    let slow = match fault {
        Some(Fault::Slow(time)) => *time,
        _ => std::time::Duration::ZERO,
    };
    let total = world.config.latency + slow;
    if !total.is_zero() {
        tokio::time::sleep(total).await;
    }
}

enum Received {
    Whole(Bytes),
    /// Above the limit, with as many bytes as came or were announced.
    TooLarge(usize),
    /// The client did not send all it had announced.
    Broken,
}

/// Reads the body, but keeps no more than the limit of it. What is above is still read to its end
/// where an answer is to follow, because a client may not look for one before it has sent all.
async fn collect(world: &World, headers: &HeaderMap, body: Body) -> Received {
    let limit = world.config.max_body_bytes;
    let drops = world.config.too_large == TooLarge::DropConnection;
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse().ok())
        .unwrap_or(0);
    if announced > limit {
        if !drops && discard(body).await.is_err() {
            return Received::Broken;
        }
        return Received::TooLarge(announced);
    }
    let mut body = body;
    let mut kept = Vec::with_capacity(announced);
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            return Received::Broken;
        };
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if kept.len() + data.len() > limit {
            let so_far = kept.len() + data.len();
            drop(kept);
            if drops {
                return Received::TooLarge(so_far);
            }
            return match discard(body).await {
                Ok(rest) => Received::TooLarge(so_far + rest),
                Err(_) => Received::Broken,
            };
        }
        kept.extend_from_slice(&data);
    }
    Received::Whole(kept.into())
}

/// Reads a body to its end without keeping it. Gives its length.
async fn discard(mut body: Body) -> Result<usize, axum::Error> {
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        length += frame?.data_ref().map_or(0, Bytes::len);
    }
    Ok(length)
}

struct Outcome {
    reply: Reply,
    rows: usize,
    reason: Option<String>,
}

impl From<Reply> for Outcome {
    fn from(reply: Reply) -> Self {
        Self {
            reply,
            rows: 0,
            reason: None,
        }
    }
}

impl From<Refusal> for Outcome {
    fn from(refusal: Refusal) -> Self {
        Self {
            reply: refusal.reply(),
            rows: 0,
            reason: Some(refusal.to_string()),
        }
    }
}

fn decide(
    world: &World,
    parts: &Parts,
    at: DateTime<Utc>,
    body: Received,
    fault: Option<Fault>,
) -> Outcome {
    let body = match body {
        Received::Whole(body) => body,
        Received::TooLarge(_) => return Refusal::TooLarge(world.config.too_large).into(),
        Received::Broken => return Reply::Drop.into(),
    };
    let reply = match fault {
        None | Some(Fault::Slow(_)) => Reply::empty(200, None),
        Some(Fault::StoreThenDrop) => Reply::Drop,
        Some(Fault::StoreThenStatus(status)) => Reply::documented(status),
        Some(Fault::Status(status)) => return Reply::documented(status).into(),
        Some(Fault::Throttled { retry_after }) => return Reply::empty(429, retry_after).into(),
        Some(Fault::DropBeforeStoring) => return Reply::Drop.into(),
        Some(Fault::Refuse403) => return Reply::documented(403).into(),
        Some(Fault::BadFormat400) => return Reply::documented(400).into(),
        Some(Fault::TooLarge) => return Refusal::TooLarge(world.config.too_large).into(),
    };
    match accept(world, parts, at, &body) {
        Ok(rows) => Outcome {
            reply,
            rows,
            reason: None,
        },
        Err(refusal) => refusal.into(),
    }
}

fn accept(
    world: &World,
    parts: &Parts,
    received: DateTime<Utc>,
    body: &Bytes,
) -> Result<usize, Refusal> {
    let headers = &parts.headers;
    let query = parts.uri.query().unwrap_or_default();
    let log_type = checks::check(query, headers, body.len(), &world.shared_key, received)?;
    let about = About {
        log_type,
        time_field: checks::text(headers, "time-generated-field"),
        resource_id: checks::text(headers, "x-ms-azureresourceid"),
        received,
    };
    world.tables.store(&about, body, &world.config.sinks)
}
