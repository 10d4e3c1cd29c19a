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
    decision::{self, Decision},
    signature::{self, CONTENT_TYPE},
};
use crate::{
    azure::ms_date::header_date,
    http::{self, Answer, HttpClient, Limits, Request, TransportError},
    ingest::ports::{Clock, LogSink, Randomness, Receipt, Refusal, SinkError},
    keys::HmacKey,
    model::{batch::Batch, deadline::Deadline, feed::Feed},
    retry::{Attempt, GaveUp, Policy, Trying},
};

/// The largest post: Microsoft documents 30 MB, and does not say of which kind.
pub const MAX_POST_BYTES: usize = 30_000_000;

/// The only version the official samples use.
const API_VERSION: &str = "api-version=2016-04-01";

/// Error bodies are a few hundred bytes.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

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

#[derive(Debug, thiserror::Error)]
enum PostError {
    #[error(
        "Log Analytics cannot be reached: {0}. What to do: check log_analytics_workspace_id (a wrong one has no host) and the way out of the network"
    )]
    Transport(#[from] TransportError),
    #[error(
        "Log Analytics answered {status} {said} to {rows} rows ({bytes} bytes, request id {}). What to do: {advice}",
        .request_id.as_deref().unwrap_or("none")
    )]
    Refused {
        status: u16,
        said: String,
        rows: usize,
        bytes: usize,
        request_id: Option<String>,
        advice: &'static str,
    },
}

/// What the service answers to an error.
#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct ErrorBody {
    error: String,
    message: String,
}

enum Ended {
    Taken,
    /// A part of it may pass.
    Content(PostError),
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

    async fn attempt(&self, batch: &Batch, time: Duration) -> Attempt<Ended, PostError> {
        let limits = Limits {
            time,
            body_bytes: MAX_ANSWER_BYTES,
        };
        let answer = match self.http.send(self.request(batch), limits).await {
            Ok(answer) => answer,
            // It has said that it took the batch; what more it had to say does not matter.
            Err(error) if error.status() == Some(200) => return Attempt::Done(Ended::Taken),
            Err(error @ TransportError::Request(_)) => return Attempt::Stop(error.into()),
            Err(error) => {
                return Attempt::Again {
                    error: error.into(),
                    after: None,
                };
            }
        };
        let status = answer.status.as_u16();
        let retry_after = answer.retry_after(self.clock.now());
        let body: ErrorBody = serde_json::from_slice(&answer.body).unwrap_or_default();
        match decision::decide(status, &body.error, batch.body().len(), retry_after) {
            Decision::Accept => Attempt::Done(Ended::Taken),
            Decision::Part => Attempt::Done(Ended::Content(refused(batch, &answer, &body))),
            Decision::Retry(after) => {
                debug!(feed = %batch.feed(), status, ?after, "post to be made again");
                Attempt::Again {
                    error: refused(batch, &answer, &body),
                    after,
                }
            }
            Decision::Refuse => Attempt::Stop(refused(batch, &answer, &body)),
        }
    }

    fn request(&self, batch: &Batch) -> Request {
        let date = header_date(self.clock.now());
        let text = signature::string_to_sign(batch.body().len(), &date);
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
                    batch.feed().log_type().to_owned(),
                ),
                (HeaderName::from_static("x-ms-date"), date),
                (
                    HeaderName::from_static("time-generated-field"),
                    TIME_MEMBER.to_owned(),
                ),
            ],
            body: batch.body().clone(),
        }
    }
}

fn refused(batch: &Batch, answer: &Answer, body: &ErrorBody) -> PostError {
    let status = answer.status.as_u16();
    let said = if body.error.is_empty() {
        format!("`{}`", http::excerpt(&answer.body))
    } else {
        format!(
            "{} ({})",
            body.error,
            http::excerpt(body.message.as_bytes())
        )
    };
    PostError::Refused {
        status,
        said,
        rows: batch.rows().len(),
        bytes: batch.body().len(),
        request_id: answer.header("x-ms-request-id").map(ToOwned::to_owned),
        advice: decision::advice(status, &body.error),
    }
}

impl PostError {
    fn refusal(self) -> Refusal {
        let (status, request_id) = match &self {
            Self::Refused {
                status, request_id, ..
            } => (Some(*status), request_id.clone()),
            Self::Transport(_) => (None, None),
        };
        Refusal {
            cause: self.into(),
            status,
            request_id,
        }
    }
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
        let mut trying = Trying::new(&*self.clock, &*self.random, self.policy, deadline);
        let result = loop {
            let time = match trying.begin() {
                Ok(time) => time,
                Err(gave_up) => break Err(gave_up),
            };
            let attempt = self.attempt(batch, time).await;
            if let Some(result) = trying.end(attempt).await {
                break result;
            }
        };
        match result {
            Ok((Ended::Taken, attempts)) => Ok(Receipt { attempts }),
            Ok((Ended::Content(error), _)) => Err(SinkError::Content(error.refusal())),
            Err(GaveUp::Failed {
                error: error @ PostError::Transport(TransportError::Broken { .. }),
                ..
            }) if decision::may_be_too_large(batch.body().len()) => {
                Err(SinkError::Content(error.refusal()))
            }
            Err(ref gave_up @ GaveUp::Failed { attempts, .. }) => Err(SinkError::Failed {
                cause: gave_up.to_string().into(),
                attempts,
            }),
            Err(GaveUp::Throttled { wait }) => Err(SinkError::Throttled(wait)),
            Err(gave_up) => Err(SinkError::OutOfTime(format!("Log Analytics: {gave_up}"))),
        }
    }

    /// An empty array is taken without an error and stores nothing.
    async fn probe(&self, feed: Feed, deadline: Deadline) -> Result<(), SinkError> {
        self.deliver(&Batch::empty(feed), deadline).await?;
        Ok(())
    }
}
