//! One feed's part of a pass: load, deliver what is new, compare counts, say how it ended.

use std::{sync::Arc, time::Duration};

use chrono::TimeDelta;
use tokio::sync::mpsc;
use tracing::warn;

use super::{
    error::Explain,
    pipeline::{
        collect::{Collector, CollectorConfig, Direction},
        concurrency::ReadSlot,
        counting_source::CountingSource,
        deliver::Deliverer,
        range::RangeReader,
        read::Reader,
    },
    ports::Ports,
    report::{
        Counts, FeedReport, Outcome,
        render::{self, Conclusion, Scene},
        stop_reason::{MAX_RESTARTS, StopKind, StopReason},
    },
    state::{checkpoint_writer::CheckpointWriter, quarantine::Quarantine},
};
use crate::model::{
    batch::Sizes,
    date_range::DateRange,
    deadline::Deadline,
    event_time,
    feed::Feed,
    ledger::Entry,
    progress::{Lookback, RETENTION},
    store_key::StoreKey,
    tally::Span,
};

/// How far a checkpoint may lie ahead of a clock that was set back a little.
const CLOCK_TOLERANCE: TimeDelta = TimeDelta::minutes(10);

/// Counts that were not compared for so long make a failure, if only the comparison fails.
const MAX_RECONCILE_AGE: TimeDelta = TimeDelta::hours(6);

/// Places between two stages: one item waits while one is worked on.
const CHANNEL_CAPACITY: usize = 1;

/// What a feed's part needs.
#[derive(Debug)]
pub(super) struct FeedPass {
    pub(super) feed: Feed,
    pub(super) ports: Ports,
    pub(super) lookback: Lookback,
    pub(super) max_batch_bytes: usize,
    /// Where ranges are read.
    pub(super) place: ReadSlot,
    /// No page is asked for after this, so that there is time to deliver what was read.
    pub(super) read_by: Deadline,
    /// No post is begun after this, so that there is time for its answer.
    pub(super) post_by: Deadline,
    /// Posts under way are given up at this, so that there is time to remember those that were taken.
    pub(super) answered_by: Deadline,
    /// Everything has ended by this.
    pub(super) done_by: Deadline,
}

/// What one run of the pipeline reads.
pub(super) struct Segment {
    pub(super) ranges: Vec<DateRange>,
    pub(super) direction: Direction,
    /// What was delivered there, beside what the checkpoint knows.
    pub(super) known: Vec<Entry>,
}

impl FeedPass {
    /// Runs the feed's part and reports. Never fails as a whole: failure is an outcome.
    pub(super) async fn run(mut self) -> FeedReport {
        let source = Arc::new(CountingSource::new(self.ports.source));
        self.ports.source = source.clone();
        let began = self.ports.clock.elapsed();
        let mut counts = Counts::default();
        let (ended, watermark) = match self.open().await {
            Ok(mut writer) => {
                let before = writer.progress.checkpoint().watermark;
                let ended = self.work(&mut writer, &mut counts).await;
                let watermark = writer.progress.checkpoint().watermark;
                let stood_still = watermark == before && counts.delivered + counts.quarantined == 0;
                let (wait, now) = (writer.progress.checkpoint().wait, self.ports.clock.now());
                let ended = ended.judged(self.feed, stood_still, wait, now);
                (ended, Some(watermark))
            }
            Err(ended) => (ended, None),
        };
        counts.calls = source.calls();
        FeedReport {
            feed: self.feed,
            outcome: ended.outcome,
            message: ended.message,
            counts,
            watermark,
            lag_seconds: watermark.map(|time| (self.ports.clock.now() - time).num_seconds().max(0)),
            duration_seconds: self
                .ports
                .clock
                .elapsed()
                .saturating_sub(began)
                .as_secs_f64(),
        }
    }

