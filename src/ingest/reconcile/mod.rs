//! Comparing what Mimecast counts with what was delivered.
//!
//! A pass reads again what may still show late, as far as `late_arrival` goes. What shows later than
//! that is found here: at most hourly, one call asks how many records the last `reconcile_hours`
//! hold. If it is the number that was delivered, all is well. If not, the halves are counted, and
//! theirs, down to the quarter of an hour; that is read again, and what is not known is delivered.

use tracing::{debug, info, warn};

use super::{
    feed_pass::{FeedPass, Stretch},
    pipeline::collect::Direction,
    ports::PageRequest,
    report::{
        Counts,
        end::{End, ReadEnd},
    },
    state::checkpoint_writer::Keeper,
};
use crate::model::{
    date_range::DateRange,
    end_bound::{LastSecond, Probe},
    ledger::Hour,
    narrowing::Narrowing,
    tally::Span,
};

/// So many questions are asked to learn how Mimecast takes the end of a range.
const PROBES: usize = 3;

impl FeedPass {
    /// Compares, and delivers what is missing. The watermark stays where it is.
    pub(in crate::ingest) async fn reconcile(
        &self,
        keeper: &mut Keeper,
        counts: &mut Counts,
        whole: Span,
    ) -> Result<(), End> {
        let began = self.ports.clock.now();
        // What the pass itself missed is missed here again.
        let missing = std::mem::take(&mut counts.missing);
        let result = self.compare(keeper, counts, whole).await;
        counts.missing = counts.missing.max(missing);
        result?;
        keeper.file().await;
        keeper.remove_old().await;
        keeper.progress.reconciled(began);
        keeper.save().await.map_err(End::NotSaved)
    }

    async fn compare(
        &self,
        keeper: &mut Keeper,
        counts: &mut Counts,
        whole: Span,
    ) -> Result<(), End> {
        let total = self.count(keeper, whole, LastSecond::Listed).await?;
        let delivered = expected(keeper, whole);
        debug!(feed = %self.feed, %whole, ?total, delivered, "counts compared");
        if total.is_none() {
            warn!(feed = %self.feed, "Mimecast did not say how many records {whole} holds: what shows later than late_arrival_minutes cannot be found.");
        }
        if total.is_none_or(|total| total == delivered) {
            return Ok(());
        }
        // Only where it matters is it asked how Mimecast takes the end of a range. Where the answers do
        // not tell, the common habit of closed intervals is tried first.
        let shown = self.last_second(keeper, whole).await?;
        let last = shown.unwrap_or(LastSecond::Listed);
        if self.counts_regardless(keeper, whole, total, last).await? {
            warn!(feed = %self.feed, ?total, "Mimecast counts the same for {whole} and each of its halves: what shows later than late_arrival_minutes cannot be found.");
            return Ok(());
        }
        // Where the whole differs and none of its parts does, the seconds between them were not counted:
        // Mimecast does not take the end of a range as it was thought.
        for (last, sure) in [(last, shown.is_some()), (last.other(), false)] {
            if self.narrow(keeper, counts, whole, last, sure).await? {
                break;
            }
        }
        Ok(())
    }

    /// Narrows the difference down to quarters and looks there again. Whether that settles it: a quarter
    /// differed, or the whole does not differ once its end is taken rightly.
    async fn narrow(
        &self,
        keeper: &mut Keeper,
        counts: &mut Counts,
        whole: Span,
        last: LastSecond,
        sure: bool,
    ) -> Result<bool, End> {
        let mut settled = false;
        let mut narrowing = Narrowing::new(whole);
        while let Some(span) = narrowing.next() {
            let total = self.count(keeper, span, last).await?;
            let agrees = total == Some(expected(keeper, span));
            settled |= agrees && span == whole;
            if let Some(quarter) = narrowing.counted(agrees) {
                settled = true;
                self.look_again(keeper, counts, quarter, total, last, sure)
                    .await?;
            }
        }
        Ok(settled)
    }

