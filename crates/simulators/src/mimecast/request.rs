//! A request, parsed once.

use axum::http::{HeaderMap, Method, header};
use chrono::{DateTime, Utc};
use serde_json::Value;
use url::form_urlencoded;

use super::{journal::Call, signature};
use crate::log::Log;

const FORM: &str = "application/x-www-form-urlencoded";

/// The functions that are simulated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    GetLogs(Log),
    Login,
    Logout,
    Discover,
    Token,
}

impl Function {
    pub(super) fn at(path: &str) -> Option<Self> {
        match path {
            "/api/login/login" => Some(Self::Login),
            "/api/login/logout" => Some(Self::Logout),
            "/api/login/discover-authentication" => Some(Self::Discover),
            "/oauth/token" => Some(Self::Token),
            _ => Log::ALL
                .into_iter()
                .find(|log| log.path() == path)
                .map(Self::GetLogs),
        }
    }

    /// The headers without which it is refused. Published clients log in without date and request
    /// id, and none sends more than these.
    pub(super) const fn needed_headers(self) -> &'static [&'static str] {
        match self {
            Self::GetLogs(_) | Self::Logout => {
                &["authorization", "x-mc-app-id", "x-mc-date", "x-mc-req-id"]
            }
            Self::Login => &["authorization", "x-mc-app-id"],
            Self::Token => &[],
            Self::Discover => &["x-mc-app-id", "x-mc-date", "x-mc-req-id"],
        }
    }
}

/// A request as it arrived. No `Debug`: the headers of a login hold a password.
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) path: String,
    headers: HeaderMap,
    /// The body, where it is JSON in the shape of the envelope.
    pub(super) body: Option<Value>,
    /// The fields of the body, where it is a form.
    form: Option<Vec<(String, String)>>,
}

impl Request {
    pub(super) fn new(method: Method, path: &str, headers: HeaderMap, body: &[u8]) -> Self {
        Self {
            method,
            path: path.to_owned(),
            form: (headers
                .get(header::CONTENT_TYPE)
                .is_some_and(|kind| kind == FORM))
            .then(|| form_urlencoded::parse(body).into_owned().collect()),
            headers,
            body: serde_json::from_slice(body).ok().filter(is_envelope),
        }
    }

    pub(super) const fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    pub(super) const fn is_form(&self) -> bool {
        self.form.is_some()
    }

    /// A field of the form.
    pub(super) fn form_field(&self, name: &str) -> Option<&str> {
        let mut fields = self.form.iter().flatten();
        fields
            .find(|(field, _)| field == name)
            .map(|(_, value)| value.as_str())
    }

    /// A header that is there, is text and is not empty.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .filter(|value| !value.is_empty())
    }

    /// The access key it claims, whether or not the signature holds.
    pub(super) fn access_key(&self) -> Option<&str> {
        let (key, _) = signature::parse_authorization(self.header("authorization")?)?;
        Some(key)
    }

    /// The base address by which the caller reached this server.
    pub(super) fn base_url(&self) -> String {
        let host = self.header(header::HOST.as_str()).unwrap_or("127.0.0.1");
        format!("http://{host}")
    }

    /// The first request item. Mimecast documents more as independent calls; only the first is
    /// simulated.
    pub(super) fn item(&self) -> Option<&Value> {
        self.body.as_ref()?.get("data")?.get(0)
    }

    /// A text member of the first request item.
    pub(super) fn item_text(&self, member: &str) -> Option<&str> {
        self.item()?.get(member)?.as_str()
    }

    pub(super) fn pagination(&self) -> Option<&Value> {
        self.body.as_ref()?.get("meta")?.get("pagination")
    }

    /// The page token. An empty one counts as none, as published clients rely on.
    pub(super) fn page_token(&self) -> Option<&str> {
        self.pagination()?
            .get("pageToken")?
            .as_str()
            .filter(|token| !token.is_empty())
    }

    /// What the journal keeps of it.
    pub(super) fn journal_entry(&self, at: DateTime<Utc>) -> Call {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Call {
            at,
            path: self.path.clone(),
            request_id: owned(self.header("x-mc-req-id")),
            date: owned(self.header("x-mc-date")),
            page_token: owned(self.page_token()),
            from: owned(self.item_text("from")),
            to: owned(self.item_text("to")),
            status: None,
            rows: 0,
        }
    }
}

/// Whether the body is `{"meta":{...},"data":[{...}]}` with either member left out or not.
fn is_envelope(body: &Value) -> bool {
    body.is_object()
        && body.get("meta").is_none_or(Value::is_object)
        && body.get("data").is_none_or(|data| {
            data.as_array()
                .is_some_and(|data| data.iter().all(Value::is_object))
        })
}
