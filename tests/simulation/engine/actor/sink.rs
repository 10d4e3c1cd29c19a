//! The workspace, as a run sees it.

use std::time::Duration;

use async_trait::async_trait;
use mimecast_ttp::{
    ingest::{
        error::{ErrorKind, Rejection, ServiceError},
        ports::{LogSink, Receipt},
    },
    model::{batch::Batch, checkpoint::Service, deadline::Deadline, feed::Feed},
};

use super::{
    super::{bugs::Bug, world::numbers},
    Actor,
};

fn error(kind: ErrorKind) -> ServiceError {
    ServiceError::new(Service::LogAnalytics, kind)
}

fn too_late(cause: &'static str) -> ServiceError {
    error(ErrorKind::DeadlineExceeded).with_source(cause)
}

#[async_trait]
impl LogSink for Actor {
    fn max_batch_bytes(&self) -> usize {
        30_000_000
    }

    fn max_value_bytes(&self) -> usize {
        32_768
    }

    fn max_concurrent_posts(&self) -> usize {
        self.world.story.sink.max_concurrent_posts()
    }

    async fn deliver(&self, batch: &Batch, deadline: Deadline) -> Result<Receipt, ServiceError> {
        self.step("post").await;
        let result = self.take(batch, deadline).await;
        if result.is_err() {
            self.step("refused").await;
        }
        result
    }

    async fn post_nothing(&self, feed: Feed, deadline: Deadline) -> Result<(), ServiceError> {
        self.deliver(&Batch::empty(feed), deadline).await.map(drop)
    }
}

impl Actor {
    async fn take(&self, batch: &Batch, deadline: Deadline) -> Result<Receipt, ServiceError> {
        if self.is_late(deadline) {
            return Err(too_late("too late to post"));
        }
        let rows = numbers(batch.body());
        if let Some(status) = self.refusal(&rows) {
            if self.world.has(Bug::DropsTheWholeBatch) {
                return Ok(Receipt::after(1));
            }
            let rejection = Rejection {
                status: Some(status),
                request_id: None,
            };
            let error = error(ErrorKind::ContentRejected(rejection));
            return Err(error.with_source(format!("answered {status}")));
        }
        if rows.is_empty() {
            return Ok(Receipt::after(1));
        }
        if self.world.has(Bug::CheckpointBeforeAcknowledgement) {
            self.release_held();
            self.world.state().runs[self.run].held_batch = Some((batch.feed(), rows));
            return Ok(Receipt::after(1));
        }
        self.store(batch.feed(), rows, deadline).await
    }

    /// Stores rows, unless a fault comes before; and says so, unless one comes after.
    async fn store(
        &self,
        feed: Feed,
        rows: Vec<usize>,
        deadline: Deadline,
    ) -> Result<Receipt, ServiceError> {
        let fault = self.fault(|state| state.odds.post, 7);
        let failed = |cause: &'static str| {
            let failed = error(ErrorKind::Failed).with_source(cause);
            failed.after(5, Duration::ZERO)
        };
        // Not stored.
        match fault {
            Some(0) if self.world.has(Bug::TakesFailureForSuccess) => {
                return Ok(Receipt::after(1));
            }
            Some(0) => return Err(failed("answered 503")),
            Some(1) => return Err(too_late("busy")),
            Some(2) => {
                return Err(error(ErrorKind::Throttled {
                    retry_after: self.wait(),
                }));
            }
            Some(3) => self.slow(deadline).await,
            _ => {}
        }
        if self.is_late(deadline) {
            return Err(too_late("cut off before the post"));
        }
        let post = self
            .world
            .state()
            .oracle
            .stored(self.run, feed, rows.clone(), false);
        self.step("stored").await;
        // Stored, and the answer is lost.
        match fault {
            Some(4) => return Err(failed("the connection was reset")),
            Some(5) => return Err(too_late("cut off after the post")),
            Some(6) => {
                let mut state = self.world.state();
                let again = state.oracle.stored(self.run, feed, rows, true);
                state.oracle.acknowledged(again);
            }
            _ => {}
        }
        self.world.state().oracle.acknowledged(post);
        let attempts = if fault == Some(6) { 2 } else { 1 };
        Ok(Receipt::after(attempts))
    }

    fn refusal(&self, rows: &[usize]) -> Option<u16> {
        let story = &self.world.story;
        if rows.len() > story.max_rows {
            return Some(413);
        }
        let poison = rows.iter().any(|row| story.records[*row].poison);
        (poison || self.world.state().runs[self.run].refuses_all).then_some(400)
    }
}
