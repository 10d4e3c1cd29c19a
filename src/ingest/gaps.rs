//! Reading gaps again: ranges that could not be read when the watermark passed them.

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
    date_range::DateRange, event_time, progress::RETENTION, tally::Span, visible::visible,
};

/// Tries the gaps that are due. One that still cannot be read stays; what is read of it is delivered.
pub(super) async fn retry(
    pipeline: &Pipeline,
    writer: &mut CheckpointWriter,
    counts: &mut Counts,
) -> Result<(), StopReason> {
    let now = pipeline.ports.clock.now();
    for gap in writer.progress.remove_old_gaps(now) {
        warn!(
            range = %gap.range,
            since = event_time::to_utc_text(gap.since),
            "The range was never readable, and Mimecast keeps its logs for {} days only: its records are lost.",
            RETENTION.num_days()
        );
    }
    for range in writer.progress.checkpoint().gaps.due(now) {
        match read(pipeline, writer, counts, range).await {
            Ok(()) => {
                info!(%range, "A gap could be read at last.");
                writer.progress.gaps_mut().close(range);
            }
            Err(reason) if reason.is_unreadable() => {
                counts.new_gaps += 1;
                let why = visible(&reason.causes());
                writer.progress.gaps_mut().tried(range, now, &why);
            }
            Err(reason) => return Err(reason),
        }
        let saved = writer.save().await;
        saved.map_err(|error| StopReason::of_store(StopKind::NotSaved, error))?;
    }
    Ok(())
}

async fn read(
    pipeline: &Pipeline,
    writer: &mut CheckpointWriter,
    counts: &mut Counts,
    range: DateRange,
) -> Result<(), StopReason> {
    let known = writer.known(range).await;
    let known = known.map_err(|error| StopReason::of_store(StopKind::LedgerUnreadable, error))?;
    // What lies further back is not counted.
    if writer.progress.kept_from() <= range.from() {
        writer.progress.recount(Span::covering(range), &known);
    }
    let segment = Segment {
        ranges: vec![range],
        direction: Direction::Reread,
        known,
        isolates: false,
        patience: Patience::One,
    };
    pipeline.run(writer, counts, segment).await
}
