//! Answers as the service spells them.

use axum::{
    body::Body,
    http::{HeaderValue, Response, StatusCode, header},
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::MAX_BYTES;
use crate::server::DropConnection;

/// The answer to a request.
pub(super) enum Reply {
    Accepted,
    Json(u16, Value),
    /// An error with its code, which is in a header too.
    Error(u16, &'static str, String),
    Throttled(String),
    Status(u16),
    Drop,
}

impl Reply {
    pub(super) fn error(status: u16, name: &'static str, message: impl Into<String>) -> Self {
        Self::Error(status, name, message.into())
    }

    /// For a body of this many bytes.
    pub(super) fn too_large(bytes: usize) -> Self {
        let message = format!(
            "Maximum allowed content length: {MAX_BYTES} bytes (1 MB). Provided content length: {bytes} bytes."
        );
        Self::Error(413, "ContentLengthLimitExceeded", message)
    }

    pub(super) fn into_response(self) -> Response<Body> {
        let mut response = Response::new(Body::empty());
        let status = match self {
            Self::Accepted => 204,
            Self::Status(status) => status,
            Self::Json(status, body) => {
                write(&mut response, &body);
                status
            }
            Self::Error(status, name, message) => {
                write(
                    &mut response,
                    &json!({ "error": { "code": name, "message": message } }),
                );
                let name = HeaderValue::from_static(name);
                let _none = response.headers_mut().insert("x-ms-error-code", name);
                status
            }
            Self::Throttled(retry_after) => {
                if let Ok(value) = HeaderValue::from_str(&retry_after) {
                    let _none = response.headers_mut().insert(header::RETRY_AFTER, value);
                }
                429
            }
            Self::Drop => {
                let _none = response.extensions_mut().insert(DropConnection);
                500
            }
        };
        *response.status_mut() =
            StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        if let Ok(id) = HeaderValue::from_str(&Uuid::new_v4().to_string()) {
            let _none = response.headers_mut().insert("x-ms-request-id", id);
        }
        response
    }
}

fn write(response: &mut Response<Body>, body: &Value) {
    *response.body_mut() = Body::from(body.to_string());
    let kind = HeaderValue::from_static("application/json");
    let _none = response.headers_mut().insert(header::CONTENT_TYPE, kind);
}
