//! Comparing what Mimecast counts with what was delivered.
//!
//! A pass reads again what may still appear late, as far as `late_arrival` goes. What appears later than
//! that is found here: at most hourly, one call asks how many records the last `reconcile_hours`
//! hold. If it is the number that was delivered, all is well. If not, the halves are counted, and
//! theirs, down to the quarter of an hour; that is read again, and what is not known is delivered.

mod counter;

use tracing::{debug, info, warn};

use self::counter::Counter;
use super::{
    pipeline::{Direction, Pipeline, Restarts, Segment},
    ports::Patience,
    report::{
        Counts,
        stop_reason::{StopKind, StopReason},
    },
    state::checkpoint_writer::CheckpointWriter,
};
use crate::model::{date_range::DateRange, end_bound::EndBound, narrowing::Narrowing, tally::Span};

/// How Mimecast takes the end of a range, as far as it is known.
#[derive(Debug, Clone, Copy)]
struct AssumedBound {
    bound: EndBound,
    /// Whether its answers have shown it.
    is_proved: bool,
}

/// A quarter of an hour whose count differs, and that count.
#[derive(Debug, Clone, Copy)]
struct Difference {
    quarter: Span,
    counted: Option<u64>,
}

/// Compares a feed's counts once.
pub(super) struct Reconciler<'a> {
    pipeline: &'a Pipeline,
    counter: Counter<'a>,
    writer: &'a mut CheckpointWriter,
    counts: &'a mut Counts,
    /// The first quarter that could not be read.
    unread: Option<StopReason>,
}

impl<'a> Reconciler<'a> {
    /// What is missing is read and delivered through `pipeline`, and remembered by `writer`.
    pub(super) fn new(
        pipeline: &'a Pipeline,
        writer: &'a mut CheckpointWriter,
        counts: &'a mut Counts,
    ) -> Self {
        Self {
            pipeline,
            counter: Counter::new(pipeline),
            writer,
            counts,
            unread: None,
        }
    }

    /// Compares, and delivers what is missing. The watermark stays where it is.
    pub(super) async fn run(mut self, spans: &[Span]) -> Result<(), StopReason> {
        let began = self.pipeline.ports.clock.now();
        // What the pass itself missed is missed here again.
        let missing = std::mem::take(&mut self.counts.missing);
        let result = self.compare_all(spans).await;
        self.counts.missing = self.counts.missing.max(missing);
        result?;
        self.writer.flush_ledger().await;
        self.writer.remove_old().await;
        self.writer.progress.reconciled(began);
        self.save().await
    }

    async fn compare_all(&mut self, spans: &[Span]) -> Result<(), StopReason> {
        for span in spans {
            self.compare(*span).await?;
        }
        self.unread.take().map_or(Ok(()), Err)
    }

    async fn save(&mut self) -> Result<(), StopReason> {
        self.writer.save().await.map_err(StopReason::not_saved)
    }

    /// How many records Mimecast should count in the span.
    fn expected(&self, span: Span) -> u64 {
        self.writer.progress.checkpoint().tally.total(span)
    }

    async fn count(&self, span: Span, bound: EndBound) -> Result<Option<u64>, StopReason> {
        let tally = &self.writer.progress.checkpoint().tally;
        let Some(range) = tally.to_count(span, bound) else {
            return Ok(None);
        };
        match self.counter.count(range).await {
            // What cannot be counted is read, if it matters.
            Err(reason) if reason.is_unreadable() => Ok(None),
            counted => counted,
        }
    }

    async fn compare(&mut self, whole: Span) -> Result<(), StopReason> {
        let tally = &self.writer.progress.checkpoint().tally;
        let Some(range) = tally.to_count(whole, EndBound::Inclusive) else {
            return Ok(());
        };
        let total = match self.counter.count(range).await {
            Ok(total) => total,
            // Parts of it may be counted, unless nothing is.
            Err(reason) if reason.is_unreadable() && self.counter.is_answered().await => {
                let assumed = AssumedBound {
                    bound: EndBound::Inclusive,
                    is_proved: false,
                };
                return self.narrow(whole, assumed).await.map(drop);
            }
            Err(reason) => return Err(reason),
        };
        let delivered = self.expected(whole);
        debug!(%whole, total, delivered, "The counts are compared.");
        if total.is_none() {
            warn!(
                %whole,
                "Mimecast did not say how many records there are: those that appear later than late_arrival_minutes cannot be found."
            );
        }
        if total.is_none_or(|total| total == delivered) {
            return Ok(());
        }
        // Only where it matters is it asked how Mimecast takes the end of a range. Where the answers do
        // not tell, the common habit of closed intervals is tried first.
        let shown = self.counter.end_bound(self.writer, whole).await?;
        let bound = shown.unwrap_or(EndBound::Inclusive);
        if self.counts_regardless(whole, total, bound).await? {
            warn!(
                %whole,
                total,
                "Mimecast counts the same for a span and each of its halves: records that appear later than late_arrival_minutes cannot be found."
            );
            return Ok(());
        }
        let is_proved = shown.is_some();
        // Where the whole differs and none of its parts does, the seconds between them were not counted:
        // Mimecast does not take the end of a range as it was thought.
        for assumed in [
            AssumedBound { bound, is_proved },
            AssumedBound {
                bound: bound.other(),
                is_proved: false,
            },
        ] {
            if self.narrow(whole, assumed).await? {
                break;
            }
        }
        Ok(())
    }

