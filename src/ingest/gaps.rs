//! Reading gaps again: ranges that could not be read when the watermark passed them.

use std::time::Duration;

use chrono::TimeDelta;
use tracing::{info, warn};

use super::{
    pipeline::{Direction, Pipeline, Segment},
    ports::Patience,
    report::{Counts, stop_reason::StopReason},
    state::checkpoint_writer::CheckpointWriter,
};
use crate::model::{
    date_range::DateRange, event_time, gap::Gap, progress::RETENTION, tally::Span, visible::visible,
};

/// A gap up to this long is read as a whole.
const MAX_WHOLE: TimeDelta = TimeDelta::minutes(2);

/// A longer one is read in so many parts, each time from another one on.
const PARTS: usize = 8;

/// For so long what cannot be read of a gap is narrowed down to its seconds, so that everything else in it is
/// delivered; after that only what can be read at once.
const ISOLATION_TIME: Duration = Duration::from_secs(20);

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
    writer.save().await.map_err(StopReason::not_saved)
}

/// Reads what can be read of a gap, and hands the rest to the writer.
async fn read(
    pipeline: &Pipeline,
    writer: &mut CheckpointWriter,
    counts: &mut Counts,
    gap: &Gap,
) -> Result<(), StopReason> {
    let clock = &pipeline.ports.clock;
    let (now, began) = (clock.now(), clock.elapsed());
    let mut parts = if gap.range.to() - gap.range.from() <= MAX_WHOLE {
        vec![gap.range]
    } else {
        gap.range.parts(PARTS as u64)
    };
    let hour = now.timestamp().unsigned_abs() / 3600;
    let first = usize::try_from(hour).unwrap_or_default() % parts.len().max(1);
    parts.rotate_left(first);
    let mut stopped = Ok(());
    for range in parts {
        let isolates = clock.elapsed().saturating_sub(began) < ISOLATION_TIME;
        let mut left = Gap {
            range,
            ..gap.clone()
        };
        if stopped.is_ok() {
            match read_part(pipeline, writer, counts, range, isolates).await {
                Ok(()) => continue,
                Err(reason) if reason.is_of_range() => {
                    counts.new_gaps += 1;
                    left.reason = visible(&reason.causes());
                    left.tried_at = now;
                }
                Err(reason) => stopped = Err(reason),
            }
        }
        writer
            .add_gap(left)
            .await
            .map_err(StopReason::ledger_unreadable)?;
    }
    stopped
}

async fn read_part(
    pipeline: &Pipeline,
    writer: &mut CheckpointWriter,
    counts: &mut Counts,
    range: DateRange,
    isolates: bool,
) -> Result<(), StopReason> {
    let known = writer
        .known(range)
        .await
        .map_err(StopReason::ledger_unreadable)?;
    // What lies further back is not counted.
    if writer.progress.kept_from() <= range.from() {
        writer.progress.recount(Span::covering(range), &known);
    }
    let segment = Segment {
        ranges: vec![range],
        direction: Direction::Reread,
        known,
        isolates,
        patience: Patience::Two,
    };
    pipeline.run(writer, counts, segment).await
}
