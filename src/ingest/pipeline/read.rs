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
    range::{RangeEnd, RangeReader, Task},
};
use crate::model::date_range::DateRange;

/// The stage.
pub(in crate::ingest) struct Reader<'a> {
    pub(in crate::ingest) ranges: RangeReader<'a>,
    pub(in crate::ingest) place: &'a ReadSlot,
    /// Whether ranges may be read ahead of their turn.
    pub(in crate::ingest) may_read_ahead: bool,
}

/// A range in the row of those that are not handed on yet.
struct Slot {
    task: Task,
    /// What was read of it, once reading has begun.
    waiting: Option<UnboundedReceiver<Buffered>>,
    /// For as long as it is ahead of its turn: the permit for that.
    permit: Option<OwnedSemaphorePermit>,
    /// Tells it from others in whose place it may have come.
    number: u64,
}

/// The ranges in their order. The first one is handed on; some behind it are read ahead.
#[derive(Default)]
struct Row {
    slots: VecDeque<Slot>,
    numbers: u64,
}

impl Row {
    fn push(&mut self, task: Task) {
        self.numbers += 1;
        self.slots.push_back(Slot {
            task,
            waiting: None,
            permit: None,
            number: self.numbers,
        });
    }

    /// Puts its parts in the place of a range that was found too long. Pages of it that still wait are
    /// read again with the parts.
    fn cut(&mut self, number: u64, parts: Vec<Task>) {
        let place = self.slots.iter().position(|slot| slot.number == number);
        let behind = place.map(|place| self.slots.split_off(place));
        for part in parts {
            self.push(part);
        }
        self.slots.extend(behind.into_iter().flatten().skip(1));
    }

    /// The first range behind the one whose turn it is that is not begun.
    fn next_ahead(&mut self) -> Option<&mut Slot> {
        self.slots
            .iter_mut()
            .skip(1)
            .find(|slot| slot.waiting.is_none())
    }
}

/// What waits of the first range, the end where there is none; for ever where a range has said all it
/// will.
async fn first(row: &mut Row) -> ReadEvent {
    let Some(first) = row.slots.front_mut() else {
        return ReadEvent::End(Ok(()));
    };
    if let Some(waiting) = &mut first.waiting
        && let Some(Buffered { read, .. }) = waiting.recv().await
    {
        return read;
    }
    std::future::pending().await
}

impl Reader<'_> {
    /// Reads `ranges` and hands them on in order. The range whose turn it is always is being read; those
    /// behind it are as far as there are places. What of them waits is bounded, see [`RangeSender`].
    pub(in crate::ingest) async fn run(&self, ranges: Vec<DateRange>, out: Sender<ReadEvent>) {
        let mut row = Row::default();
        for range in ranges {
            row.push(Task { range, left: None });
        }
        let mut under_way = FuturesUnordered::new();
        let begin = |slot: &mut Slot| {
            let (into, waiting) = RangeSender::new(slot.permit.is_some());
            slot.waiting = Some(waiting);
            let (number, task) = (slot.number, slot.task.clone());
            async move { (number, self.ranges.read(task, into).await) }
        };
        // A place in the next stage; a page is taken from its range only when there is one.
        let mut place = None;
        // After a failure nothing more is read ahead: it would be thrown away.
        let mut may_read_ahead = self.may_read_ahead;
        loop {
            if let Some(first) = row.slots.front_mut() {
                first.permit = None;
                if first.waiting.is_none() {
                    under_way.push(begin(first));
                }
            }
            let may_begin = may_read_ahead && row.next_ahead().is_some();
            tokio::select! {
                biased;
                reserved = out.reserve(), if place.is_none() => match reserved {
                    Ok(reserved) => place = Some(reserved),
                    // The next stage has gone: the pipeline ends by the word of the last one.
                    Err(_) => return std::future::pending().await,
                },
                read = first(&mut row), if place.is_some() => {
                    if let ReadEvent::RangeEnd { .. } = read {
                        let _handed_on = row.slots.pop_front();
                    }
                    let is_end = matches!(read, ReadEvent::End(_));
                    if let Some(place) = place.take() {
                        place.send(read);
                    }
                    if is_end {
                        return;
                    }
                }
                Some((number, end)) = under_way.next(), if !under_way.is_empty() => match end {
                    RangeEnd::Whole => {}
                    RangeEnd::Cut(parts) => row.cut(number, parts),
                    RangeEnd::Broken => may_read_ahead = false,
                },
                permit = self.place.ahead(), if may_begin => {
                    if let Some(slot) = row.next_ahead() {
                        slot.permit = Some(permit);
                        under_way.push(begin(slot));
                    }
                }
            }
        }
    }
}
