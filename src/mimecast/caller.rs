//! One request to Mimecast, whoever it is from.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use reqwest::{
    Method, Url,
    header::{self, HeaderName},
};

use super::{decision::Said, wire::Verdict};
use crate::{
    ingest::ports::{Clock, Randomness},
    net::http::{HttpClient, Limits, Request, Response, TransportError},
};

/// The largest page that is read. 500 records with several long links each stay far below.
const MAX_PAGE_BYTES: usize = 64 * 1024 * 1024;

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
    pub(super) fn said<'a>(&self, answer: &Response, verdict: Option<&'a Verdict>) -> Said<'a> {
        Said {
            status: answer.status.as_u16(),
            verdict,
            rate_limit_reset: reset(answer),
            retry_after: answer.retry_after(self.clock.now()),
            with_page_token: false,
            with_bearer: false,
        }
    }
}

/// How many calls are left, and in what time there will be more.
pub(super) fn calls_left(answer: &Response) -> Option<(u64, Duration)> {
    number(answer, "x-ratelimit-remaining").zip(reset(answer))
}

fn reset(answer: &Response) -> Option<Duration> {
    number(answer, "x-ratelimit-reset").map(Duration::from_millis)
}

fn number(answer: &Response, header: &str) -> Option<u64> {
    answer.header(header)?.trim().parse().ok()
}
