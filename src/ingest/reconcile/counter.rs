//! Asking Mimecast how many records there are.

use chrono::TimeDelta;
use tracing::debug;

use crate::{
    ingest::{
        pipeline::Pipeline,
        ports::{PageRequest, Patience},
        report::stop_reason::{Step, StopReason},
        state::checkpoint_writer::CheckpointWriter,
    },
    model::{
        date_range::DateRange,
        end_bound::{EndBound, Probe},
        ledger::Hour,
        tally::Span,
    },
};

/// At most this many probes show whether Mimecast lists the last second of a range.
const MAX_PROBES: usize = 3;

/// Counts a feed's records.
pub(super) struct Counter<'a> {
    pipeline: &'a Pipeline,
}

impl<'a> Counter<'a> {
    /// Counts through the source of `pipeline`, within its deadline for reading.
    pub(super) const fn new(pipeline: &'a Pipeline) -> Self {
        Self { pipeline }
    }

    /// How many records Mimecast counts in a range, in one call. Where it says nothing but shows all
    /// there is, as it may for few, those are counted.
    pub(super) async fn count(&self, range: DateRange) -> Result<Option<u64>, StopReason> {
        let Pipeline {
            feed,
            ports,
            deadlines,
            ..
        } = self.pipeline;
        let deadline = deadlines.read;
        if deadline.remaining(ports.clock.elapsed()).is_none() {
            return Err(StopReason::out_of_time(Step::Counting(range)));
        }
        let request = PageRequest {
            feed: *feed,
            range,
            token: None,
            size: 1,
            patience: Patience::Usual,
        };
        let page = ports.source.fetch_page(request, deadline).await;
        let page = page.map_err(|error| StopReason::of_service(error, Step::Counting(range)))?;
        let shown = page.next.is_none().then_some(page.len() as u64);
        Ok(page.total.or(shown))
    }

    /// Whether Mimecast counts at all: a second of the last minutes.
    pub(super) async fn is_answered(&self) -> bool {
        let now = self.pipeline.ports.clock.now();
        let recent = now - TimeDelta::minutes(2);
        let Ok(range) = DateRange::new(recent - TimeDelta::seconds(1), recent, now) else {
            return false;
        };
        self.count(range).await.is_ok()
    }

    /// Whether Mimecast lists the second `to`, if what is known of some seconds can show it.
    pub(super) async fn end_bound(
        &self,
        writer: &CheckpointWriter,
        whole: Span,
    ) -> Result<Option<EndBound>, StopReason> {
        let mut answers = Vec::new();
        let probes = probes(writer, whole).await?;
        for probe in probes.into_iter().take(MAX_PROBES) {
            let count = match self.count(probe.range).await {
                Err(reason) if reason.is_unreadable() => None,
                count => count?,
            };
            answers.extend(probe.answered(count));
        }
        debug!(
            ?answers,
            "Probed whether Mimecast lists the last second of a range."
        );
        Ok(EndBound::agreed(&answers))
    }
}

/// Probes in the time of which the checkpoint knows every record; where no record lies there, in the
/// last hour that holds any.
async fn probes(writer: &CheckpointWriter, whole: Span) -> Result<Vec<Probe>, StopReason> {
    let checkpoint = writer.progress.checkpoint();
    let (recent, tally) = (&checkpoint.recent, &checkpoint.tally);
    let from = checkpoint.filed_before.max(tally.since());
    let probes = Probe::among(recent.placed(from, checkpoint.watermark), from);
    if !probes.is_empty() {
        return Ok(probes);
    }
    let last = tally.last_before(whole.end());
    let Some(range) = last.and_then(|last| DateRange::new(last, last, last).ok()) else {
        return Ok(Vec::new());
    };
    let mut known = writer
        .known(range)
        .await
        .map_err(StopReason::ledger_unreadable)?;
    let from = Hour::of(range.from()).start();
    known.extend(recent.placed(from, checkpoint.watermark));
    Ok(Probe::among(known, from.max(tally.since())))
}
