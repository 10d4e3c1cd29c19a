//! What was read and waits for its turn.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::{
    ingest::report::stop_reason::StopReason,
    model::{date_range::DateRange, gap::Gap, page::Page},
};

/// How many bytes of a range that is read ahead may wait for its turn; then reading it waits too.
const READ_AHEAD_BYTES: usize = 1_250_000;

/// Of a range whose turn it is one page may wait.
const ONE_PAGE: usize = 1;

/// What reading comes to, piece by piece.
#[derive(Debug)]
pub(in crate::ingest) enum ReadEvent {
    /// A page of a range.
    Page(DateRange, Page),
    /// This many records were counted but not shown, and reading again did not come to an end.
    Missing(u64),
    /// The range has been read to its end.
    RangeEnd {
        range: DateRange,
        /// Records that the source counted and did not show, even when asked again.
        missing: u64,
        /// Whether it was asked again.
        again: bool,
    },
    /// The range cannot be read, although others can.
    Gap(Gap),
    /// There is nothing more to come: every range is read, or not, for this reason.
    End(Result<(), StopReason>),
}

/// Something that waits for its turn, and the room that it takes.
#[derive(Debug)]
pub(in crate::ingest) struct Buffered {
    pub(in crate::ingest) read: ReadEvent,
    _room: Option<OwnedSemaphorePermit>,
}

/// The sending end of a range's buffer.
#[derive(Debug)]
pub(in crate::ingest) struct RangeSender {
    bytes: usize,
    room: Arc<Semaphore>,
    queue: mpsc::UnboundedSender<Buffered>,
}

impl RangeSender {
    /// Both ends, for a range that is read ahead of its turn, or for one whose turn it is.
    pub(in crate::ingest) fn new(ahead: bool) -> (Self, mpsc::UnboundedReceiver<Buffered>) {
        let (queue, waiting) = mpsc::unbounded_channel();
        let bytes = if ahead { READ_AHEAD_BYTES } else { ONE_PAGE };
        let room = Arc::new(Semaphore::new(bytes));
        (Self { bytes, room, queue }, waiting)
    }

    pub(in crate::ingest) async fn page(&self, range: DateRange, page: Page) {
        // A page larger than all the room waits until it is alone.
        let bytes = u32::try_from(page.bytes().min(self.bytes)).unwrap_or(u32::MAX);
        // The room is never closed.
        let room = Arc::clone(&self.room).acquire_many_owned(bytes).await.ok();
        self.send(ReadEvent::Page(range, page), room);
    }

    pub(in crate::ingest) fn say(&self, read: ReadEvent) {
        self.send(read, None);
    }

    fn send(&self, read: ReadEvent, room: Option<OwnedSemaphorePermit>) {
        // Nobody waits for a range that is not wanted any more.
        drop(self.queue.send(Buffered { read, _room: room }));
    }
}
