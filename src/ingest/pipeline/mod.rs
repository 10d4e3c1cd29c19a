//! The three stages through which a feed's pages and batches travel: read, collect, deliver.

mod ack_sequencer;
mod buffered;
mod collect;
pub(super) mod concurrency;
pub(super) mod counting_source;
mod deliver;
mod displaced;
mod range;
mod read;
pub(super) mod source_clock;

use std::{sync::atomic::AtomicI64, time::Duration};

use tokio::sync::mpsc;
use tracing::warn;

pub(super) use self::collect::Direction;
use self::{
    collect::{Collector, CollectorConfig},
    concurrency::ReadSlot,
    deliver::Deliverer,
    displaced::DisplacedLookup,
    range::RangeReader,
    read::FeedReader,
};
use super::{
    ports::{Patience, Ports},
    report::{
        Counts,
        stop_reason::{MAX_RESTARTS, StopReason},
    },
    state::{checkpoint_writer::CheckpointWriter, ledger::Ledger, quarantine::Quarantine},
    stop::Stop,
};
use crate::model::{
    batch::Sizes, date_range::DateRange, deadline::Deadline, feed::Feed, gap::Gaps, ledger::Entry,
    progress::Lookback,
};

/// Items between two stages: one waits while one is worked on.
const CHANNEL_CAPACITY: usize = 1;

/// By when each kind of work has ended. The last parts of a run budget are for delivering what was read,
/// and for remembering it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadlines {
    /// No page is asked for after this, so that there is time to deliver what was read.
    pub(super) read: Deadline,
    /// No post is begun after this, so that there is time for its answer.
    pub(super) post: Deadline,
    /// Posts under way are given up at this, so that there is time to remember those that were taken.
    pub(super) answered: Deadline,
    /// Everything has ended by this.
    pub(super) done: Deadline,
}

impl Deadlines {
    /// Those of a budget that begins at `now`.
    pub(super) fn of(now: Duration, budget: Duration) -> Self {
        let after = |sixteenths| Deadline::after(now, budget * sixteenths / 16);
        Self {
            read: after(13),
            post: after(14),
            answered: after(15),
            done: after(16),
        }
    }
}

/// What one run of the pipeline reads.
pub(super) struct Segment {
    pub(super) ranges: Vec<DateRange>,
    pub(super) direction: Direction,
    /// What was delivered there, beside what the checkpoint knows.
    pub(super) known: Vec<Entry>,
    /// Whether a range that cannot be read is narrowed down to a gap.
    pub(super) isolates: bool,
    /// How many attempts a page is worth.
    pub(super) patience: Patience,
}

/// A feed's pipeline.
#[derive(Debug)]
pub(super) struct Pipeline {
    pub(super) feed: Feed,
    pub(super) ports: Ports,
    pub(super) lookback: Lookback,
    pub(super) max_batch_bytes: usize,
    /// In which the feed's own ranges are read.
    pub(super) read_slot: ReadSlot,
    pub(super) deadlines: Deadlines,
    pub(super) stop: Stop,
}

impl Pipeline {
    /// Runs the three stages over a segment. Everything that was read is delivered, and remembered by
    /// `writer`, whatever stops the run.
    pub(super) async fn run(
        &self,
        writer: &mut CheckpointWriter,
        counts: &mut Counts,
        segment: Segment,
    ) -> Result<(), StopReason> {
        let (pages_in, pages_out) = mpsc::channel(CHANNEL_CAPACITY);
        let (batches_in, batches_out) = mpsc::channel(CHANNEL_CAPACITY);
        let Ports {
            sink, store, clock, ..
        } = &self.ports;
        let deadlines = self.deadlines;
        let last_gap_end = AtomicI64::new(i64::MIN);
        let reader = self.reader(&segment, &last_gap_end, writer.progress.may_read_ahead());
        let mut known = writer.progress.checkpoint().recent.clone();
        for entry in segment.known {
            known.insert(entry.time, entry.fingerprint);
        }
        let gaps = writer.progress.checkpoint().gaps.clone();
        let config = self.collector_config(segment.direction, gaps);
        let ledger = Ledger {
            feed: self.feed,
            store: &**store,
            deadline: deadlines.read,
        };
        let displaced = DisplacedLookup::new(ledger, writer.progress.ledger_from());
        let collector = Collector::new(config, &**clock, known, displaced, batches_in);
        let deliverer = Deliverer {
            feed: self.feed,
            sink: &**sink,
            quarantine: Quarantine::new(&**store, deadlines.done),
            clock: &**clock,
            post_by: deadlines.post,
            answered_by: deadlines.answered,
            stop: &self.stop,
            writer,
            counts,
        };
        let upstream = async {
            tokio::join!(
                reader.run(segment.ranges, pages_in),
                collector.run(pages_out)
            );
            // The end of the pipeline is the last stage's to say.
            std::future::pending::<()>().await;
        };
        // In a fixed order: the same answers make the same pass.
        tokio::select! {
            biased;
            end = deliverer.run(batches_out) => end,
            () = upstream => unreachable!("the upstream stages wait for ever at their end"),
        }
    }

    fn reader<'a>(
        &'a self,
        segment: &Segment,
        last_gap_end: &'a AtomicI64,
        may_read_ahead: bool,
    ) -> FeedReader<'a> {
        FeedReader {
            ranges: RangeReader {
                feed: self.feed,
                source: &*self.ports.source,
                clock: &*self.ports.clock,
                deadline: self.deadlines.read,
                isolates: segment.isolates,
                patience: segment.patience,
                last_gap_end,
            },
            slot: &self.read_slot,
            may_read_ahead: may_read_ahead && !segment.isolates,
        }
    }

    fn collector_config(&self, direction: Direction, gaps: Gaps) -> CollectorConfig {
        CollectorConfig {
            feed: self.feed,
            sizes: Sizes {
                batch: self.max_batch_bytes,
                value: self.ports.sink.max_value_bytes(),
            },
            late_arrival: self.lookback.late_arrival,
            direction,
            gaps,
        }
    }
}

/// How often reading was restarted at the same place, since the source refused its own page token.
#[derive(Debug, Default)]
pub(super) struct Restarts(u64);

impl Restarts {
    /// There was progress: the place is another one.
    pub(super) fn reset(&mut self) {
        self.0 = 0;
    }

    /// Counts a restart; too many at the same place end the pass.
    pub(super) fn count(
        &mut self,
        reason: StopReason,
        counts: &mut Counts,
    ) -> Result<(), StopReason> {
        if self.0 == MAX_RESTARTS {
            return Err(reason);
        }
        self.0 += 1;
        counts.restarts += 1;
        warn!(
            reason = reason.causes(),
            "Mimecast refused the page token; reading restarts from what is already delivered."
        );
        Ok(())
    }
}