    /// Whether the count does not go by the range: both halves hold as much as the whole.
    async fn counts_regardless(
        &self,
        keeper: &Keeper,
        whole: Span,
        total: Option<u64>,
        last: LastSecond,
    ) -> Result<bool, End> {
        let (left, right) = whole.halves();
        Ok(total > Some(0)
            && self.count(keeper, right, last).await? == total
            && self.count(keeper, left, last).await? == total)
    }

    /// Whether Mimecast lists the second `to`, if what is known of some seconds can show it.
    async fn last_second(&self, keeper: &Keeper, whole: Span) -> Result<Option<LastSecond>, End> {
        let mut answers = Vec::new();
        for probe in self.probes(keeper, whole).await?.into_iter().take(PROBES) {
            let count = self.count_range(Some(probe.range)).await?;
            answers.extend(probe.answered(count));
        }
        debug!(feed = %self.feed, ?answers, "asked how the end of a range is taken");
        Ok(LastSecond::agreed(&answers))
    }

    /// What can be asked about the stretch of which the checkpoint knows every record; where there is
    /// nothing, about the last hour that holds any.
    async fn probes(&self, keeper: &Keeper, whole: Span) -> Result<Vec<Probe>, End> {
        let checkpoint = keeper.progress.checkpoint();
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
        let mut known = keeper.known(range).await.map_err(End::NoLedger)?;
        let from = Hour::of(range.from()).start();
        known.extend(recent.placed(from, checkpoint.watermark));
        Ok(Probe::among(known, from.max(tally.since())))
    }

    async fn count(
        &self,
        keeper: &Keeper,
        span: Span,
        last: LastSecond,
    ) -> Result<Option<u64>, End> {
        let tally = &keeper.progress.checkpoint().tally;
        self.count_range(tally.to_count(span, last)).await
    }

    /// How many records Mimecast counts in a range, in one call. Where it says nothing but shows all
    /// there is, as it may for few, those are counted.
    async fn count_range(&self, range: Option<DateRange>) -> Result<Option<u64>, End> {
        let Some(range) = range else {
            return Ok(None);
        };
        if self.read_by.remaining(self.ports.clock.elapsed()).is_none() {
            let reason = format!("the run budget ended while counting {range}");
            return Err(End::Read(ReadEnd::OutOfTime(reason)));
        }
        let request = PageRequest {
            feed: self.feed,
            range,
            token: None,
            size: 1,
        };
        let page = self.ports.source.fetch_page(request, self.read_by).await;
        let page = page.map_err(|error| End::Read(ReadEnd::of(range, error)))?;
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
        keeper: &mut Keeper,
        counts: &mut Counts,
        quarter: Span,
        total: Option<u64>,
        last: LastSecond,
        sure: bool,
    ) -> Result<(), End> {
        let tally = &keeper.progress.checkpoint().tally;
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
            self.read_again(keeper, counts, quarter, range).await?;
            let agrees = total == Some(expected(keeper, quarter));
            let whole = counts.missing == before;
            if agrees || !whole || total.is_none() {
                break;
            }
            let nothing_new = counts.delivered == delivered;
            delivered = counts.delivered;
            if reading == 2
                && sure
                && nothing_new
                && let Some(still) = self.count(keeper, quarter, last).await?
                && Some(still) == total
            {
                keeper.progress.explain(quarter, still);
            }
        }
        // So that a pass which cannot look everywhere leaves less for the next one.
        keeper.save().await.map_err(End::NotSaved)
    }

    async fn read_again(
        &self,
        keeper: &mut Keeper,
        counts: &mut Counts,
        quarter: Span,
        range: DateRange,
    ) -> Result<(), End> {
        let before = counts.delivered;
        let mut in_vain = 0;
        loop {
            let known = keeper.known(range).await.map_err(End::NoLedger)?;
            keeper.progress.recount(quarter, &known);
            let stretch = Stretch {
                ranges: vec![range],
                direction: Direction::Behind,
                known,
            };
            match self.pipeline(keeper, counts, stretch).await {
                Err(End::Read(ReadEnd::TokenRefused(reason))) => {
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
fn expected(keeper: &Keeper, span: Span) -> u64 {
    keeper.progress.checkpoint().tally.total(span)
}
