//! One request to Mimecast, whoever it is from.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use reqwest::{
    Method, Url,
    header::{self, HeaderName},
};

use super::{decision::AnswerSummary, wire::Verdict};
use crate::{
    ingest::ports::{Clock, Randomness},
    model::event_time,
    net::http::{HttpClient, Limits, Request, Response, TransportError},
};

/// The largest page that is read: 500 records of 16 KiB each. Those seen have about 1 KiB. Pages of three
/// feeds, read ahead, and the batches made of them are in memory at the same time.
const MAX_PAGE_BYTES: usize = 8 * 1024 * 1024;

/// What to do where Mimecast cannot be reached.
pub(super) const UNREACHABLE_ADVICE: &str = "check mimecast_base_url and outbound network access";

/// How requests are made and answers are dated.
pub(super) struct Caller {
    pub(super) http: HttpClient,
    pub(super) base: Url,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) random: Arc<dyn Randomness>,
}

impl Caller {
    /// Posts a body with some headers.
    pub(super) async fn post(
        &self,
        path: &str,
        mut headers: Vec<(HeaderName, String)>,
        content_type: &str,
        body: impl Into<Bytes>,
        time: Duration,
    ) -> Result<Response, TransportError> {
        let mut url = self.base.clone();
        url.set_path(path);
        headers.extend([
            (header::CONTENT_TYPE, content_type.to_owned()),
            (header::ACCEPT, "application/json".to_owned()),
        ]);
        let request = Request {
            method: Method::POST,
            url,
            headers,
            body: body.into(),
        };
        let limits = Limits {
            time,
            body_bytes: MAX_PAGE_BYTES,
        };
        self.http.send(request, limits).await
    }

    /// What an answer says.
    pub(super) fn summary<'a>(
        &self,
        response: &Response,
        verdict: Option<&'a Verdict>,
    ) -> AnswerSummary<'a> {
        AnswerSummary {
            status: response.status.as_u16(),
            verdict,
            rate_limit_reset: reset(response, self.clock.now()),
            retry_after: response.retry_after(self.clock.now()),
            with_page_token: false,
            with_bearer: false,
        }
    }
}

/// The limits that are documented are reset within minutes. A longer time is not believed.
const MAX_RESET: Duration = Duration::from_secs(15 * 60);

/// How many calls are left, and in what time there will be more.
pub(super) fn calls_left(response: &Response, now: DateTime<Utc>) -> Option<(u64, Duration)> {
    number(response, "x-ratelimit-remaining").zip(reset(response, now))
}

/// `X-RateLimit-Reset` is documented as a number of milliseconds. Services that name the moment instead,
/// in seconds or milliseconds since 1970, are understood too: as a span it would be weeks.
fn reset(response: &Response, now: DateTime<Utc>) -> Option<Duration> {
    let text = response.header("x-ratelimit-reset")?.trim();
    let wait = match event_time::from_epoch(text) {
        Some(moment) => (moment - now).to_std().unwrap_or_default(),
        None => Duration::from_millis(text.parse().ok()?),
    };
    Some(wait.min(MAX_RESET))
}

fn number(response: &Response, header: &str) -> Option<u64> {
    response.header(header)?.trim().parse().ok()
}
