//! First stage: reads ranges, some of them ahead of their turn, and hands on their pages in order.

use std::collections::VecDeque;

use futures_util::{StreamExt, stream::FuturesUnordered};
use tokio::sync::{
    OwnedSemaphorePermit,
    mpsc::{Sender, UnboundedReceiver},
};

use super::{
    buffered::{Buffered, RangeSender, ReadEvent},
    concurrency::ReadSlot,
    range::{RangeOutcome, RangeReader, RangeTask},
};
use crate::model::date_range::DateRange;

/// The stage.
pub(in crate::ingest) struct FeedReader<'a> {
    pub(in crate::ingest) ranges: RangeReader<'a>,
    pub(in crate::ingest) slot: &'a ReadSlot,
    /// Whether ranges may be read ahead of their turn.
    pub(in crate::ingest) may_read_ahead: bool,
}

/// A range in the queue of those that are not handed on yet.
struct QueuedRange {
    task: RangeTask,
    /// What was read of it, once reading has begun.
    waiting: Option<UnboundedReceiver<Buffered>>,
    /// For as long as it is ahead of its turn: the permit for that.
    permit: Option<OwnedSemaphorePermit>,
    /// Identifies the range, also after it was cut.
    number: u64,
}

/// The ranges in their order. The first one is handed on; some after it are read ahead.
#[derive(Default)]
struct RangeQueue {
    queued: VecDeque<QueuedRange>,
    numbers: u64,
}

impl RangeQueue {
    fn push(&mut self, task: RangeTask) {
        self.numbers += 1;
        self.queued.push_back(QueuedRange {
            task,
            waiting: None,
            permit: None,
            number: self.numbers,
        });
    }

    /// Puts its parts in the place of a range that was found too long. Pages of it that still wait are
    /// read again with the parts.
    fn cut(&mut self, number: u64, parts: Vec<RangeTask>) {
        let at = self.queued.iter().position(|range| range.number == number);
        let rest = at.map(|at| self.queued.split_off(at));
        for part in parts {
            self.push(part);
        }
        self.queued.extend(rest.into_iter().flatten().skip(1));
    }

    /// The first range after the one whose turn it is that is not begun.
    fn next_ahead(&mut self) -> Option<&mut QueuedRange> {
        self.queued
            .iter_mut()
            .skip(1)
            .find(|range| range.waiting.is_none())
    }
}

/// The next event of the first range; `End` if the queue is empty. Pends once that range has nothing more
/// to say.
async fn first(queue: &mut RangeQueue) -> ReadEvent {
    let Some(first) = queue.queued.front_mut() else {
        return ReadEvent::End(Ok(()));
    };
    if let Some(waiting) = &mut first.waiting
        && let Some(Buffered { read, .. }) = waiting.recv().await
    {
        return read;
    }
    std::future::pending().await
}

impl FeedReader<'_> {
    /// Reads `ranges` and hands them on in order. The range whose turn it is always is being read; those
    /// after it are as far as there are permits. What of them waits is bounded, see [`RangeSender`].
    pub(in crate::ingest) async fn run(&self, ranges: Vec<DateRange>, out: Sender<ReadEvent>) {
        let mut queue = RangeQueue::default();
        for range in ranges {
            queue.push(RangeTask { range, left: None });
        }
        let mut under_way = FuturesUnordered::new();
        let begin = |range: &mut QueuedRange| {
            let (into, waiting) = RangeSender::new(range.permit.is_some());
            range.waiting = Some(waiting);
            let (number, task) = (range.number, range.task.clone());
            async move { (number, self.ranges.read(task, into).await) }
        };
        // Room in the next stage; a page is taken from its range only when there is some.
        let mut room = None;
        // After a failure nothing more is read ahead: it would be thrown away.
        let mut may_read_ahead = self.may_read_ahead;
        loop {
            if let Some(first) = queue.queued.front_mut() {
                first.permit = None;
                if first.waiting.is_none() {
                    under_way.push(begin(first));
                }
            }
            let may_begin = may_read_ahead && queue.next_ahead().is_some();
            tokio::select! {
                biased;
                reserved = out.reserve(), if room.is_none() => match reserved {
                    Ok(reserved) => room = Some(reserved),
                    // The next stage has gone: the pipeline ends by the word of the last one.
                    Err(_) => return std::future::pending().await,
                },
                read = first(&mut queue), if room.is_some() => {
                    if matches!(read, ReadEvent::RangeEnd { .. } | ReadEvent::Gap(_)) {
                        let _handed_on = queue.queued.pop_front();
                    }
                    let is_end = matches!(read, ReadEvent::End(_));
                    if let Some(room) = room.take() {
                        room.send(read);
                    }
                    if is_end {
                        return;
                    }
                }
                Some((number, end)) = under_way.next(), if !under_way.is_empty() => match end {
                    RangeOutcome::Whole => {}
                    RangeOutcome::Cut(parts) => queue.cut(number, parts),
                    RangeOutcome::Broken => may_read_ahead = false,
                },
                permit = self.slot.ahead(), if may_begin => {
                    if let Some(range) = queue.next_ahead() {
                        range.permit = Some(permit);
                        under_way.push(begin(range));
                    }
                }
            }
        }
    }
}
