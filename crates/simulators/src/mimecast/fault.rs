//! What can go wrong on the way.

use std::time::Duration;

use super::answer::{Answer, Failure};

/// A fault that a call meets. Unless said otherwise it is met before anything is checked, as with a
/// gateway in front; the call costs one of the quota and the answer carries the rate headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// This HTTP status, with a body in Mimecast's shape (code and message unconfirmed);
    /// `retryable` is true from 500 on.
    Status(u16),
    /// This HTTP status and no body. Mimecast documents that a 400 can be like this.
    EmptyBody(u16),
    /// HTTP 200 whose `meta.status` says this, with an empty `fail`. Published clients check for it.
    MetaStatus(u16),
    /// A refusal that is the caller's fault, such as the `err_developer_key` that was seen live now and
    /// then for a good application id.
    FailCode {
        /// The HTTP status, which `meta.status` repeats.
        http: u16,
        /// `fail[0].errors[0].code`.
        code: String,
        /// `fail[0].errors[0].message`.
        message: String,
        /// `fail[0].errors[0].retryable`.
        retryable: bool,
    },
    /// 429 with nothing remaining, whatever the quota says.
    Throttled {
        /// `X-RateLimit-Reset`, in milliseconds.
        reset_ms: u64,
    },
    /// HTTP 200 with a page of HTML, as a proxy sends.
    NotJson,
    /// HTTP 403 with a page of HTML, as a web application firewall or an IP restriction sends.
    Blocked,
    /// The true answer, of which only half is sent before the connection breaks: `Content-Length`
    /// promises all of it.
    Truncated,
    /// HTTP 200 with one record that does not end, of this many bytes in all. They are made as they
    /// are sent.
    Huge(u64),
    /// The true answer, after this long on the real clock.
    Slow(Duration),
    /// The connection is closed without an answer.
    DropConnection,
    /// A request with a page token is told that the token is invalid; one without is answered truly.
    /// The code `err_validation_invalid_page_token` is unconfirmed: only its counterpart in another
    /// log function, `err_audit_siem_invalid_token`, is known.
    RefuseToken,
    /// HTTP 200 with valid JSON of a shape that was never promised.
    OtherShape,
    /// HTTP 200 in the right shape, with a byte inside a text that is not UTF-8.
    InvalidUtf8,
}

/// What the fault does to a call.
pub(super) enum Effect {
    /// This is the answer.
    Instead(Answer),
    /// The true answer after a wait.
    After(Duration),
    /// The true answer, half of it.
    Cut,
    /// The true answer, unless the request has a page token: then this.
    WithToken(Answer),
}

impl Fault {
    pub(super) fn effect(self) -> Effect {
        Effect::Instead(match self {
            Self::Slow(time) => return Effect::After(time),
            Self::Truncated => return Effect::Cut,
            Self::RefuseToken => return Effect::WithToken(invalid_token()),
            Self::Status(status) => {
                let failure = Failure {
                    retryable: status >= 500,
                    ..Failure::new("err_system", "The request could not be processed")
                };
                Answer::fail(status, None, &failure)
            }
            Self::EmptyBody(status) => Answer::empty(status),
            Self::MetaStatus(status) => Answer::bare(200, status),
            Self::FailCode {
                http,
                code,
                message,
                retryable,
            } => {
                let failure = Failure {
                    retryable,
                    ..Failure::new(&code, &message)
                };
                Answer::fail(http, None, &failure)
            }
            Self::Throttled { reset_ms } => Answer::throttled_for(reset_ms),
            Self::NotJson => Answer::html(
                200,
                "<!DOCTYPE html><html><body><h1>Please sign in to continue</h1></body></html>",
            ),
            Self::Blocked => Answer::html(
                403,
                "<!DOCTYPE html><html><body><h1>Access denied</h1></body></html>",
            ),
            Self::Huge(bytes) => Answer::huge(bytes),
            Self::DropConnection => Answer::drop_connection(),
            Self::OtherShape => Answer::json(200, r#"{"data":{"clickLogs":"none"}}"#, 0),
            Self::InvalidUtf8 => Answer::json(
                200,
                b"{\"meta\":{\"status\":200},\"data\":[{\"clickLogs\":[{\"url\":\"\xff\"}]}],\"fail\":[]}"
                    .as_slice(),
                1,
            ),
        })
    }
}

/// The refusal of a page token, scripted or earned.
pub(super) fn invalid_token() -> Answer {
    let failure = Failure {
        field: Some("pageToken"),
        ..Failure::new("err_validation_invalid_page_token", "Invalid page token")
    };
    Answer::fail(200, None, &failure)
}
