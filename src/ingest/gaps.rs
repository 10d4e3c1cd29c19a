//! Reading gaps again: ranges that could not be read when the watermark passed them.

use chrono::TimeDelta;
use tracing::{info, warn};

use super::{
    pipeline::{Direction, Pipeline, Segment},
    ports::Patience,
    report::{
        Counts,
        stop_reason::{StopKind, StopReason},
    },
    state::checkpoint_writer::CheckpointWriter,
};
use crate::model::{
    date_range::DateRange,
    event_time,
    gap::{Gap, MAX_GAPS},
    progress::RETENTION,
    tally::Span,
    visible::visible,
};

/// A gap up to this long is narrowed down to its seconds each time it is read.
const MAX_ISOLATED: TimeDelta = TimeDelta::minutes(2);

/// A longer one is read in so many parts: those that can be read are no gaps any more.
const PARTS: usize = 8;

/// Tries the gaps that are due, and gives up those that are too old. What can be read of a gap is delivered,
/// and the rest stays a gap.
pub(super) async fn retry(
    pipeline: &Pipeline,
    writer: &mut CheckpointWriter,
    counts: &mut Counts,
) -> Result<(), StopReason> {
    let now = pipeline.ports.clock.now();
    let old = writer.progress.remove_old_gaps(now);
    if !old.is_empty() {
        for gap in &old {
            warn!(
                range = %gap.range,
                since = event_time::to_utc_text(gap.since),
                "The range was never readable, and Mimecast keeps its logs for {} days only: its records are lost.",
                RETENTION.num_days()
            );
        }
        counts.lost_gaps += old.len() as u64;
        save(writer).await?;
    }
    for gap in writer.progress.checkpoint().gaps.due(now) {
        let before = counts.new_gaps;
        writer.begin_gap();
        let read = read(pipeline, writer, counts, &gap).await;
        writer.replace_gap(&gap);
        if read.as_ref().is_err_and(StopReason::is_unsaved) {
            return read;
        }
        save(writer).await?;
        read?;
        if counts.new_gaps == before {
            info!(range = %gap.range, "A gap could be read at last.");
        }
    }
    Ok(())
}

async fn save(writer: &mut CheckpointWriter) -> Result<(), StopReason> {
    let saved = writer.save().await;
    saved.map_err(|error| StopReason::of_store(StopKind::NotSaved, error))
}

/// Reads what can be read of a gap, and hands the rest to the writer.
async fn read(
    pipeline: &Pipeline,
    writer: &mut CheckpointWriter,
    counts: &mut Counts,
    gap: &Gap,
) -> Result<(), StopReason> {
    let isolates = gap.range.to() - gap.range.from() <= MAX_ISOLATED;
    let has_room = writer.progress.checkpoint().gaps.len() + PARTS <= MAX_GAPS;
    let parts = if isolates || !has_room {
        vec![gap.range]
    } else {
        gap.range.parts(PARTS as u64)
    };
    let mut stopped = Ok(());
    for range in parts {
        let result = match stopped {
            Ok(()) => read_part(pipeline, writer, counts, range, isolates).await,
            Err(_) => Err(None),
        };
        let reason = match result {
            Ok(()) => continue,
            // Not tried, since the one before ended the pass.
            Err(None) => gap.reason.clone(),
            Err(Some(reason)) => {
                let text = visible(&reason.causes());
                if reason.is_of_range() {
                    counts.new_gaps += 1;
                } else {
                    stopped = Err(reason);
                }
                text
            }
        };
        let left = Gap {
            range,
            since: gap.since,
            tried_at: pipeline.ports.clock.now(),
            reason,
        };
        let added = writer.add_gap(left).await;
        added.map_err(|error| StopReason::of_store(StopKind::LedgerUnreadable, error))?;
    }
    stopped
}

async fn read_part(
    pipeline: &Pipeline,
    writer: &mut CheckpointWriter,
    counts: &mut Counts,
    range: DateRange,
    isolates: bool,
) -> Result<(), Option<StopReason>> {
    let known = writer.known(range).await;
    let known =
        known.map_err(|error| Some(StopReason::of_store(StopKind::LedgerUnreadable, error)))?;
    // What lies further back is not counted.
    if writer.progress.kept_from() <= range.from() {
        writer.progress.recount(Span::covering(range), &known);
    }
    let segment = Segment {
        ranges: vec![range],
        direction: Direction::Reread,
        known,
        isolates,
        patience: Patience::One,
    };
    pipeline.run(writer, counts, segment).await.map_err(Some)
}
