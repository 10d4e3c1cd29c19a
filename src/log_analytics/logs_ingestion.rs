//! Posting batches to the Logs Ingestion API.
//!
//! A batch goes to the stream of its feed in a data collection rule, as gzip. The limit is documented as
//! 1 MB "for compressed and uncompressed", and what is larger once unpacked may be dropped behind an
//! acknowledgement: so batches stay below it before they are packed.

use std::{fmt, io::Write, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use reqwest::{
    Method, Url,
    header::{self, HeaderName},
};
use serde::Deserialize;
use tracing::debug;

use super::{
    decision::{Decision, logs_ingestion},
    event_id,
    post::{self, Ended, MAX_RESPONSE_BYTES, PostError, Rows},
};
use crate::{
    ingest::{
        ports::{Clock, HealthSink, LogSink, Randomness, Receipt, Rejection, SinkError},
        report::health::HealthRows,
    },
    model::{batch::Batch, deadline::Deadline, feed::Feed},
    net::{
        http::{HttpClient, Limits, Request, Response},
        retry::{Attempt, Policy, Trying},
        token::Tokens,
    },
};

/// The largest post before it is packed. The service's own limit is 1,048,576 bytes.
const MAX_POST_BYTES: usize = 1_000_000;

/// The largest batch: a row grows by five bytes where its `id` is renamed, and has hundreds itself.
const MAX_BATCH_BYTES: usize = 970_000;

/// The documented limit of a value; the service cuts off the rest without a word. Counted in bytes of
/// UTF-8, which is safe: the unit is unconfirmed.
const MAX_VALUE_BYTES: usize = 64 * 1024;

/// Posts are small here, and each waits for the service to store it: three at a time keep up with pages
/// that are read side by side. More would only hold more in memory.
const MAX_CONCURRENT_POSTS: usize = 3;

const API_VERSION: &str = "api-version=2023-01-01";

const UNREACHABLE_ADVICE: &str = "check logs_ingestion_endpoint and the way out of the network";

/// A data collection rule, and the right to send to it.
#[derive(Debug)]
pub struct Rule {
    /// The rule's own endpoint or that of a data collection endpoint.
    pub endpoint: Url,
    /// The immutable id: `dcr-` and 32 hex digits.
    pub id: String,
    /// Where tokens come from.
    pub tokens: Tokens,
}

/// The Logs Ingestion API as a sink.
pub struct LogsIngestionSink {
    http: HttpClient,
    rule: Rule,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Randomness>,
    policy: Policy,
}

impl fmt::Debug for LogsIngestionSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogsIngestionSink")
            .field("rule", &self.rule)
            .finish_non_exhaustive()
    }
}

/// What the service answers to an error.
#[derive(Deserialize, Default)]
#[serde(default)]
struct ErrorBody {
    error: ErrorDetail,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ErrorDetail {
    code: String,
    message: String,
}

impl LogsIngestionSink {
    /// A sink into `rule`.
    #[must_use]
    pub fn new(
        http: HttpClient,
        rule: Rule,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Randomness>,
    ) -> Self {
        Self {
            http,
            rule,
            clock,
            random,
            policy: Policy::STANDARD,
        }
    }

    async fn post(&self, rows: Rows<'_>, deadline: Deadline) -> Result<Receipt, SinkError> {
        let Some(packed) = packed(rows.body) else {
            return Err(SinkError::Failed {
                cause: "a batch could not be packed".into(),
                attempts: 0,
            });
        };
        let mut renewed = false;
        let mut trying = Trying::new(&*self.clock, &*self.random, self.policy, deadline);
        let result = loop {
            let time = match trying.begin() {
                Ok(time) => time,
                Err(gave_up) => break Err(gave_up),
            };
            let attempt = self.attempt(rows, &packed, &mut renewed, time, deadline);
            if let Some(result) = trying.end(attempt.await).await {
                break result;
            }
        };
        post::receipt(result, false)
    }

