//! A rehearsal: two sinks are fed for a while, and the checkpoint goes by the first.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use tracing::warn;

use crate::{
    ingest::ports::{Clock, Copied, LogSink, Receipt, SinkError},
    model::{batch::Batch, deadline::Deadline, feed::Feed},
};

/// The second sink holds up a batch for no longer than this.
const PATIENCE: Duration = Duration::from_secs(15);

/// Until a given time each batch goes to `first` and, once that has taken it, to `second`; what the
/// second does with it is told and changes nothing. From then on there is only the second.
pub struct DualWriteSink {
    /// Counts, until then.
    pub first: Arc<dyn LogSink>,
    /// Is tried beside it, and counts from then on.
    pub second: Arc<dyn LogSink>,
    /// When the rehearsal ends.
    pub until: DateTime<Utc>,
    /// Tells whether it has.
    pub clock: Arc<dyn Clock>,
}

impl fmt::Debug for DualWriteSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DualWriteSink")
            .field("until", &self.until)
            .finish_non_exhaustive()
    }
}

impl DualWriteSink {
    fn is_over(&self) -> bool {
        self.clock.now() >= self.until
    }

    async fn copy(&self, batch: &Batch, deadline: Deadline) -> Copied {
        let soon = Deadline::after(self.clock.elapsed(), PATIENCE);
        match self.second.deliver(batch, deadline.min(soon)).await {
            Ok(_) => Copied::Taken,
            Err(error) => {
                let rows = batch.rows().len();
                warn!(feed = %batch.feed(), rows, "The second sink did not take a batch, which changes nothing until dual_write_until: {error}");
                Copied::NotTaken
            }
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

    async fn deliver(&self, batch: &Batch, deadline: Deadline) -> Result<Receipt, SinkError> {
        if self.is_over() {
            return self.second.deliver(batch, deadline).await;
        }
        let receipt = self.first.deliver(batch, deadline).await?;
        let copied = self.copy(batch, deadline).await;
        Ok(Receipt { copied, ..receipt })
    }

    async fn probe(&self, feed: Feed, deadline: Deadline) -> Result<(), SinkError> {
        let sink = if self.is_over() {
            &self.second
        } else {
            &self.first
        };
        sink.probe(feed, deadline).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

    use super::*;

    #[derive(Default)]
    struct Fake {
        taken: AtomicU64,
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
        async fn deliver(&self, _: &Batch, _: Deadline) -> Result<Receipt, SinkError> {
            if self.fails.load(Ordering::SeqCst) {
                return Err(SinkError::OutOfTime("no".to_owned()));
            }
            self.taken.fetch_add(1, Ordering::SeqCst);
            Ok(Receipt::after(1))
        }
        async fn probe(&self, _: Feed, _: Deadline) -> Result<(), SinkError> {
            Ok(())
        }
    }

    struct At(AtomicBool);

    #[async_trait]
    impl Clock for At {
        fn now(&self) -> DateTime<Utc> {
            let over = i64::from(self.0.load(Ordering::SeqCst));
            DateTime::from_timestamp(99 + over, 0).unwrap()
        }
        fn elapsed(&self) -> Duration {
            Duration::ZERO
        }
        async fn sleep(&self, _: Duration) {}
    }

    #[tokio::test]
    async fn the_first_sink_counts_until_the_end_and_the_second_from_then_on() {
        let (first, second) = (Arc::new(Fake::default()), Arc::new(Fake::default()));
        let clock = Arc::new(At(AtomicBool::new(false)));
        let sink = DualWriteSink {
            first: first.clone(),
            second: second.clone(),
            until: DateTime::from_timestamp(100, 0).unwrap(),
            clock: clock.clone(),
        };
        let deadline = Deadline::after(Duration::ZERO, Duration::from_secs(60));
        let batch = Batch::empty(Feed::Url);
        let deliver = async || sink.deliver(&batch, deadline).await;
        let taken = || [&first, &second].map(|sink| sink.taken.load(Ordering::SeqCst));

        assert_eq!(deliver().await.unwrap().copied, Copied::Taken);
        second.fails.store(true, Ordering::SeqCst);
        assert_eq!(deliver().await.unwrap().copied, Copied::NotTaken);
        first.fails.store(true, Ordering::SeqCst);
        assert!(deliver().await.is_err());
        assert_eq!(taken(), [2, 1]);

        clock.0.store(true, Ordering::SeqCst);
        assert!(deliver().await.is_err());
        second.fails.store(false, Ordering::SeqCst);
        assert_eq!(deliver().await.unwrap().copied, Copied::NotAsked);
        assert_eq!(taken(), [2, 2]);
    }
}