    /// Narrows the difference down to quarters and reads them again. Whether that settles it: a quarter
    /// differed, or the whole does not differ once its end is taken rightly.
    async fn narrow(&mut self, whole: Span, assumed: AssumedBound) -> Result<bool, StopReason> {
        let mut settled = false;
        let mut narrowing = Narrowing::new(whole);
        while let Some(span) = narrowing.current() {
            let counted = self.count(span, assumed.bound).await?;
            let agrees = counted == Some(self.expected(span));
            settled |= agrees && span == whole;
            if let Some(quarter) = narrowing.counted(agrees) {
                settled = true;
                let difference = Difference { quarter, counted };
                self.explain_difference(difference, assumed).await?;
            }
        }
        Ok(settled)
    }

    /// Whether the count does not go by the range: both halves hold as much as the whole.
    async fn counts_regardless(
        &self,
        whole: Span,
        total: Option<u64>,
        bound: EndBound,
    ) -> Result<bool, StopReason> {
        let (left, right) = whole.halves();
        Ok(total > Some(0)
            && self.count(right, bound).await? == total
            && self.count(left, bound).await? == total)
    }

    /// Reads a quarter again and delivers what is not known. If the numbers then still differ, as they
    /// do for two rows that are alike to the byte, it is read once more; only what two readings in a
    /// row show alike, while the count stands still, is taken for all there is. One reading can miss a
    /// record: when another appears in its middle, the pages shift. Nor is anything taken for explained
    /// unless it is proved how Mimecast takes the end of a range. As long as it is not, the second
    /// after the quarter is read too.
    async fn explain_difference(
        &mut self,
        Difference { quarter, counted }: Difference,
        assumed: AssumedBound,
    ) -> Result<(), StopReason> {
        let tally = &self.writer.progress.checkpoint().tally;
        let to_read = if assumed.is_proved {
            tally.to_count(quarter, assumed.bound)
        } else {
            tally.to_read(quarter)
        };
        let Some(range) = to_read else {
            return Ok(());
        };
        let (before, mut delivered) = (self.counts.missing, self.counts.delivered);
        for reading in 1..=2 {
            let mut read = self.read_again(quarter, range, false).await;
            // What cannot be read in it becomes a gap, and the rest is delivered.
            let isolates = read.as_ref().is_err_and(StopReason::is_unreadable);
            if isolates {
                read = self.read_again(quarter, range, true).await;
            }
            match read {
                Ok(()) => {}
                // The other quarters are compared all the same.
                Err(reason) if reason.is_of_range() => {
                    self.unread.get_or_insert(reason);
                    return self.save().await;
                }
                Err(reason) => return Err(reason),
            }
            // What lies in a gap was not seen, so the difference is not accounted for.
            if isolates {
                break;
            }
            let agrees = counted == Some(self.expected(quarter));
            let is_whole = self.counts.missing == before;
            if agrees || !is_whole || counted.is_none() {
                break;
            }
            let nothing_new = self.counts.delivered == delivered;
            delivered = self.counts.delivered;
            if reading == 2
                && assumed.is_proved
                && nothing_new
                && let Some(still) = self.count(quarter, assumed.bound).await?
                && Some(still) == counted
            {
                self.writer.progress.account_for(quarter, still);
            }
        }
        // So that a pass which cannot read everywhere leaves less for the next one.
        self.save().await
    }

    async fn read_again(
        &mut self,
        quarter: Span,
        range: DateRange,
        isolates: bool,
    ) -> Result<(), StopReason> {
        let before = self.counts.delivered;
        let mut restarts = Restarts::default();
        loop {
            let known = self
                .writer
                .known(range)
                .await
                .map_err(StopReason::ledger_unreadable)?;
            self.writer.progress.recount(quarter, &known);
            let segment = Segment {
                ranges: vec![range],
                direction: Direction::Reread,
                known,
                isolates,
                patience: Patience::Usual,
            };
            match self.pipeline.run(self.writer, self.counts, segment).await {
                Err(reason) if matches!(reason.kind, StopKind::PageTokenRefused) => {
                    restarts.count(reason, self.counts)?;
                }
                end => {
                    let late = self.counts.delivered - before;
                    self.counts.reconciled += late;
                    if late > 0 {
                        info!(
                            %quarter,
                            late,
                            "Records that appeared late were found by count and delivered."
                        );
                    }
                    return end;
                }
            }
        }
    }
}