    async fn open(&self) -> Result<CheckpointWriter, Conclusion> {
        let place = self.place();
        let writer = CheckpointWriter::open(&self.ports, self.feed, self.lookback, self.done_by)
            .await
            .map_err(|error| {
                Conclusion::failed(format!(
                    "Reading the checkpoint {place}: {}. Nothing was read or delivered.",
                    error.explain()
                ))
            })?;
        let watermark = writer.progress.checkpoint().watermark;
        let now = self.ports.clock.now();
        if watermark > now + CLOCK_TOLERANCE {
            return Err(Conclusion::failed(format!(
                "Reading the checkpoint {place}: it lies in the future, at {}; nothing would be read until then. \
                 What to do: check this machine's clock, or set it back by `mimecast-ttp checkpoint rewind`.",
                event_time::to_utc_text(watermark)
            )));
        }
        // A first run of 30 days begins exactly at the border.
        if watermark < now - RETENTION - CLOCK_TOLERANCE {
            warn!(feed = %self.feed, watermark = %event_time::to_utc_text(watermark), "The checkpoint is older than the 30 days for which Mimecast keeps its logs: what lies between can no longer be read.");
        }
        Ok(writer)
    }

    async fn work(&self, writer: &mut CheckpointWriter, counts: &mut Counts) -> Conclusion {
        let now = self.ports.clock.now();
        if let Some(wait) = writer.progress.checkpoint().wait
            && render::keeps(wait, now)
        {
            return Conclusion::still_waiting(wait);
        }
        let before = writer.progress.checkpoint().watermark;
        let forward = self.catch_up(writer, counts).await;
        let moved = writer.progress.checkpoint().watermark > before;
        let due = writer.progress.to_reconcile(self.ports.clock.now());
        let (end, filed) = match (forward, due) {
            (Ok(()), Some(span)) => {
                let compared = self.reconcile(writer, counts, span).await;
                (
                    compared.map_err(|reason| self.overdue(writer, reason)),
                    false,
                )
            }
            (end, _) => (end, writer.flush_ledger_if_full().await),
        };
        let end = self.remember(writer, end, moved, filed).await;
        let scene = Scene {
            feed: self.feed,
            checkpoint: &self.place(),
            posted: counts.batches > 0,
        };
        Conclusion::from(end, scene)
    }

    /// A comparison that does not fit into the run budget hour after hour leaves late records unfound:
    /// that must not be silent.
    fn overdue(&self, writer: &CheckpointWriter, mut reason: StopReason) -> StopReason {
        let checkpoint = writer.progress.checkpoint();
        let last = checkpoint.reconciled_at.unwrap_or(checkpoint.tally.since());
        let is_overdue = self.ports.clock.now() - last > MAX_RECONCILE_AGE;
        if is_overdue && reason.is_of_reading() && matches!(reason.kind, StopKind::OutOfTime) {
            reason.kind = StopKind::NotReconciled { since: last };
        }
        reason
    }

    /// Keeps for the next pass what this one learned about how to go about it.
    async fn remember(
        &self,
        writer: &mut CheckpointWriter,
        end: Result<(), StopReason>,
        moved: bool,
        filed: bool,
    ) -> Result<(), StopReason> {
        let progress = &mut writer.progress;
        let waited = progress.checkpoint().wait.filter(|_| !moved);
        let wait = end
            .as_ref()
            .err()
            .and_then(|end| render::wait(end, self.ports.clock.now(), waited));
        let mut news = progress.wait(wait) || filed;
        news |= match &end {
            Ok(()) => progress.lengthen_ranges(),
            Err(reason) if !moved && reason.is_of_reading() => progress.shorten_ranges(),
            Err(_) => false,
        };
        if !news || end.as_ref().is_err_and(StopReason::is_unsaved) {
            return end;
        }
        writer.save_at_end(end).await
    }

    /// Reads forward to now, and again from what is delivered where the source refused a token.
    async fn catch_up(
        &self,
        writer: &mut CheckpointWriter,
        counts: &mut Counts,
    ) -> Result<(), StopReason> {
        let mut in_vain = 0;
        loop {
            let before = writer.progress.checkpoint().watermark;
            match self.forward(writer, counts).await {
                Err(reason) if matches!(reason.kind, StopKind::PageTokenRefused) => {
                    let moved = writer.progress.checkpoint().watermark > before;
                    in_vain = if moved { 0 } else { in_vain };
                    self.begin_again(&mut in_vain, reason, counts)?;
                }
                end => return end,
            }
        }
    }

