//! One feed's part of a pass: load, deliver what is new, compare counts, say how it ended.

use std::{sync::Arc, time::Duration};

use chrono::TimeDelta;
use tracing::{instrument, warn};

use super::{
    error::Explain,
    gaps,
    pipeline::{
        Direction, Pipeline, Restarts, Segment, counting_source::CountingSource,
        source_clock::SourceClock,
    },
    ports::{Clock, Patience},
    reconcile::Reconciler,
    report::{
        Counts, FeedReport, Outcome,
        render::{Conclusion, PassProgress, StopContext},
        stop_reason::{MAX_RESTARTS, StopKind, StopReason},
    },
    state::{checkpoint_writer::CheckpointWriter, standing::CLOCK_TOLERANCE},
};
use crate::model::{
    checkpoint::{Checkpoint, SHORTEST_RANGE, Wait},
    date_range::DateRange,
    event_time,
    feed::Feed,
    progress::RETENTION,
    store_key::StoreKey,
    tally::Span,
};

/// A comparison of counts that keeps failing makes the pass fail once the last good one is this old.
const MAX_RECONCILE_AGE: TimeDelta = TimeDelta::hours(6);

/// What a pass did before its end is saved.
#[derive(Debug, Clone, Copy)]
struct PassChanges {
    /// Rows were delivered or set aside, or the watermark moved.
    progressed: bool,
    /// The watermark moved.
    moved: bool,
    /// Entries went into the ledger that the saved checkpoint still holds.
    flushed: bool,
    /// How reading forward ended.
    read_ended: ReadEnd,
}

/// How reading forward ended, as far as the next pass must know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ReadEnd {
    /// Everything was read, but for the gaps.
    Whole,
    /// A range could not be read, although Mimecast answered.
    Unreadable,
    /// For another reason.
    Other,
}

/// One feed's part of a pass.
pub(super) struct FeedPass {
    pipeline: Pipeline,
    /// The source of the pipeline, which counts the calls of it.
    source: Arc<CountingSource>,
    /// The clock of the pipeline.
    clock: Arc<SourceClock>,
}

impl FeedPass {
    pub(super) fn new(mut pipeline: Pipeline) -> Self {
        let clock = Arc::new(SourceClock::new(pipeline.ports.clock));
        let source = Arc::new(CountingSource::new(
            pipeline.ports.source,
            clock.clone(),
            pipeline.stop.clone(),
        ));
        pipeline.ports.clock = clock.clone();
        pipeline.ports.source = source.clone();
        Self {
            pipeline,
            source,
            clock,
        }
    }

    /// Runs the feed's part and reports. Never fails as a whole: failure is an outcome.
    #[instrument(name = "feed", skip_all, fields(feed = self.pipeline.feed.name()))]
    pub(super) async fn run(self) -> FeedReport {
        let (feed, clock) = (self.pipeline.feed, &self.clock);
        let began = clock.elapsed();
        let mut counts = Counts::default();
        let mut is_first = false;
        let (conclusion, watermark, gaps) = match self.open().await {
            Ok(mut writer) => {
                is_first = writer.is_first();
                let Checkpoint {
                    watermark,
                    first_range,
                    ..
                } = *writer.progress.checkpoint();
                let conclusion = self.work(&mut writer, &mut counts).await;
                let after = writer.progress.checkpoint();
                let progress = PassProgress {
                    stood_still: after.watermark == watermark && !counts.any_dealt_with(),
                    shortened: after.first_range < first_range,
                    wait: after.wait,
                };
                let judged = conclusion.judged(feed, progress, clock.own_now());
                let judged = judged.with_clock_ahead(clock.ahead());
                (judged, Some(after.watermark), after.gaps.len() as u64)
            }
            Err(conclusion) => (conclusion, None, 0),
        };
        counts.calls = self.source.calls();
        counts.gaps = gaps;
        FeedReport {
            feed,
            outcome: conclusion.outcome,
            message: conclusion.into_message(),
            counts,
            watermark,
            // By this machine's clock: where it is wrong, or Mimecast's seems to be, that must show.
            lag_seconds: watermark.map(|time| (clock.own_now() - time).num_seconds().max(0)),
            duration_seconds: clock.elapsed().saturating_sub(began).as_secs_f64(),
            is_first,
        }
    }

