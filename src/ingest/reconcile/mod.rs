//! Comparing what Mimecast counts with what was delivered.
//!
//! A pass reads again what may still show late, as far as `late_arrival` goes. What shows later than
//! that is found here: at most hourly, one call asks how many records the last `reconcile_hours`
//! hold. If it is the number that was delivered, all is well. If not, the halves are counted, and
//! theirs, down to the quarter of an hour; that is read again, and what is not known is delivered.

use tracing::{debug, info, warn};

use super::{
    feed_pass::{FeedPass, Segment},
    pipeline::collect::Direction,
    ports::PageRequest,
    report::{
        Counts,
        stop_reason::{Step, StopKind, StopReason},
    },
    state::checkpoint_writer::CheckpointWriter,
};
use crate::model::{
    date_range::DateRange,
    end_bound::{EndBound, Probe},
    ledger::Hour,
    narrowing::Narrowing,
    tally::Span,
};

/// So many questions are asked to learn how Mimecast takes the end of a range.
const MAX_PROBES: usize = 3;

impl FeedPass {
    /// Compares, and delivers what is missing. The watermark stays where it is.
    pub(in crate::ingest) async fn reconcile(
        &self,
        writer: &mut CheckpointWriter,
        counts: &mut Counts,
        whole: Span,
    ) -> Result<(), StopReason> {
        let began = self.ports.clock.now();
        // What the pass itself missed is missed here again.
        let missing = std::mem::take(&mut counts.missing);
        let result = self.compare(writer, counts, whole).await;
        counts.missing = counts.missing.max(missing);
        result?;
        writer.file().await;
        writer.remove_old().await;
        writer.progress.reconciled(began);
        writer
            .save()
            .await
            .map_err(|error| StopReason::of_store(StopKind::NotSaved, error))
    }

    async fn compare(
        &self,
        writer: &mut CheckpointWriter,
        counts: &mut Counts,
        whole: Span,
    ) -> Result<(), StopReason> {
        let total = self.count(writer, whole, EndBound::Inclusive).await?;
        let delivered = expected(writer, whole);
        debug!(feed = %self.feed, %whole, ?total, delivered, "counts compared");
        if total.is_none() {
            warn!(feed = %self.feed, "Mimecast did not say how many records {whole} holds: what shows later than late_arrival_minutes cannot be found.");
        }
        if total.is_none_or(|total| total == delivered) {
            return Ok(());
        }
        // Only where it matters is it asked how Mimecast takes the end of a range. Where the answers do
        // not tell, the common habit of closed intervals is tried first.
        let shown = self.end_bound(writer, whole).await?;
        let last = shown.unwrap_or(EndBound::Inclusive);
        if self.counts_regardless(writer, whole, total, last).await? {
            warn!(feed = %self.feed, ?total, "Mimecast counts the same for {whole} and each of its halves: what shows later than late_arrival_minutes cannot be found.");
            return Ok(());
        }
        // Where the whole differs and none of its parts does, the seconds between them were not counted:
        // Mimecast does not take the end of a range as it was thought.
        for (last, sure) in [(last, shown.is_some()), (last.other(), false)] {
            if self.narrow(writer, counts, whole, last, sure).await? {
                break;
            }
        }
        Ok(())
    }

    /// Narrows the difference down to quarters and looks there again. Whether that settles it: a quarter
    /// differed, or the whole does not differ once its end is taken rightly.
    async fn narrow(
        &self,
        writer: &mut CheckpointWriter,
        counts: &mut Counts,
        whole: Span,
        last: EndBound,
        sure: bool,
    ) -> Result<bool, StopReason> {
        let mut settled = false;
        let mut narrowing = Narrowing::new(whole);
        while let Some(span) = narrowing.next() {
            let total = self.count(writer, span, last).await?;
            let agrees = total == Some(expected(writer, span));
            settled |= agrees && span == whole;
            if let Some(quarter) = narrowing.counted(agrees) {
                settled = true;
                self.look_again(writer, counts, quarter, total, last, sure)
                    .await?;
            }
        }
        Ok(settled)
    }

    /// Whether the count does not go by the range: both halves hold as much as the whole.
    async fn counts_regardless(
        &self,
        writer: &CheckpointWriter,
        whole: Span,
        total: Option<u64>,
        last: EndBound,
    ) -> Result<bool, StopReason> {
        let (left, right) = whole.halves();
        Ok(total > Some(0)
            && self.count(writer, right, last).await? == total
            && self.count(writer, left, last).await? == total)
    }

    /// Whether Mimecast lists the second `to`, if what is known of some seconds can show it.
    async fn end_bound(
        &self,
        writer: &CheckpointWriter,
        whole: Span,
    ) -> Result<Option<EndBound>, StopReason> {
        let mut answers = Vec::new();
        for probe in self
            .probes(writer, whole)
            .await?
            .into_iter()
            .take(MAX_PROBES)
        {
            let count = self.count_range(Some(probe.range)).await?;
            answers.extend(probe.answered(count));
        }
        debug!(feed = %self.feed, ?answers, "asked how the end of a range is taken");
        Ok(EndBound::agreed(&answers))
    }

