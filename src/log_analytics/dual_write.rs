//! A rehearsal: two sinks are fed for a while, and the checkpoint goes by the first.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use tracing::warn;

use crate::{
    ingest::{
        error::{Explain, ServiceError},
        ports::{Clock, HealthSink, LogSink, Receipt},
        report::health::HealthRows,
    },
    model::{batch::Batch, deadline::Deadline, feed::Feed},
};

/// The second sink holds up a batch for no longer than this.
const SECONDARY_TIMEOUT: Duration = Duration::from_secs(15);

/// How long a second sink that failed is left alone: it must not hold up every batch of a backlog.
const SECONDARY_COOLDOWN: Duration = Duration::from_secs(60);

/// What a rehearsal needs of a sink.
pub trait RecordAndHealthSink: LogSink + HealthSink {}

impl<T: LogSink + HealthSink> RecordAndHealthSink for T {}

/// Until a given time each batch goes to `first` and, once that has taken it, to `second`; what the
/// second does with it is told and changes nothing. From then on there is only the second;
/// a batch that was begun before still goes to both.
pub struct DualWriteSink {
    first: Arc<dyn RecordAndHealthSink>,
    second: Arc<dyn RecordAndHealthSink>,
    until: DateTime<Utc>,
    clock: Arc<dyn Clock>,
    /// Until when the second is left alone after it has failed.
    resting_until: Mutex<Duration>,
}

impl fmt::Debug for DualWriteSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DualWriteSink")
            .field("until", &self.until)
            .finish_non_exhaustive()
    }
}

impl DualWriteSink {
    /// A rehearsal until that time.
    #[must_use]
    pub fn new(
        first: Arc<dyn RecordAndHealthSink>,
        second: Arc<dyn RecordAndHealthSink>,
        until: DateTime<Utc>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            first,
            second,
            until,
            clock,
            resting_until: Mutex::default(),
        }
    }

    fn resting_until(&self) -> MutexGuard<'_, Duration> {
        let resting_until = self.resting_until.lock();
        resting_until.unwrap_or_else(PoisonError::into_inner)
    }

    fn is_over(&self) -> bool {
        self.clock.now() >= self.until
    }

    /// The sink whose acknowledgement moves the checkpoint.
    fn authoritative(&self) -> &dyn RecordAndHealthSink {
        if self.is_over() {
            &*self.second
        } else {
            &*self.first
        }
    }
}

#[async_trait]
impl LogSink for DualWriteSink {
    fn max_batch_bytes(&self) -> usize {
        let (first, second) = (self.first.max_batch_bytes(), self.second.max_batch_bytes());
        first.min(second)
    }

    fn max_value_bytes(&self) -> usize {
        let (first, second) = (self.first.max_value_bytes(), self.second.max_value_bytes());
        first.min(second)
    }

    fn max_concurrent_posts(&self) -> usize {
        self.authoritative().max_concurrent_posts()
    }

    /// Which sinks a batch goes to is decided once, before it is posted: one that is under way at the
    /// end of the rehearsal still goes to both.
    async fn deliver(&self, batch: &Batch, deadline: Deadline) -> Result<Receipt, ServiceError> {
        if self.is_over() {
            return self.second.deliver(batch, deadline).await;
        }
        let receipt = self.first.deliver(batch, deadline).await?;
        Ok(Receipt {
            to_copy: true,
            ..receipt
        })
    }

    async fn copy(&self, batch: &Batch, deadline: Deadline) -> bool {
        let now = self.clock.elapsed();
        if now < *self.resting_until() {
            return false;
        }
        let soon = Deadline::after(now, SECONDARY_TIMEOUT);
        match self.second.deliver(batch, deadline.min(soon)).await {
            Ok(_) => true,
            Err(error) => {
                *self.resting_until() = self.clock.elapsed().saturating_add(SECONDARY_COOLDOWN);
                warn!(
                    feed = %batch.feed(),
                    reason = error.explain(),
                    "The second sink did not take a batch, and is left alone for a minute; until dual_write_until that changes nothing."
                );
                false
            }
        }
    }

    async fn post_nothing(&self, feed: Feed, deadline: Deadline) -> Result<(), ServiceError> {
        self.authoritative().post_nothing(feed, deadline).await
    }
}

