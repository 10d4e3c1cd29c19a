//! What differs between the two APIs of Log Analytics.

use std::{fmt::Debug, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};

use super::decision::Decision;
use crate::{
    ingest::{
        error::{Cause, ServiceError},
        report::health::HealthRows,
    },
    model::{batch::Batch, deadline::Deadline},
    net::{
        http::{Request, Response},
        token::TokenError,
    },
};

/// What is posted at once: rows for one table.
#[derive(Debug, Clone)]
pub struct Rows {
    /// The table's name without `_CL`.
    pub log_type: &'static str,
    /// How many rows there are.
    pub count: usize,
    /// A JSON array.
    pub body: Bytes,
}

impl Rows {
    pub(super) fn of(batch: &Batch) -> Self {
        Self {
            log_type: batch.feed().log_type(),
            count: batch.rows().len(),
            body: batch.body().clone(),
        }
    }

    pub(super) fn of_health(rows: &HealthRows) -> Self {
        Self {
            log_type: HEALTH_LOG_TYPE,
            count: rows.count,
            body: rows.body.clone(),
        }
    }
}

/// The log type of the rows about passes.
const HEALTH_LOG_TYPE: &str = "MimecastTTPHealth";

/// What the service said besides the status.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ErrorDetails {
    /// Its name for the error; empty where there is none.
    pub code: String,
    /// Its words.
    pub message: String,
}

/// What an answer is judged by.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// The HTTP status.
    pub status: u16,
    /// The service's name for the error.
    pub code: &'a str,
    /// The size of the rows that were posted, in bytes.
    pub posted_bytes: usize,
    /// Whether the answer has a body, or may have one that did not come whole.
    pub has_body: bool,
    /// How long the service asks to wait.
    pub retry_after: Option<Duration>,
}

/// When a request is made, and its own id.
#[derive(Debug, Clone)]
pub struct Stamp {
    /// The wall clock.
    pub now: DateTime<Utc>,
    /// A GUID.
    pub request_id: String,
}

/// An API that takes rows.
#[async_trait]
pub trait IngestApi: Debug + Send + Sync {
    /// What authorises a post.
    type Authorization: Send + Sync;

    /// The largest batch, in bytes of JSON.
    const MAX_BATCH_BYTES: usize;
    /// The longest value that a column takes whole, in bytes of UTF-8.
    const MAX_VALUE_BYTES: usize;
    /// How many posts of a feed may be under way at a time.
    const MAX_CONCURRENT_POSTS: usize;
    /// What to do where the service cannot be reached.
    const UNREACHABLE_ADVICE: &'static str;

    /// The rows of a batch as the API wants them.
    fn rows(&self, batch: &Batch) -> Result<Rows, ServiceError>;

    /// The body that is sent for some rows.
    fn encode(&self, rows: &Rows) -> Result<Bytes, Cause>;

    /// What authorises the next post.
    async fn authorize(&self, deadline: Deadline) -> Result<Self::Authorization, TokenError>;

    /// The service refused this: the next post gets another one.
    async fn invalidate(&self, authorization: Self::Authorization);

    /// The request that posts a body.
    fn request(
        &self,
        log_type: &str,
        body: Bytes,
        authorization: &Self::Authorization,
        stamp: Stamp,
    ) -> Request;

    /// What a response says besides its status.
    fn error_details(&self, response: &Response) -> ErrorDetails;

    /// What an answer means for what happens next.
    fn decide(&self, answer: Answer<'_>) -> Decision;

    /// What an operator can do about a refusal.
    fn advice(&self, status: u16, code: &str) -> &'static str;

    /// Whether a post of this size that is cut off without an answer, time and again, may be too large.
    fn may_be_too_large(&self, posted_bytes: usize) -> bool;
}
