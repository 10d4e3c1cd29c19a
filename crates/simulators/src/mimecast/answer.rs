//! Answers as Mimecast spells them.

use std::{io, time::Duration};

use axum::{
    body::Body,
    http::{HeaderValue, Response, StatusCode, header},
};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};

use super::{date, quota::Standing};
use crate::server;

/// How long a truncated answer waits before it breaks off, so that its beginning arrives.
const CUT_AFTER: Duration = Duration::from_millis(20);

static FILLER: [u8; 64 * 1024] = [b'x'; 64 * 1024];

/// An answer before it is put on the wire. No `Debug`: that of a login holds a secret key.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) rows: usize,
    payload: Payload,
    /// Claims an exhausted quota and this many milliseconds to the next window.
    reset_ms: Option<u64>,
}

enum Payload {
    Nothing,
    Json(Bytes),
    Html(&'static str),
    /// Half of it, under a `Content-Length` that promises all.
    Cut(Bytes),
    /// A record that does not end before this many bytes.
    Huge(u64),
    /// No answer: the connection is closed.
    Drop,
}

/// The one error of a refusing answer.
#[derive(Debug, Clone)]
pub(super) struct Failure<'a> {
    pub(super) code: &'a str,
    pub(super) message: &'a str,
    /// The request member at fault, if it is one.
    pub(super) field: Option<&'a str>,
    /// Mimecast's hint whether to try again.
    pub(super) retryable: bool,
}

impl<'a> Failure<'a> {
    /// A permanent failure that no single member caused.
    pub(super) const fn new(code: &'a str, message: &'a str) -> Self {
        Self {
            code,
            message,
            field: None,
            retryable: false,
        }
    }
}

impl Answer {
    /// A body of JSON text, with the number of rows in it.
    pub(super) fn json(status: u16, body: impl Into<Bytes>, rows: usize) -> Self {
        Self::of(status, rows, Payload::Json(body.into()))
    }

    /// A refusal: `fail` holds one error, and `key`, if any, echoes what was asked.
    pub(super) fn fail(status: u16, key: Option<&Value>, failure: &Failure<'_>) -> Self {
        let mut error = json!({
            "code": failure.code,
            "message": failure.message,
            "retryable": failure.retryable,
        });
        if let Some(field) = failure.field {
            error["field"] = field.into();
        }
        let mut fail = json!({ "errors": [error] });
        if let Some(key) = key {
            fail["key"] = key.clone();
        }
        let body = json!({ "meta": { "status": status }, "data": [], "fail": [fail] });
        Self::json(status, body.to_string(), 0)
    }

    /// No data and no failure either, with `meta` in its body saying `meta_status`.
    pub(super) fn bare(status: u16, meta_status: u16) -> Self {
        let body = json!({ "meta": { "status": meta_status }, "data": [], "fail": [] });
        Self::json(status, body.to_string(), 0)
    }

    /// 429: the function was not run.
    pub(super) fn throttled() -> Self {
        Self::bare(429, 429)
    }

    /// 429 that claims `reset_ms`, whatever the quota is really like.
    pub(super) fn throttled_for(reset_ms: u64) -> Self {
        Self {
            reset_ms: Some(reset_ms),
            ..Self::throttled()
        }
    }

    pub(super) fn empty(status: u16) -> Self {
        Self::of(status, 0, Payload::Nothing)
    }

    pub(super) fn html(status: u16, page: &'static str) -> Self {
        Self::of(status, 0, Payload::Html(page))
    }

    pub(super) fn huge(bytes: u64) -> Self {
        Self::of(200, 0, Payload::Huge(bytes))
    }

    pub(super) fn drop_connection() -> Self {
        Self::of(0, 0, Payload::Drop)
    }

    /// The same answer, broken off half-way.
    pub(super) fn cut(self) -> Self {
        let payload = match self.payload {
            Payload::Json(body) => Payload::Cut(body),
            other => other,
        };
        Self { payload, ..self }
    }

    /// The status for the journal: none where no answer is sent.
    pub(super) fn sent_status(&self) -> Option<u16> {
        (!matches!(self.payload, Payload::Drop)).then_some(self.status)
    }

    /// The answer with the headers that every answer has. `Date` is the simulated time, from which
    /// a caller can see that its clock is wrong.
    pub(super) fn into_response(self, standing: Standing, now: DateTime<Utc>) -> Response<Body> {
        let kind = match &self.payload {
            Payload::Nothing | Payload::Drop => None,
            Payload::Html(_) => Some("text/html"),
            Payload::Json(_) | Payload::Cut(_) | Payload::Huge(_) => Some("application/json"),
        };
        let promised = match &self.payload {
            Payload::Cut(body) => Some(body.len()),
            _ => None,
        };
        let dropped = matches!(self.payload, Payload::Drop);
        let mut response = Response::new(self.payload.into_body());
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        if dropped {
            let _ = response.extensions_mut().insert(server::DropConnection);
        }
        let remaining = self.reset_ms.map_or(standing.remaining, |_| 0);
        let reset_ms = self.reset_ms.unwrap_or(standing.reset_ms);
        let headers = response.headers_mut();
        if let Some(kind) = kind {
            let _ = headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        }
        if let Some(promised) = promised {
            let _ = headers.insert(header::CONTENT_LENGTH, promised.into());
        }
        for (name, value) in [
            ("cache-control", "no-store"),
            ("pragma", "no-cache"),
            ("x-robots-tag", "noindex, nofollow"),
        ] {
            let _ = headers.insert(name, HeaderValue::from_static(value));
        }
        let _ = headers.insert("x-ratelimit-limit", standing.limit.into());
        let _ = headers.insert("x-ratelimit-remaining", remaining.into());
        let _ = headers.insert("x-ratelimit-reset", reset_ms.into());
        if let Ok(date) = HeaderValue::from_str(&date::http_date(now)) {
            let _ = headers.insert(header::DATE, date);
        }
        if self.status == 405 {
            let _ = headers.insert(header::ALLOW, HeaderValue::from_static("POST"));
        }
        response
    }

    fn of(status: u16, rows: usize, payload: Payload) -> Self {
        Self {
            status,
            rows,
            payload,
            reset_ms: None,
        }
    }
}

impl Payload {
    fn into_body(self) -> Body {
        match self {
            Self::Nothing | Self::Drop => Body::empty(),
            Self::Json(body) => Body::from(body),
            Self::Html(page) => Body::from(page),
            Self::Cut(body) => cut(&body),
            Self::Huge(bytes) => huge(bytes),
        }
    }
}

fn cut(body: &Bytes) -> Body {
    let half = body.slice(..body.len() / 2);
    let end = stream::once(async {
        tokio::time::sleep(CUT_AFTER).await;
        Err(io::Error::from(io::ErrorKind::ConnectionAborted))
    });
    Body::from_stream(stream::iter([Ok(half)]).chain(end))
}

fn huge(bytes: u64) -> Body {
    const OPENING: &[u8] = br#"{"meta":{"status":200},"fail":[],"data":[{"clickLogs":[{"url":""#;
    let pieces = stream::unfold((bytes, OPENING), |(left, piece)| async move {
        let length = piece.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let sent = Bytes::from_static(&piece[..length]);
        let rest = left - length as u64;
        (length > 0).then(|| (Ok::<_, io::Error>(sent), (rest, FILLER.as_slice())))
    });
    Body::from_stream(pieces)
}
