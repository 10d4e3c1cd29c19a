//! The clock of a feed's pass: this machine's, but never ahead of Mimecast's.
//!
//! A range that ends in Mimecast's future is answered as if it were whole. Had the watermark moved to its
//! end, records that come later would lie before it and be read only where they still fall into the
//! late-arrival window.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use tracing::warn;

use crate::ingest::ports::Clock;

/// `Date` headers give whole seconds, and answers take their time: a smaller difference is none.
const TOLERANCE: TimeDelta = TimeDelta::seconds(2);

/// From this difference on somebody should look.
const TOLD_FROM: TimeDelta = TimeDelta::seconds(30);

pub(in crate::ingest) struct SourceClock {
    clock: Arc<dyn Clock>,
    /// By how many milliseconds this machine's clock is ahead, as far as is known.
    ahead: AtomicI64,
}

impl SourceClock {
    pub(in crate::ingest) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            ahead: AtomicI64::new(0),
        }
    }

    /// By how much this machine's clock is ahead, as far as is known.
    pub(in crate::ingest) fn ahead(&self) -> TimeDelta {
        TimeDelta::milliseconds(self.ahead.load(Ordering::Relaxed))
    }

    /// Goes by Mimecast's clock from now on if that is behind this one: it showed `served_at` just now.
    pub(in crate::ingest) fn learn(&self, served_at: DateTime<Utc>) {
        let further = self.now() - served_at;
        if further <= TOLERANCE {
            return;
        }
        let before = self.ahead();
        let ahead = before + further;
        self.ahead
            .store(ahead.num_milliseconds(), Ordering::Relaxed);
        if before < TOLD_FROM && ahead >= TOLD_FROM {
            warn!(
                ahead_seconds = ahead.num_seconds(),
                "This machine's clock is ahead of Mimecast's. Reading goes by Mimecast's clock, so nothing is missed; set this one right all the same."
            );
        }
    }
}

#[async_trait]
impl Clock for SourceClock {
    fn now(&self) -> DateTime<Utc> {
        self.clock.now() - self.ahead()
    }

    fn elapsed(&self) -> Duration {
        self.clock.elapsed()
    }

    async fn sleep(&self, duration: Duration) {
        self.clock.sleep(duration).await;
    }
}
