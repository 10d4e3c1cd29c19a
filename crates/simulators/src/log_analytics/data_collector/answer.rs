//! Refusals, and answers on the wire.

use axum::{
    body::Body,
    http::{HeaderValue, Response, StatusCode, header},
};
use thiserror::Error;

use super::TooLarge;
use crate::server::DropConnection;

/// Why a post is not stored. The text goes to those who run the simulator; the caller gets the
/// status and the body that Microsoft documents.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(super) enum Refusal {
    /// The query has no `api-version`.
    #[error("the query has no api-version")]
    MissingApiVersion,
    /// A version other than the only one.
    #[error("the api-version is not 2016-04-01")]
    InvalidApiVersion,
    /// No `Content-Type`.
    #[error("there is no Content-Type header")]
    MissingContentType,
    /// A type other than JSON.
    #[error("the Content-Type is not application/json")]
    UnsupportedContentType,
    /// No `Log-Type`.
    #[error("there is no Log-Type header")]
    MissingLogType,
    /// A `Log-Type` with other characters than allowed, or too many.
    #[error("the Log-Type is not 1 to 100 letters, digits and underscores")]
    InvalidLogType,
    /// Date, length, encoding or signature.
    #[error("{0}")]
    InvalidAuthorization(&'static str),
    /// Not the JSON of an array of objects.
    #[error("{0}")]
    InvalidDataFormat(String),
    /// A body above the limit.
    #[error("the body is above the limit")]
    TooLarge(TooLarge),
}

impl Refusal {
    pub(super) fn reply(&self) -> Reply {
        let (status, error, message) = match self {
            Self::MissingApiVersion => (400, "MissingApiVersion", "No API version was given."),
            Self::InvalidApiVersion => (
                400,
                "InvalidApiVersion",
                "The service does not know the given API version.",
            ),
            Self::MissingContentType => (400, "MissingContentType", "No content type was given."),
            Self::UnsupportedContentType => (
                400,
                "UnsupportedContentType",
                "The content type is not application/json.",
            ),
            Self::MissingLogType => (400, "MissingLogType", "No log type was given."),
            Self::InvalidLogType => (
                400,
                "InvalidLogType",
                "The given log type holds characters that are not allowed.",
            ),
            Self::InvalidAuthorization(_) => return Reply::documented(403),
            Self::InvalidDataFormat(detail) => (400, "InvalidDataFormat", detail.as_str()),
            Self::TooLarge(TooLarge::NotFound404) => return Reply::documented(404),
            Self::TooLarge(TooLarge::Status413) => return Reply::documented(413),
            Self::TooLarge(TooLarge::DropConnection) => return Reply::Drop,
        };
        Reply::error(status, error, message)
    }
}

/// What goes back to the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reply {
    /// An answer; the body is empty or JSON.
    Answer {
        status: u16,
        body: String,
        retry_after: Option<String>,
    },
    /// The connection is closed instead.
    Drop,
}

impl Reply {
    /// An answer without a body.
    pub(super) fn empty(status: u16, retry_after: Option<String>) -> Self {
        Self::Answer {
            status,
            body: String::new(),
            retry_after,
        }
    }

    /// The answer that Microsoft documents for `status`, where it is the same whatever the cause;
    /// 404, 413 and 429 have no body that is known.
    pub(super) fn documented(status: u16) -> Self {
        match status {
            400 => Self::error(400, "InvalidDataFormat", "The JSON is not valid."),
            403 => Self::error(
                403,
                "InvalidAuthorization",
                "An invalid signature was specified in the Authorization header",
            ),
            500 => Self::error(
                500,
                "UnspecifiedError",
                "The service met an internal error.",
            ),
            503 => Self::error(503, "ServiceUnavailable", "The service is busy."),
            other => Self::empty(other, None),
        }
    }

    fn error(status: u16, error: &str, message: &str) -> Self {
        let body = serde_json::json!({ "Error": error, "Message": message });
        Self::Answer {
            status,
            body: body.to_string(),
            retry_after: None,
        }
    }

    /// The status, if there is an answer.
    pub(super) fn status(&self) -> Option<u16> {
        match self {
            Self::Answer { status, .. } => Some(*status),
            Self::Drop => None,
        }
    }

    pub(super) fn into_response(self, request_id: &str) -> Response<Body> {
        let mut response = Response::new(Body::empty());
        let Self::Answer {
            status,
            body,
            retry_after,
        } = self
        else {
            response.extensions_mut().insert(DropConnection);
            return response;
        };
        *response.status_mut() =
            StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        if !body.is_empty() {
            let json = HeaderValue::from_static("application/json; charset=utf-8");
            headers.insert(header::CONTENT_TYPE, json);
        }
        if let Ok(id) = HeaderValue::from_str(request_id) {
            headers.insert("x-ms-request-id", id);
        }
        if let Some(Ok(wait)) = retry_after.map(HeaderValue::try_from) {
            headers.insert(header::RETRY_AFTER, wait);
        }
        *response.body_mut() = Body::from(body);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refusal_has_its_documented_status_and_name() {
        for (refusal, status, name) in [
            (Refusal::MissingApiVersion, 400, "MissingApiVersion"),
            (Refusal::InvalidApiVersion, 400, "InvalidApiVersion"),
            (Refusal::MissingContentType, 400, "MissingContentType"),
            (
                Refusal::UnsupportedContentType,
                400,
                "UnsupportedContentType",
            ),
            (Refusal::MissingLogType, 400, "MissingLogType"),
            (Refusal::InvalidLogType, 400, "InvalidLogType"),
            (
                Refusal::InvalidDataFormat(String::new()),
                400,
                "InvalidDataFormat",
            ),
            (
                Refusal::InvalidAuthorization(""),
                403,
                "InvalidAuthorization",
            ),
        ] {
            let Reply::Answer {
                status: it, body, ..
            } = refusal.reply()
            else {
                panic!("{refusal:?} has no answer");
            };
            assert_eq!(it, status);
            assert!(body.starts_with(&format!("{{\"Error\":\"{name}\",\"Message\":\"")));
        }
    }

    #[test]
    fn a_body_above_the_limit_is_refused_as_chosen() {
        let status = |choice| Refusal::TooLarge(choice).reply().status();
        assert_eq!(status(TooLarge::NotFound404), Some(404));
        assert_eq!(status(TooLarge::Status413), Some(413));
        assert_eq!(status(TooLarge::DropConnection), None);
    }
}
