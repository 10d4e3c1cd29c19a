//! Posting batches to the HTTP Data Collector API.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use reqwest::{
    Method, Url,
    header::{self, HeaderName},
};
use serde::Deserialize;
use tracing::debug;

use super::{
    decision::{Decision, data_collector},
    post::{self, Ended, MAX_RESPONSE_BYTES, PostError, Rows},
    signature::{self, CONTENT_TYPE},
};
use crate::{
    azure::ms_date::header_date,
    ingest::{
        ports::{Clock, HealthSink, LogSink, Randomness, Receipt, SinkError},
        report::health::HealthRows,
    },
    model::{batch::Batch, deadline::Deadline, feed::Feed},
    net::{
        http::{HttpClient, Limits, Request, Response},
        keys::HmacKey,
        retry::{Attempt, Policy, Trying},
    },
};

/// The largest post: Microsoft documents 30 MB, and does not say of which kind.
pub const MAX_POST_BYTES: usize = 30_000_000;

/// The only version the official samples use.
const API_VERSION: &str = "api-version=2016-04-01";

const UNREACHABLE_ADVICE: &str =
    "check log_analytics_workspace_id (a wrong one has no host) and the way out of the network";

/// The documented limit of a value; the service cuts off the rest without a word. Counted in bytes of
/// UTF-8, which is safe: the unit is unconfirmed.
const MAX_VALUE_BYTES: usize = 32 * 1024;

/// Names the member that holds a row's time.
const TIME_MEMBER: &str = "time_generated";

/// A workspace and the right to write to it.
#[derive(Debug)]
pub struct Workspace {
    /// The workspace id, a GUID.
    pub id: String,
    /// Its primary or secondary key.
    pub key: HmacKey,
    /// `https://{id}.ods.opinsights.azure.com`, or that of another cloud or a simulator.
    pub base: Url,
}

/// The Data Collector API as a sink.
pub struct DataCollectorSink {
    http: HttpClient,
    workspace: Workspace,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Randomness>,
    policy: Policy,
}

impl fmt::Debug for DataCollectorSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataCollectorSink")
            .field("base", &self.workspace.base.as_str())
            .finish_non_exhaustive()
    }
}

/// What the service answers to an error.
#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct ErrorBody {
    error: String,
    message: String,
}

impl DataCollectorSink {
    /// A sink into `workspace`.
    #[must_use]
    pub fn new(
        http: HttpClient,
        workspace: Workspace,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Randomness>,
    ) -> Self {
        Self {
            http,
            workspace,
            clock,
            random,
            policy: Policy::STANDARD,
        }
    }

    async fn post(&self, rows: Rows<'_>, deadline: Deadline) -> Result<Receipt, SinkError> {
        let mut trying = Trying::new(&*self.clock, &*self.random, self.policy, deadline);
        let result = loop {
            let time = match trying.begin() {
                Ok(time) => time,
                Err(gave_up) => break Err(gave_up),
            };
            let attempt = self.attempt(rows, time).await;
            if let Some(result) = trying.end(attempt).await {
                break result;
            }
        };
        post::receipt(result, data_collector::may_be_too_large(rows.body.len()))
    }

    async fn attempt(&self, rows: Rows<'_>, time: Duration) -> Attempt<Ended, PostError> {
        let limits = Limits {
            time,
            body_bytes: MAX_RESPONSE_BYTES,
        };
        let answer = match self.http.send(self.request(rows), limits).await {
            Ok(answer) => answer,
            Err(error) => return post::no_answer(error, 200, UNREACHABLE_ADVICE),
        };
        let status = answer.status.as_u16();
        let retry_after = answer.retry_after(self.clock.now());
        let body: ErrorBody = serde_json::from_slice(&answer.body).unwrap_or_default();
        match data_collector::decide(status, &body.error, rows.body.len(), retry_after) {
            Decision::Accept => Attempt::Done(Ended::Taken),
            Decision::Part => Attempt::Done(Ended::Content(refused(rows, &answer, &body))),
            Decision::Retry(after) => {
                debug!(
                    log_type = rows.log_type,
                    status,
                    ?after,
                    "post to be made again"
                );
                Attempt::Again {
                    error: refused(rows, &answer, &body),
                    after,
                }
            }
            // There is no token here to renew.
            Decision::Refuse | Decision::Renew => Attempt::Stop(refused(rows, &answer, &body)),
        }
    }

    fn request(&self, rows: Rows<'_>) -> Request {
        let date = header_date(self.clock.now());
        let text = signature::string_to_sign(rows.body.len(), &date);
        let signature = self.workspace.key.sign_sha256(&text);
        let mut url = self.workspace.base.clone();
        url.set_path("/api/logs");
        url.set_query(Some(API_VERSION));
        Request {
            method: Method::POST,
            url,
            headers: vec![
                (
                    header::AUTHORIZATION,
                    format!("SharedKey {}:{signature}", self.workspace.id),
                ),
                (header::CONTENT_TYPE, CONTENT_TYPE.to_owned()),
                (
                    HeaderName::from_static("log-type"),
                    rows.log_type.to_owned(),
                ),
                (HeaderName::from_static("x-ms-date"), date),
                (
                    HeaderName::from_static("time-generated-field"),
                    TIME_MEMBER.to_owned(),
                ),
            ],
            body: rows.body.clone(),
        }
    }
}

fn refused(rows: Rows<'_>, answer: &Response, body: &ErrorBody) -> PostError {
    let advice = data_collector::advice(answer.status.as_u16(), &body.error);
    PostError::refused(rows, answer, &body.error, &body.message, advice)
}

#[async_trait]
impl LogSink for DataCollectorSink {
    fn max_batch_bytes(&self) -> usize {
        MAX_POST_BYTES
    }

    fn max_value_bytes(&self) -> usize {
        MAX_VALUE_BYTES
    }

    async fn deliver(&self, batch: &Batch, deadline: Deadline) -> Result<Receipt, SinkError> {
        self.post(Rows::of(batch), deadline).await
    }

    /// An empty array is taken without an error and stores nothing.
    async fn probe(&self, feed: Feed, deadline: Deadline) -> Result<(), SinkError> {
        self.deliver(&Batch::empty(feed), deadline).await?;
        Ok(())
    }
}

#[async_trait]
impl HealthSink for DataCollectorSink {
    async fn deliver_health(&self, rows: &HealthRows, deadline: Deadline) -> Result<(), SinkError> {
        self.post(Rows::of_health(rows), deadline).await?;
        Ok(())
    }
}