    async fn open(&self) -> Result<CheckpointWriter, Conclusion> {
        let checkpoint = self.checkpoint_address();
        let writer = CheckpointWriter::open(
            &self.pipeline.ports,
            self.pipeline.feed,
            self.pipeline.lookback,
            self.pipeline.deadlines.done,
        )
        .await
        .map_err(|error| {
            Conclusion::failed(format!(
                "Reading the checkpoint {checkpoint}: {}. Nothing was read or delivered.",
                error.explain()
            ))
        })?;
        let watermark = writer.progress.checkpoint().watermark;
        let now = self.pipeline.ports.clock.now();
        // A first run of 30 days begins exactly at the border.
        if watermark < now - RETENTION - CLOCK_TOLERANCE {
            warn!(
                watermark = event_time::to_utc_text(watermark),
                "The checkpoint is older than the 30 days for which Mimecast keeps its logs: what lies between can no longer be read."
            );
        }
        Ok(writer)
    }

    async fn work(&self, writer: &mut CheckpointWriter, counts: &mut Counts) -> Conclusion {
        if let Some(wait) = writer.progress.checkpoint().wait
            && wait.holds_at(self.clock.own_now())
        {
            return Conclusion::still_waiting(wait);
        }
        let before = writer.progress.checkpoint().watermark;
        let forward = self.catch_up(writer, counts).await;
        // What is read from here on ends long before now.
        self.clock.settle();
        let moved = writer.progress.checkpoint().watermark > before;
        let due = writer
            .progress
            .to_reconcile(self.pipeline.ports.clock.now());
        let read_ended = match &forward {
            Ok(()) => ReadEnd::Whole,
            Err(reason) if reason.is_unreadable() || hangs(writer, reason) => ReadEnd::Unreadable,
            Err(_) => ReadEnd::Other,
        };
        // A range that cannot be read is no reason to leave the gaps alone: one that closes makes room.
        let may_retry = forward.as_ref().err().is_none_or(StopReason::is_unreadable);
        let forward = if may_retry {
            let retried = gaps::retry(&self.pipeline, writer, counts).await;
            match (forward, retried) {
                (Err(_), Err(retried)) if retried.is_for_the_next_pass() => Err(retried),
                (forward, retried) => forward.and(retried),
            }
        } else {
            forward
        };
        let (end, flushed) = match forward {
            Ok(()) if !due.is_empty() => {
                let compared = Reconciler::new(&self.pipeline, writer, counts)
                    .run(&due)
                    .await;
                (
                    compared.map_err(|reason| self.overdue(writer, reason)),
                    false,
                )
            }
            end => (end, writer.flush_ledger_if_full().await),
        };
        let changes = PassChanges {
            progressed: moved || counts.any_dealt_with(),
            moved,
            flushed,
            read_ended,
        };
        let end = self.remember(writer, end, changes).await;
        let context = StopContext {
            feed: self.pipeline.feed,
            checkpoint: &self.checkpoint_address(),
            posted: counts.batches > 0,
        };
        Conclusion::from(end, context).with_gaps(
            self.pipeline.feed,
            writer.progress.checkpoint().gaps.iter(),
            counts,
        )
    }

    /// A comparison that does not fit into the run budget hour after hour leaves late records unfound:
    /// that must not be silent.
    fn overdue(&self, writer: &CheckpointWriter, mut reason: StopReason) -> StopReason {
        let checkpoint = writer.progress.checkpoint();
        let last = checkpoint.reconciled_at.unwrap_or(checkpoint.tally.since());
        let is_overdue = self.pipeline.ports.clock.now() - last > MAX_RECONCILE_AGE;
        if is_overdue && reason.is_of_reading() && matches!(reason.kind, StopKind::OutOfTime) {
            reason.kind = StopKind::NotReconciled { since: last };
        }
        reason
    }