    async fn attempt(
        &self,
        rows: Rows<'_>,
        packed: &Bytes,
        renewed: &mut bool,
        time: Duration,
        deadline: Deadline,
    ) -> Attempt<Ended, PostError> {
        let token = match self.rule.tokens.get(deadline).await {
            Ok(token) => token,
            Err(error) => return error.into_attempt(PostError::NotAuthorised),
        };
        // Waiting for a token has taken its time.
        let Some(left) = deadline.remaining(self.clock.elapsed()) else {
            let cause = "the time was over before the post".to_owned();
            return Attempt::Again {
                error: PostError::NotAuthorised(cause),
                after: None,
            };
        };
        let limits = Limits {
            time: time.min(left),
            body_bytes: MAX_RESPONSE_BYTES,
        };
        let request = self.request(rows.log_type, token.bearer(), packed.clone());
        let answer = match self.http.send(request, limits).await {
            Ok(answer) => answer,
            Err(error) => return post::no_answer(error, 204, UNREACHABLE_ADVICE),
        };
        let status = answer.status.as_u16();
        match logs_ingestion::decide(status, answer.retry_after(self.clock.now())) {
            Decision::Accept => Attempt::Done(Ended::Taken),
            Decision::Part => Attempt::Done(Ended::Content(refused(rows, &answer))),
            Decision::Retry(after) => {
                debug!(
                    log_type = rows.log_type,
                    status,
                    ?after,
                    "post to be made again"
                );
                Attempt::Again {
                    error: refused(rows, &answer),
                    after,
                }
            }
            Decision::Renew if !*renewed => {
                self.rule.tokens.refused(&token).await;
                *renewed = true;
                Attempt::AtOnce
            }
            Decision::Renew | Decision::Refuse => Attempt::Stop(refused(rows, &answer)),
        }
    }

    fn request(&self, log_type: &str, authorization: String, body: Bytes) -> Request {
        let mut url = self.rule.endpoint.clone();
        url.set_path(&format!(
            "/dataCollectionRules/{}/streams/Custom-{}_CL",
            self.rule.id, log_type
        ));
        url.set_query(Some(API_VERSION));
        Request {
            method: Method::POST,
            url,
            headers: vec![
                (header::AUTHORIZATION, authorization),
                (header::CONTENT_TYPE, "application/json".to_owned()),
                (header::CONTENT_ENCODING, "gzip".to_owned()),
                (
                    HeaderName::from_static("x-ms-client-request-id"),
                    self.random.request_id(),
                ),
            ],
            body,
        }
    }
}

fn refused(rows: Rows<'_>, answer: &Response) -> PostError {
    let body: ErrorBody = serde_json::from_slice(&answer.body).unwrap_or_default();
    let ErrorDetail { code, message } = body.error;
    let advice = logs_ingestion::advice(answer.status.as_u16());
    PostError::refused(rows, answer, &code, &message, advice)
}

/// The body as it is posted; `None` where it cannot be packed, which writing into memory does not do.
fn packed(body: &[u8]) -> Option<Bytes> {
    let mut packer = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::fast());
    packer.write_all(body).ok()?;
    Some(packer.finish().ok()?.into())
}

#[async_trait]
impl LogSink for LogsIngestionSink {
    fn max_batch_bytes(&self) -> usize {
        MAX_BATCH_BYTES
    }

    fn max_value_bytes(&self) -> usize {
        MAX_VALUE_BYTES
    }

    fn max_concurrent_posts(&self) -> usize {
        MAX_CONCURRENT_POSTS
    }

    async fn deliver(&self, batch: &Batch, deadline: Deadline) -> Result<Receipt, SinkError> {
        let bytes = batch.body().len();
        if bytes > MAX_POST_BYTES {
            return Err(SinkError::Content(Rejection {
                cause: format!(
                    "{bytes} bytes are more than the Logs Ingestion API takes at once, {MAX_POST_BYTES}"
                )
                .into(),
                status: None,
                request_id: None,
            }));
        }
        let renamed;
        let mut rows = Rows::of(batch);
        if batch.feed() == Feed::Impersonation {
            renamed = Bytes::from(event_id::renamed(batch));
            rows.body = &renamed;
        }
        self.post(rows, deadline).await
    }

    /// An empty array is answered 204 and stores nothing; other shippers test their credentials so.
    async fn probe(&self, feed: Feed, deadline: Deadline) -> Result<(), SinkError> {
        self.deliver(&Batch::empty(feed), deadline).await?;
        Ok(())
    }
}

#[async_trait]
impl HealthSink for LogsIngestionSink {
    async fn deliver_health(&self, rows: &HealthRows, deadline: Deadline) -> Result<(), SinkError> {
        self.post(Rows::of_health(rows), deadline).await?;
        Ok(())
    }
}