    /// Counts a beginning in vain; too many end the pass.
    pub(super) fn begin_again(
        &self,
        in_vain: &mut u64,
        reason: StopReason,
        counts: &mut Counts,
    ) -> Result<(), StopReason> {
        counts.restarts += 1;
        *in_vain += 1;
        warn!(feed = %self.feed, reason = reason.told(), "Reading again from what is delivered.");
        if *in_vain > MAX_RESTARTS {
            return Err(reason);
        }
        Ok(())
    }

    /// Reads forward once. Where only the ledger knows what was delivered, range by range, so that
    /// never more than an hour or two of it is in memory.
    async fn forward(
        &self,
        writer: &mut CheckpointWriter,
        counts: &mut Counts,
    ) -> Result<(), StopReason> {
        let ranges = writer.progress.begin(self.ports.clock.now());
        let alike = |one: &DateRange, next: &DateRange| {
            let progress = &writer.progress;
            !progress.needs_ledger(*one) && !progress.needs_ledger(*next)
        };
        let segments: Vec<_> = ranges.chunk_by(alike).map(<[_]>::to_vec).collect();
        for ranges in segments {
            let mut known = Vec::new();
            if let [range] = ranges[..]
                && writer.progress.needs_ledger(range)
            {
                known = writer
                    .known(range)
                    .await
                    .map_err(|error| StopReason::of_store(StopKind::LedgerUnreadable, error))?;
                writer.progress.recount(Span::covering(range), &known);
            }
            let segment = Segment {
                ranges,
                direction: Direction::Forward,
                known,
            };
            self.pipeline(writer, counts, segment).await?;
        }
        Ok(())
    }

    /// Runs the three stages over a segment.
    pub(super) async fn pipeline(
        &self,
        writer: &mut CheckpointWriter,
        counts: &mut Counts,
        segment: Segment,
    ) -> Result<(), StopReason> {
        let (pages_in, pages_out) = mpsc::channel(CHANNEL_CAPACITY);
        let (work_in, work_out) = mpsc::channel(CHANNEL_CAPACITY);
        let Ports {
            source,
            sink,
            store,
            clock,
            ..
        } = &self.ports;
        let reader = Reader {
            ranges: RangeReader {
                feed: self.feed,
                source: &**source,
                clock: &**clock,
                deadline: self.read_by,
            },
            place: &self.place,
            may_read_ahead: writer.progress.may_read_ahead(),
        };
        let mut known = writer.progress.checkpoint().recent.clone();
        for entry in segment.known {
            known.insert(entry.time, entry.fingerprint);
        }
        let config = CollectorConfig {
            feed: self.feed,
            sizes: Sizes {
                batch: self.max_batch_bytes,
                value: sink.max_value_bytes(),
            },
            late_arrival: self.lookback.late_arrival,
            direction: segment.direction,
        };
        let collector = Collector::new(&config, &**clock, known, work_in);
        let deliverer = Deliverer {
            feed: self.feed,
            sink: &**sink,
            quarantine: Quarantine::new(&**store, self.done_by),
            clock: &**clock,
            post_by: self.post_by,
            answered_by: self.answered_by,
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
            end = deliverer.run(work_out) => end,
            () = upstream => unreachable!("the upstream stages wait for ever at their end"),
        }
    }

    fn place(&self) -> String {
        self.ports.store.address(StoreKey::Checkpoint(self.feed))
    }
}

/// The report of a feed whose task broke, for the caller that caught it.
pub(super) fn broken(feed: Feed, reason: &str, after: Duration) -> FeedReport {
    FeedReport {
        feed,
        outcome: Outcome::Failed,
        message: Some(format!(
            "The run of {feed} broke off: {reason}. This is a fault of the program; the checkpoint stands, and the next run goes on from it."
        )),
        counts: Counts::default(),
        watermark: None,
        lag_seconds: None,
        duration_seconds: after.as_secs_f64(),
    }
}
