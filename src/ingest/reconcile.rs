//! Comparing what Mimecast counts with what was delivered.
//!
//! A pass reads again what may still show late, as far as `late_arrival` goes. What shows later than
//! that is found here: at most hourly, one call asks how many records the last `reconcile_hours`
//! hold. If it is the number that was delivered, all is well. If not, the halves are counted, and
//! theirs, down to the quarter of an hour; that is read again, and what is not known is delivered.

use chrono::{DateTime, TimeDelta, Utc};
use tracing::{debug, info, warn};

use super::{
    collect::Direction,
    deliver::End,
    feed_pass::{FeedPass, Stretch, completed, saved},
    keeper::Keeper,
    ports::{PageRequest, SourceError},
    read::ReadEnd,
    report::Counts,
};
use crate::model::{
    date_range::DateRange,
    ledger::Hour,
    narrowing::{Find, Narrowing},
    tally::{RangeEnd, Span},
};

/// What counting came to.
type Counted<T> = Result<T, End>;

impl FeedPass {
    /// Compares, and delivers what is missing. The watermark stays where it is.
    pub(super) async fn reconcile(
        &self,
        keeper: &mut Keeper,
        counts: &mut Counts,
        whole: Span,
    ) -> End {
        let began = self.ports.clock.now();
        let (ends, finds) = match self.differences(keeper, whole).await {
            Ok(Some(differences)) => differences,
            Ok(None) => {
                warn!(feed = %self.feed, "Mimecast did not say how many records {whole} holds: what shows later than late_arrival_minutes cannot be found.");
                (RangeEnd::Included, Vec::new())
            }
            Err(end) => return end,
        };
        // What the pass itself missed is missed here again.
        let missing = std::mem::take(&mut counts.missing);
        let mut end = End::Read(ReadEnd::Complete);
        for find in finds {
            end = self.look_again(keeper, counts, find, ends).await;
            if !completed(&end) {
                break;
            }
        }
        counts.missing = counts.missing.max(missing);
        if !completed(&end) {
            return end;
        }
        keeper.settle().await;
        keeper.remove_old().await;
        keeper.progress.reconciled(began);
        saved(keeper.save().await)
    }

    /// The quarters in which Mimecast counts another number than was delivered, and how it takes the
    /// end of a range; `None` where it does not count.
    async fn differences(
        &self,
        keeper: &Keeper,
        whole: Span,
    ) -> Counted<Option<(RangeEnd, Vec<Find>)>> {
        let tally = &keeper.progress.checkpoint().tally;
        let range = tally.to_count(whole, RangeEnd::Included);
        let Some(total) = self.count(range).await? else {
            return Ok(None);
        };
        debug!(feed = %self.feed, %whole, total, delivered = tally.total(whole), "counts compared");
        if total == tally.total(whole) {
            return Ok(Some((RangeEnd::Included, Vec::new())));
        }
        // Only where it matters is it asked how Mimecast takes the end of a range.
        let Some(ends) = self.range_end(keeper, whole).await? else {
            return Ok(None);
        };
        let mut narrowing = Narrowing::new(tally, whole);
        while let Some(span) = narrowing.next() {
            match self.count(tally.to_count(span, ends)).await? {
                Some(total) => narrowing.counted(total),
                None => return Ok(None),
            }
        }
        Ok(Some((ends, narrowing.finds())))
    }

    /// Whether Mimecast includes the second `to`: asked for a second that holds a delivered record,
    /// behind one that holds none. Where there is no such second, the documented habit of closed
    /// intervals is taken; what is delivered then can be asked next time.
    async fn range_end(&self, keeper: &Keeper, whole: Span) -> Counted<Option<RangeEnd>> {
        let Some(time) = self.lone_second(keeper, whole).await else {
            return Ok(Some(RangeEnd::Included));
        };
        let range = DateRange::new(time - TimeDelta::seconds(1), time, time).ok();
        let count = self.count(range).await?;
        Ok(count.map(|count| {
            if count == 0 {
                RangeEnd::Excluded
            } else {
                RangeEnd::Included
            }
        }))
    }

    /// A second with a delivered record and none in the second before.
    async fn lone_second(&self, keeper: &Keeper, whole: Span) -> Option<DateTime<Utc>> {
        let checkpoint = keeper.progress.checkpoint();
        let mut entries = checkpoint
            .recent
            .placed(whole.start(), checkpoint.watermark);
        if entries.is_empty() {
            let hour = Hour::of(checkpoint.tally.last_before(whole.end())?).start();
            let range = DateRange::new(hour, hour + TimeDelta::minutes(59), self.ports.clock.now());
            entries = keeper.known(range.ok()?).await.ok()?;
        }
        let seconds: std::collections::BTreeSet<_> =
            entries.into_iter().map(|entry| entry.time).collect();
        let lone = |time: &&DateTime<Utc>| !seconds.contains(&(**time - TimeDelta::seconds(1)));
        seconds.iter().rev().find(lone).copied()
    }

    async fn count(&self, range: Option<DateRange>) -> Counted<Option<u64>> {
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
        match self.ports.source.fetch_page(request, self.read_by).await {
            Ok(page) => Ok(page.total),
            Err(SourceError::OutOfTime(reason)) => Err(End::Read(ReadEnd::OutOfTime(reason))),
            Err(SourceError::Throttled(wait)) => Err(End::Read(ReadEnd::Throttled(wait))),
            Err(error) => Err(End::Read(ReadEnd::Failed(range, error))),
        }
    }

    /// Reads a quarter again and delivers what is not known. If the numbers then still differ, as they
    /// do for two rows that are alike to the byte, it is read once more; only what two readings in a
    /// row show alike, while the count stands still, is taken for all there is. One reading can miss a
    /// record: when another shows in its middle, the pages shift.
    async fn look_again(
        &self,
        keeper: &mut Keeper,
        counts: &mut Counts,
        find: Find,
        ends: RangeEnd,
    ) -> End {
        let Find { quarter, total } = find;
        let (before, mut delivered) = (counts.missing, counts.delivered);
        for reading in 1..=2 {
            let end = self.read_again(keeper, counts, quarter).await;
            if !completed(&end) {
                return end;
            }
            let tally = &keeper.progress.checkpoint().tally;
            let agrees = tally.total(quarter) == total;
            let whole = counts.missing == before;
            if agrees || !whole {
                break;
            }
            let nothing_new = counts.delivered == delivered;
            delivered = counts.delivered;
            if reading == 2 && nothing_new {
                match self.count(tally.to_count(quarter, ends)).await {
                    Ok(still) if still == Some(total) => keeper.progress.explain(quarter, total),
                    Ok(_) => {}
                    Err(end) => return end,
                }
            }
        }
        // So that a pass which cannot look everywhere leaves less for the next one.
        saved(keeper.save().await)
    }

    async fn read_again(&self, keeper: &mut Keeper, counts: &mut Counts, quarter: Span) -> End {
        let Some(range) = keeper.progress.checkpoint().tally.to_read(quarter) else {
            return End::Read(ReadEnd::Complete);
        };
        let known = match keeper.known(range).await {
            Ok(known) => known,
            Err(error) => return End::NoLedger(error),
        };
        keeper.progress.recount(quarter, &known);
        let delivered = counts.delivered;
        let stretch = Stretch {
            ranges: vec![range],
            direction: Direction::Behind,
            known,
        };
        let end = self.pipeline(keeper, counts, stretch).await;
        let late = counts.delivered - delivered;
        counts.reconciled += late;
        if late > 0 {
            info!(feed = %self.feed, late, "Records of {quarter} that showed late were found by count and delivered.");
        }
        end
    }
}
