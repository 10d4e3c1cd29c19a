//! The clock of a feed's pass: this machine's, but never ahead of Mimecast's.
//!
//! Where a range ends in Mimecast's future, it may be answered as if it were whole. Had the watermark moved to
//! its end, records that come later would lie before it and be read only where they still fall into the
//! late-arrival window.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};

use crate::ingest::ports::Clock;

/// `Date` headers give whole seconds, and a first call connects: so small a difference is none. The late-arrival window
/// is much longer.
const TOLERANCE: TimeDelta = TimeDelta::seconds(5);

pub(in crate::ingest) struct SourceClock {
    own: Arc<dyn Clock>,
    /// By how many milliseconds this machine's clock is ahead, as far as is known.
    ahead: AtomicI64,
    /// Whether that was learnt since ranges up to now were made: they end too late.
    is_news: AtomicBool,
    /// Whether such ranges are being read.
    reads_to_now: AtomicBool,
}

impl SourceClock {
    pub(in crate::ingest) fn new(own: Arc<dyn Clock>) -> Self {
        Self {
            own,
            ahead: AtomicI64::new(0),
            is_news: AtomicBool::new(false),
            reads_to_now: AtomicBool::new(true),
        }
    }

    /// By how much this machine's clock is ahead, as far as is known.
    pub(in crate::ingest) fn ahead(&self) -> TimeDelta {
        TimeDelta::milliseconds(self.ahead.load(Ordering::Relaxed))
    }

    /// What this machine's clock shows. A wait counts by it: whoever saved the wait may not have known better.
    pub(in crate::ingest) fn own_now(&self) -> DateTime<Utc> {
        self.own.now()
    }

    /// Goes by Mimecast's clock from now on if this machine's turns out to be ahead of it by so much.
    pub(in crate::ingest) fn learn(&self, ahead: TimeDelta) {
        if ahead > self.ahead() + TOLERANCE {
            let ahead = ahead.num_milliseconds();
            self.ahead.store(ahead, Ordering::Relaxed);
            self.is_news.store(true, Ordering::Relaxed);
        }
    }

    /// Whether ranges were made by the clock as it was before: nothing may be read of them.
    pub(in crate::ingest) fn is_news(&self) -> bool {
        self.reads_to_now.load(Ordering::Relaxed) && self.is_news.load(Ordering::Relaxed)
    }

    /// From now on only what lies well before now is read: whatever is learnt, it holds.
    pub(in crate::ingest) fn settle(&self) {
        self.reads_to_now.store(false, Ordering::Relaxed);
    }

    /// From now on ranges are made anew.
    pub(in crate::ingest) fn heed(&self) {
        self.is_news.store(false, Ordering::Relaxed);
    }
}

#[async_trait]
impl Clock for SourceClock {
    fn now(&self) -> DateTime<Utc> {
        self.own.now() - self.ahead()
    }

    fn elapsed(&self) -> Duration {
        self.own.elapsed()
    }

    async fn sleep(&self, duration: Duration) {
        self.own.sleep(duration).await;
    }
}