    /// What can be asked about the stretch of which the checkpoint knows every record; where there is
    /// nothing, about the last hour that holds any.
    async fn probes(
        &self,
        writer: &CheckpointWriter,
        whole: Span,
    ) -> Result<Vec<Probe>, StopReason> {
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
            .map_err(|error| StopReason::of_store(StopKind::LedgerUnreadable, error))?;
        let from = Hour::of(range.from()).start();
        known.extend(recent.placed(from, checkpoint.watermark));
        Ok(Probe::among(known, from.max(tally.since())))
    }

    async fn count(
        &self,
        writer: &CheckpointWriter,
        span: Span,
        last: EndBound,
    ) -> Result<Option<u64>, StopReason> {
        let tally = &writer.progress.checkpoint().tally;
        self.count_range(tally.to_count(span, last)).await
    }

    /// How many records Mimecast counts in a range, in one call. Where it says nothing but shows all
    /// there is, as it may for few, those are counted.
    async fn count_range(&self, range: Option<DateRange>) -> Result<Option<u64>, StopReason> {
        let Some(range) = range else {
            return Ok(None);
        };
        if self.read_by.remaining(self.ports.clock.elapsed()).is_none() {
            return Err(StopReason::out_of_time(Step::Counting(range)));
        }
        let request = PageRequest {
            feed: self.feed,
            range,
            token: None,
            size: 1,
        };
        let page = self.ports.source.fetch_page(request, self.read_by).await;
        let page = page.map_err(|error| StopReason::of_service(error, Some(range)))?;
        let shown = page.next.is_none().then_some(page.len() as u64);
        Ok(page.total.or(shown))
    }

    /// Reads a quarter again and delivers what is not known. If the numbers then still differ, as they
    /// do for two rows that are alike to the byte, it is read once more; only what two readings in a
    /// row show alike, while the count stands still, is taken for all there is. One reading can miss a
    /// record: when another shows in its middle, the pages shift. Nor is anything taken for explained
    /// unless it is `sure` how Mimecast takes the end of a range. As long as it is not, the second
    /// behind the quarter is read too.
    async fn look_again(
        &self,
        writer: &mut CheckpointWriter,
        counts: &mut Counts,
        quarter: Span,
        total: Option<u64>,
        last: EndBound,
        sure: bool,
    ) -> Result<(), StopReason> {
        let tally = &writer.progress.checkpoint().tally;
        let to_read = if sure {
            tally.to_count(quarter, last)
        } else {
            tally.to_read(quarter)
        };
        let Some(range) = to_read else {
            return Ok(());
        };
        let (before, mut delivered) = (counts.missing, counts.delivered);
        for reading in 1..=2 {
            self.read_again(writer, counts, quarter, range).await?;
            let agrees = total == Some(expected(writer, quarter));
            let whole = counts.missing == before;
            if agrees || !whole || total.is_none() {
                break;
            }
            let nothing_new = counts.delivered == delivered;
            delivered = counts.delivered;
            if reading == 2
                && sure
                && nothing_new
                && let Some(still) = self.count(writer, quarter, last).await?
                && Some(still) == total
            {
                writer.progress.explain(quarter, still);
            }
        }
        // So that a pass which cannot look everywhere leaves less for the next one.
        writer
            .save()
            .await
            .map_err(|error| StopReason::of_store(StopKind::NotSaved, error))
    }

    async fn read_again(
        &self,
        writer: &mut CheckpointWriter,
        counts: &mut Counts,
        quarter: Span,
        range: DateRange,
    ) -> Result<(), StopReason> {
        let before = counts.delivered;
        let mut in_vain = 0;
        loop {
            let known = writer
                .known(range)
                .await
                .map_err(|error| StopReason::of_store(StopKind::LedgerUnreadable, error))?;
            writer.progress.recount(quarter, &known);
            let segment = Segment {
                ranges: vec![range],
                direction: Direction::Behind,
                known,
            };
            match self.pipeline(writer, counts, segment).await {
                Err(reason) if matches!(reason.kind, StopKind::PageTokenRefused) => {
                    self.begin_again(&mut in_vain, reason, counts)?;
                }
                end => {
                    let late = counts.delivered - before;
                    counts.reconciled += late;
                    if late > 0 {
                        info!(feed = %self.feed, late, "Records of {quarter} that showed late were found by count and delivered.");
                    }
                    return end;
                }
            }
        }
    }
}

/// How many records Mimecast should count in the span.
fn expected(writer: &CheckpointWriter, span: Span) -> u64 {
    writer.progress.checkpoint().tally.total(span)
}
