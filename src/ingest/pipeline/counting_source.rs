//! A source that counts the calls made of it, whatever they were for, and bounds them; that tells the clock of
//! the pass what Mimecast's showed; and that ends with the pass.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use async_trait::async_trait;

use super::source_clock::SourceClock;
use crate::{
    ingest::{
        error::{ErrorKind, ServiceError},
        ports::{LogSource, PageRequest},
        stop::Stop,
    },
    model::{checkpoint::Service, deadline::Deadline, page::Page},
};

/// The most calls of a feed in one pass: with full pages, five million records. A source whose counts or
/// pages are wrong must not keep a pass busy for nothing.
const MAX_CALLS: u64 = 10_000;

/// [`MAX_CALLS`] were made.
#[derive(Debug, thiserror::Error)]
#[error("{MAX_CALLS} calls were made, the most in one run")]
struct TooManyCalls;

pub(in crate::ingest) struct CountingSource {
    source: Arc<dyn LogSource>,
    clock: Arc<SourceClock>,
    stop: Stop,
    calls: AtomicU64,
}

impl CountingSource {
    pub(in crate::ingest) fn new(
        source: Arc<dyn LogSource>,
        clock: Arc<SourceClock>,
        stop: Stop,
    ) -> Self {
        Self {
            source,
            clock,
            stop,
            calls: AtomicU64::new(0),
        }
    }

    /// The requests made so far: the first attempts and the retries, whatever became of them.
    pub(in crate::ingest) fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl LogSource for CountingSource {
    async fn fetch_page(
        &self,
        request: PageRequest<'_>,
        deadline: Deadline,
    ) -> Result<Page, ServiceError> {
        if self.calls() >= MAX_CALLS {
            let error = ServiceError::new(Service::Mimecast, ErrorKind::DeadlineExceeded);
            return Err(error.with_source(TooManyCalls));
        }
        let result = tokio::select! {
            biased;
            () = self.stop.requested() => {
                Err(ServiceError::new(Service::Mimecast, ErrorKind::Stopped))
            }
            result = self.source.fetch_page(request, deadline) => result,
        };
        let calls = match &result {
            Ok(page) => page.attempts,
            Err(error) => error.attempts(),
        };
        self.calls.fetch_add(calls.into(), Ordering::Relaxed);
        if let Ok(page) = &result {
            page.clock_ahead.inspect(|ahead| self.clock.learn(*ahead));
            if self.clock.is_news() {
                return Err(ServiceError::new(Service::Mimecast, ErrorKind::ClockAhead));
            }
        }
        result
    }
}
