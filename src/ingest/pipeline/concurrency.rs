//! How many ranges are read side by side: one budget over all feeds of a pass.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The budget. Each feed that is still at work has a read slot of its own, so that none holds up
/// another; what is left over is for reading ahead, to whichever feed asks first. A feed that is done
/// leaves its slot to the others.
#[derive(Debug)]
pub(in crate::ingest) struct ReadConcurrency {
    most: usize,
    at_work: AtomicUsize,
    ahead: Arc<Semaphore>,
}

impl ReadConcurrency {
    /// At most `most` ranges at a time, or one for each of the `feeds` where that is more.
    pub(in crate::ingest) fn new(most: usize, feeds: usize) -> Arc<Self> {
        Arc::new(Self {
            most,
            at_work: AtomicUsize::new(feeds),
            ahead: Arc::new(Semaphore::new(most.saturating_sub(feeds))),
        })
    }

    /// A feed's own slot; given up when it is dropped.
    pub(in crate::ingest) fn read_slot(self: &Arc<Self>) -> ReadSlot {
        ReadSlot(Arc::clone(self))
    }

    fn leave(&self) {
        let before = self.at_work.fetch_sub(1, Ordering::SeqCst);
        if before <= self.most {
            self.ahead.add_permits(1);
        }
    }
}

/// A feed's own slot.
#[derive(Debug)]
pub(in crate::ingest) struct ReadSlot(Arc<ReadConcurrency>);

impl ReadSlot {
    /// Waits for a permit to read a range ahead.
    pub(in crate::ingest) async fn ahead(&self) -> OwnedSemaphorePermit {
        match Arc::clone(&self.0.ahead).acquire_owned().await {
            Ok(permit) => permit,
            // It is never closed.
            Err(_) => std::future::pending().await,
        }
    }
}

impl Drop for ReadSlot {
    fn drop(&mut self) {
        self.0.leave();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn free(most: usize, feeds: usize, gone: usize) -> usize {
        let budget = ReadConcurrency::new(most, feeds);
        let mut slots: Vec<_> = (0..feeds).map(|_| budget.read_slot()).collect();
        slots.truncate(feeds - gone);
        budget.ahead.available_permits()
    }

    #[test]
    fn what_is_read_ahead_and_the_feeds_own_ranges_are_never_more_than_allowed() {
        assert_eq!([0, 1, 2].map(|gone| free(4, 3, gone)), [1, 2, 3]);
        assert_eq!([0, 1, 2].map(|gone| free(2, 3, gone)), [0, 0, 1]);
        assert_eq!([0, 1, 2].map(|gone| free(1, 3, gone)), [0, 0, 0]);
        assert_eq!(free(4, 1, 0), 3);
    }
}