    /// Saves the wait and the range length that the next pass begins with.
    async fn remember(
        &self,
        writer: &mut CheckpointWriter,
        end: Result<(), StopReason>,
        changes: PassChanges,
    ) -> Result<(), StopReason> {
        let progress = &mut writer.progress;
        let before = progress.checkpoint().wait.filter(|_| !changes.progressed);
        let asked = end.as_ref().err().and_then(StopReason::asked_wait);
        let wait = asked
            .map(|(asked_by, length)| Wait::asked(asked_by, length, self.clock.own_now(), before));
        let mut news = progress.wait(wait) || changes.flushed;
        news |= match changes.read_ended {
            ReadEnd::Whole => progress.read_succeeded(),
            ReadEnd::Unreadable => progress.read_failed(changes.moved),
            ReadEnd::Other => false,
        };
        news |= match &end {
            Ok(()) => progress.lengthen_ranges(),
            Err(reason) if !changes.moved && reason.is_of_reading() => progress.shorten_ranges(),
            Err(_) => false,
        };
        if !news || end.as_ref().is_err_and(StopReason::is_unsaved) {
            return end;
        }
        writer.save_at_end(end, false).await
    }

    /// Reads forward to now, and again from what is delivered where the source refused a token, or where
    /// its clock turned out to be behind this machine's.
    async fn catch_up(
        &self,
        writer: &mut CheckpointWriter,
        counts: &mut Counts,
    ) -> Result<(), StopReason> {
        let mut restarts = Restarts::default();
        let mut corrections = 0;
        loop {
            let before = writer.progress.checkpoint().watermark;
            match self.forward(writer, counts).await {
                Err(reason) if reason.is_clock_ahead() && corrections < MAX_RESTARTS => {
                    corrections += 1;
                    self.clock.heed();
                    writer.begin_anew(self.pipeline.lookback);
                }
                Err(reason) if matches!(reason.kind, StopKind::PageTokenRefused) => {
                    if writer.progress.checkpoint().watermark > before {
                        restarts.reset();
                    }
                    restarts.count(reason, counts)?;
                }
                end => return end,
            }
        }
    }

    /// Reads forward once. Where only the ledger knows what was delivered, range by range, so that
    /// never more than an hour or two of it is in memory.
    async fn forward(
        &self,
        writer: &mut CheckpointWriter,
        counts: &mut Counts,
    ) -> Result<(), StopReason> {
        let ranges = writer.progress.begin(self.pipeline.ports.clock.now());
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
                    .map_err(StopReason::ledger_unreadable)?;
                writer.progress.recount(Span::covering(range), &known);
            }
            let segment = Segment {
                ranges,
                direction: Direction::Forward,
                known,
                isolates: writer.progress.is_isolating(),
                patience: Patience::Usual,
            };
            self.pipeline.run(writer, counts, segment).await?;
        }
        Ok(())
    }

    fn checkpoint_address(&self) -> String {
        self.pipeline
            .ports
            .store
            .address(StoreKey::Checkpoint(self.pipeline.feed))
    }
}

/// Whether reading stands at the shortest range, and ran out of time there.
fn hangs(writer: &CheckpointWriter, reason: &StopReason) -> bool {
    matches!(reason.kind, StopKind::OutOfTime)
        && reason.is_of_reading()
        && writer.progress.checkpoint().first_range == SHORTEST_RANGE
}

/// The report of a feed whose task broke, for the caller that caught it.
pub(super) fn broken(feed: Feed, reason: &str, after: Duration) -> FeedReport {
    FeedReport {
        feed,
        outcome: Outcome::Failed,
        message: Some(format!(
            "The run of {feed} crashed: {reason}. This is a bug in the program; the next run continues from the saved checkpoint."
        )),
        counts: Counts::default(),
        watermark: None,
        lag_seconds: None,
        duration_seconds: after.as_secs_f64(),
        is_first: false,
    }
}
