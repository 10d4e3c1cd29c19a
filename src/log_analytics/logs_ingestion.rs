//! The Logs Ingestion API.
//!
//! A batch goes to the stream of its feed in a data collection rule, as gzip. The limit is documented as
//! 1 MB "for compressed and uncompressed", and what is larger once unpacked may be dropped after an
//! acknowledgement: so batches stay below it before they are packed.

use std::io::Write;

use async_trait::async_trait;
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use reqwest::{
    Method, Url,
    header::{self, HeaderName},
};
use serde::Deserialize;

use super::{
    api::{Answer, ErrorDetails, IngestApi, Rows, Stamp},
    decision::{Decision, logs_ingestion},
    event_id,
    sink::Sink,
};
use crate::{
    ingest::error::{Cause, ErrorKind, Rejection, ServiceError},
    model::{batch::Batch, checkpoint::Service, deadline::Deadline, feed::Feed},
    net::{
        http::{Request, Response},
        token::{Token, TokenError, Tokens},
    },
};

/// The largest post before it is packed. The service's own limit is 1,048,576 bytes.
const MAX_POST_BYTES: usize = 1_000_000;

const API_VERSION: &str = "api-version=2023-01-01";

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
pub type LogsIngestionSink = Sink<Rule>;

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

/// A batch that the API would not take.
#[derive(Debug, thiserror::Error)]
#[error("{0} bytes are more than the Logs Ingestion API takes at once, {MAX_POST_BYTES}")]
struct TooLarge(usize);

#[async_trait]
impl IngestApi for Rule {
    type Authorization = Token;

    /// A row grows by five bytes where its `id` is renamed, and has hundreds itself.
    const MAX_BATCH_BYTES: usize = 970_000;
    /// The documented limit; the service cuts off the rest without a word. Counted in bytes of UTF-8,
    /// which is safe: the unit is unconfirmed.
    const MAX_VALUE_BYTES: usize = 64 * 1024;
    /// Posts are small here, and each waits for the service to store it: three at a time keep up with
    /// pages that are read side by side. More would only hold more in memory.
    const MAX_CONCURRENT_POSTS: usize = 3;
    const UNREACHABLE_ADVICE: &'static str =
        "check logs_ingestion_endpoint and outbound network access";

    fn rows(&self, batch: &Batch) -> Result<Rows, ServiceError> {
        let bytes = batch.body().len();
        if bytes > MAX_POST_BYTES {
            let kind = ErrorKind::ContentRejected(Rejection::default());
            return Err(ServiceError::new(Service::LogAnalytics, kind).with_source(TooLarge(bytes)));
        }
        let mut rows = Rows::of(batch);
        if batch.feed() == Feed::Impersonation {
            rows.body = event_id::renamed(batch).into();
        }
        Ok(rows)
    }

    fn encode(&self, rows: &Rows) -> Result<Bytes, Cause> {
        let room = Vec::with_capacity(rows.body.len() / 4);
        let mut encoder = GzEncoder::new(room, Compression::fast());
        encoder.write_all(&rows.body)?;
        Ok(encoder.finish()?.into())
    }

    async fn authorize(&self, deadline: Deadline) -> Result<Token, TokenError> {
        self.tokens.get(deadline).await
    }

    async fn invalidate(&self, token: Token) {
        self.tokens.refused(&token).await;
    }

    fn request(&self, log_type: &str, body: Bytes, token: &Token, stamp: Stamp) -> Request {
        let mut url = self.endpoint.clone();
        url.set_path(&format!(
            "/dataCollectionRules/{}/streams/Custom-{log_type}_CL",
            self.id
        ));
        url.set_query(Some(API_VERSION));
        Request {
            method: Method::POST,
            url,
            headers: vec![
                (header::AUTHORIZATION, token.bearer()),
                (header::CONTENT_TYPE, "application/json".to_owned()),
                (header::CONTENT_ENCODING, "gzip".to_owned()),
                (
                    HeaderName::from_static("x-ms-client-request-id"),
                    stamp.request_id,
                ),
            ],
            body,
        }
    }

    fn error_details(&self, response: &Response) -> ErrorDetails {
        // An answer of another shape says nothing more than its status.
        let body: ErrorBody = serde_json::from_slice(&response.body).unwrap_or_default();
        let ErrorDetail { code, message } = body.error;
        ErrorDetails { code, message }
    }

    fn decide(&self, answer: Answer<'_>) -> Decision {
        logs_ingestion::decide(answer.status, answer.retry_after)
    }

    fn advice(&self, status: u16, _: &str) -> &'static str {
        logs_ingestion::advice(status)
    }

    fn may_be_too_large(&self, _: usize) -> bool {
        false
    }
}
