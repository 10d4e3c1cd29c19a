//! Answers in Mimecast's form.

use axum::{
    body::Body,
    http::{HeaderValue, Response, StatusCode, header},
};
use serde_json::json;

use super::state::Quota;

/// An answer with the headers that were seen on live ones.
pub(super) fn answer(status: u16, body: impl Into<Body>, quota: Option<Quota>) -> Response<Body> {
    let mut response = Response::new(body.into());
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
        (header::PRAGMA, "no-cache"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Some(quota) = quota {
        let reset = u64::try_from(quota.reset.as_millis()).unwrap_or(u64::MAX);
        headers.insert("x-ratelimit-limit", quota.limit.into());
        headers.insert("x-ratelimit-remaining", quota.remaining.into());
        headers.insert("x-ratelimit-reset", reset.into());
    }
    response
}

/// A failure in the nested form of API 1.0, with `status` in `meta`.
pub(super) fn failure_body(status: u16, code: &str, message: &str) -> String {
    json!({
        "meta": {"status": status},
        "data": [],
        "fail": [{"errors": [{"code": code, "message": message, "retryable": false}]}],
    })
    .to_string()
}

/// A refusal: status, code and words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) code: &'static str,
    pub(super) message: String,
}

impl Refusal {
    pub(super) fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
        }
    }
}
