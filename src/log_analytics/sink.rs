//! Posting a batch until it is taken or not, through either API.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use tracing::{debug, instrument};

use super::{
    api::{Answer, ErrorDetails, IngestApi, Rows, Stamp},
    decision::Decision,
    error::PostError,
};
use crate::{
    ingest::{
        error::{ErrorKind, Rejection, ServiceError},
        ports::{Clock, HealthSink, LogSink, Randomness, Receipt},
        report::health::HealthRows,
    },
    model::{batch::Batch, checkpoint::Service, deadline::Deadline, feed::Feed},
    net::{
        http::{HttpClient, Limits, Response, TransportError},
        retry::{self, Context, Next, Once, Policy},
    },
};

/// Error bodies are a few hundred bytes.
const MAX_RESPONSE_BYTES: usize = 64 * 1024;

/// Log Analytics, through one of its APIs.
pub struct Sink<A> {
    api: A,
    http: HttpClient,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Randomness>,
    policy: Policy,
}

impl<A: fmt::Debug> fmt::Debug for Sink<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sink")
            .field("api", &self.api)
            .finish_non_exhaustive()
    }
}

impl<A: IngestApi> Sink<A> {
    /// A sink that posts to `api`.
    #[must_use]
    pub fn new(
        http: HttpClient,
        api: A,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Randomness>,
    ) -> Self {
        Self {
            api,
            http,
            clock,
            random,
            policy: Policy::STANDARD,
        }
    }

    #[instrument(
        skip_all,
        fields(log_type = rows.log_type, rows = rows.count, bytes = rows.body.len())
    )]
    async fn post(&self, rows: Rows, deadline: Deadline) -> Result<Receipt, ServiceError> {
        let body = self.api.encode(&rows).map_err(|cause| {
            ServiceError::new(Service::LogAnalytics, ErrorKind::Failed).with_source(cause)
        })?;
        let context = Context {
            service: Service::LogAnalytics,
            clock: &*self.clock,
            random: &*self.random,
            policy: self.policy,
            deadline,
        };
        let renewal = Once::default();
        let attempt = |_| self.attempt(&rows, &body, &context, &renewal);
        let ((), attempts) = retry::run(context, attempt).await?;
        Ok(Receipt::after(attempts))
    }

    async fn attempt(
        &self,
        rows: &Rows,
        body: &Bytes,
        context: &Context<'_>,
        renewal: &Once,
    ) -> Result<(), PostError> {
        let authorization = self.api.authorize(context.deadline).await;
        let authorization = authorization.map_err(PostError::NotAuthorized)?;
        // Waiting for a token has taken its time.
        let time = context.attempt_time().ok_or(PostError::NoTimeLeft)?;
        let stamp = Stamp {
            now: self.clock.now(),
            request_id: self.random.request_id(),
        };
        let request = (self.api).request(rows.log_type, body.clone(), &authorization, stamp);
        let limits = Limits {
            time,
            body_bytes: MAX_RESPONSE_BYTES,
        };
        let response = match self.http.send(request, limits).await {
            Ok(response) => response,
            Err(error) if self.is_acknowledged(&error) => return Ok(()),
            Err(source) => return Err(self.unreachable(rows, source)),
        };
        let details = self.api.error_details(&response);
        let answer = Answer {
            status: response.status.as_u16(),
            code: &details.code,
            posted_bytes: rows.body.len(),
            has_body: !response.body.trim_ascii().is_empty(),
            retry_after: response.retry_after(self.clock.now()),
        };
        let next = match self.api.decide(answer) {
            Decision::Accept => return Ok(()),
            Decision::Renew if renewal.is_first() => {
                self.api.invalidate(authorization).await;
                return Err(PostError::Renewed);
            }
            Decision::Retry(after) => {
                debug!(
                    status = answer.status,
                    after_seconds = after.map(|after| after.as_secs_f64()),
                    "The post will be repeated."
                );
                Next::Retry(after)
            }
            Decision::Split => Next::Stop(ErrorKind::ContentRejected(Rejection {
                status: Some(answer.status),
                request_id: request_id(&response),
            })),
            Decision::Renew | Decision::Refuse => Next::Stop(ErrorKind::Failed),
        };
        Err(self.refused(rows, &response, &details, next))
    }

    /// Whether an answer that did not come whole acknowledges the post all the same: what came of it has
    /// to say so.
    fn is_acknowledged(&self, error: &TransportError) -> bool {
        error.status().is_some_and(|status| {
            let answer = Answer {
                status,
                code: "",
                posted_bytes: 0,
                has_body: error.has_body(),
                retry_after: None,
            };
            self.api.decide(answer) == Decision::Accept
        })
    }

    fn unreachable(&self, rows: &Rows, source: TransportError) -> PostError {
        PostError::Unreachable {
            advice: source.advice().unwrap_or(A::UNREACHABLE_ADVICE),
            source,
            may_be_too_large: self.api.may_be_too_large(rows.body.len()),
        }
    }

    /// A refusal in the service's own words: its code and message, if it has any.
    fn refused(
        &self,
        rows: &Rows,
        response: &Response,
        details: &ErrorDetails,
        next: Next,
    ) -> PostError {
        let status = response.status.as_u16();
        PostError::Refused {
            status,
            detail: details.describe(response),
            rows: rows.count,
            bytes: rows.body.len(),
            request_id: request_id(response),
            advice: self.api.advice(status, &details.code),
            next,
        }
    }
}

fn request_id(response: &Response) -> Option<String> {
    response
        .header("x-ms-request-id")
        .map(|id| response.tell(id))
}

#[async_trait]
impl<A: IngestApi> LogSink for Sink<A> {
    fn max_batch_bytes(&self) -> usize {
        A::MAX_BATCH_BYTES
    }

    fn max_value_bytes(&self) -> usize {
        A::MAX_VALUE_BYTES
    }

    fn max_concurrent_posts(&self) -> usize {
        A::MAX_CONCURRENT_POSTS
    }

    async fn deliver(&self, batch: &Batch, deadline: Deadline) -> Result<Receipt, ServiceError> {
        self.post(self.api.rows(batch)?, deadline).await
    }

    /// An empty array is taken without an error and stores nothing; other shippers test their credentials
    /// so.
    async fn post_nothing(&self, feed: Feed, deadline: Deadline) -> Result<(), ServiceError> {
        self.deliver(&Batch::empty(feed), deadline).await?;
        Ok(())
    }
}

#[async_trait]
impl<A: IngestApi> HealthSink for Sink<A> {
    async fn deliver_health(
        &self,
        rows: &HealthRows,
        deadline: Deadline,
    ) -> Result<(), ServiceError> {
        self.post(Rows::of_health(rows), deadline).await?;
        Ok(())
    }
}