/// Health rows go to the authoritative sink.
#[async_trait]
impl HealthSink for DualWriteSink {
    async fn deliver_health(
        &self,
        rows: &HealthRows,
        deadline: Deadline,
    ) -> Result<(), ServiceError> {
        self.authoritative().deliver_health(rows, deadline).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

    use super::*;
    use crate::{ingest::error::ErrorKind, model::checkpoint::Service};

    #[derive(Default)]
    struct Fake {
        taken: AtomicU64,
        health: AtomicU64,
        fails: AtomicBool,
    }

    #[async_trait]
    impl LogSink for Fake {
        fn max_batch_bytes(&self) -> usize {
            1000
        }
        fn max_value_bytes(&self) -> usize {
            100
        }
        async fn deliver(&self, _: &Batch, _: Deadline) -> Result<Receipt, ServiceError> {
            if self.fails.load(Ordering::SeqCst) {
                return Err(ServiceError::new(
                    Service::LogAnalytics,
                    ErrorKind::DeadlineExceeded,
                ));
            }
            self.taken.fetch_add(1, Ordering::SeqCst);
            Ok(Receipt::after(1))
        }
        async fn post_nothing(&self, _: Feed, _: Deadline) -> Result<(), ServiceError> {
            Ok(())
        }
    }

    #[async_trait]
    impl HealthSink for Fake {
        async fn deliver_health(&self, _: &HealthRows, _: Deadline) -> Result<(), ServiceError> {
            self.health.fetch_add(1, Ordering::SeqCst);
            Ok(())
        }
    }

    /// Seconds.
    struct At(AtomicU64);

    #[async_trait]
    impl Clock for At {
        fn now(&self) -> DateTime<Utc> {
            DateTime::UNIX_EPOCH + self.elapsed()
        }
        fn elapsed(&self) -> Duration {
            Duration::from_secs(self.0.load(Ordering::SeqCst))
        }
        async fn sleep(&self, _: Duration) {}
    }

    #[tokio::test]
    async fn the_first_sink_counts_until_the_end_and_the_second_from_then_on() {
        let (first, second) = (Arc::new(Fake::default()), Arc::new(Fake::default()));
        let clock = Arc::new(At(AtomicU64::new(0)));
        let until = DateTime::from_timestamp(100, 0).unwrap();
        let sink = DualWriteSink::new(first.clone(), second.clone(), until, clock.clone());
        let deadline = Deadline::after(Duration::ZERO, Duration::from_secs(600));
        let batch = Batch::empty(Feed::Url);
        let deliver = async || {
            let receipt = sink.deliver(&batch, deadline).await?;
            let copied = receipt.to_copy && sink.copy(&batch, deadline).await;
            Ok::<_, ServiceError>((receipt.to_copy, copied))
        };
        let taken = || [&first, &second].map(|sink| sink.taken.load(Ordering::SeqCst));

        assert_eq!(deliver().await.unwrap(), (true, true));
        second.fails.store(true, Ordering::SeqCst);
        assert_eq!(deliver().await.unwrap(), (true, false));
        second.fails.store(false, Ordering::SeqCst);
        assert_eq!(deliver().await.unwrap(), (true, false), "it rests");
        clock.0.store(60, Ordering::SeqCst);
        assert_eq!(deliver().await.unwrap(), (true, true));
        first.fails.store(true, Ordering::SeqCst);
        assert!(deliver().await.is_err());
        assert_eq!(taken(), [4, 2]);
        let rows = HealthRows {
            count: 0,
            body: "[]".into(),
        };
        sink.deliver_health(&rows, deadline).await.unwrap();

        clock.0.store(100, Ordering::SeqCst);
        second.fails.store(true, Ordering::SeqCst);
        assert!(deliver().await.is_err());
        second.fails.store(false, Ordering::SeqCst);
        assert_eq!(deliver().await.unwrap(), (false, false));
        assert_eq!(taken(), [4, 3]);
        sink.deliver_health(&rows, deadline).await.unwrap();
        let told = [&first, &second].map(|sink| sink.health.load(Ordering::SeqCst));
        assert_eq!(told, [1, 1], "the sink that counts is told");
    }

    #[tokio::test]
    async fn a_batch_that_is_under_way_at_the_end_still_goes_to_both() {
        let (first, second) = (Arc::new(Fake::default()), Arc::new(Fake::default()));
        let clock = Arc::new(At(AtomicU64::new(99)));
        let until = DateTime::from_timestamp(100, 0).unwrap();
        let sink = DualWriteSink::new(first.clone(), second.clone(), until, clock.clone());
        let deadline = Deadline::after(Duration::ZERO, Duration::from_secs(600));
        let batch = Batch::empty(Feed::Url);
        let receipt = sink.deliver(&batch, deadline).await.unwrap();
        clock.0.store(100, Ordering::SeqCst);
        assert!(receipt.to_copy);
        assert!(sink.copy(&batch, deadline).await);
        let taken = [&first, &second].map(|sink| sink.taken.load(Ordering::SeqCst));
        assert_eq!(taken, [1, 1]);
    }
}
