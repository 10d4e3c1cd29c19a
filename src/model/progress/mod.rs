//! How a feed moves forward: which ranges to read, and what a delivered batch does to the
//! checkpoint.

#[cfg(test)]
mod tests;

use std::collections::HashSet;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};

use super::{
    batch::Batch,
    checkpoint::{Checkpoint, LONGEST_RANGE, SHORTEST_RANGE, Start, Wait},
    date_range::DateRange,
    gap::Gap,
    ledger::{Entry, Hour},
    moves::{Move, Reason},
    tally::Span,
};

/// How often, at most, Mimecast's count is compared with what was delivered.
const RECONCILE_EVERY: TimeDelta = TimeDelta::hours(1);

/// While a range is read for which the ledger must be asked, that much of it is in memory.
const LEDGER_RANGE: TimeDelta = TimeDelta::hours(1);

/// How many passes in a row fail at a range before it is narrowed down: most trouble is over sooner.
const ISOLATE_AFTER: u32 = 2;

/// By how much, at most, the time under which a record is listed is expected to be later than its own: local
/// times sent as UTC differ by half a day.
const MAX_DISPLACEMENT: TimeDelta = TimeDelta::hours(24);

/// Gaps that are not further apart than this become one, so that many unreadable records in some minutes do
/// not take up all the room for gaps.
pub const MAX_GAPS_APART: TimeDelta = TimeDelta::minutes(1);

/// How long Mimecast keeps the logs, as it documents.
pub const RETENTION: TimeDelta = TimeDelta::days(30);

/// How far a pass reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lookback {
    /// How far back a first run goes.
    pub first_run: TimeDelta,
    /// How close to now a range may end.
    pub settle: TimeDelta,
    /// How far before the watermark each pass reads again.
    pub late_arrival: TimeDelta,
    /// How far back Mimecast's count is compared with what was delivered, and the ledger reaches.
    pub reconcile: TimeDelta,
}

/// The progress of one feed during a pass.
#[derive(Debug, Clone)]
pub struct Progress {
    lookback: Lookback,
    checkpoint: Checkpoint,
    /// When the pass began.
    pass_began: DateTime<Utc>,
    /// When the reading that is under way began.
    reading_since: DateTime<Utc>,
}

impl Progress {
    /// Picks up where `start` says.
    #[must_use]
    pub fn resume(start: Start, lookback: Lookback, now: DateTime<Utc>) -> Self {
        let started = |from: DateTime<Utc>, reason| {
            let mut checkpoint = Checkpoint::starting(from.trunc_subsecs(0));
            checkpoint.moves.push(Move {
                at: now,
                from: checkpoint.watermark,
                to: checkpoint.watermark,
                reason,
            });
            checkpoint
        };
        let checkpoint = match start {
            Start::From(checkpoint) => *checkpoint,
            Start::TakenOver(time) => started(time, Reason::TakenOver),
            Start::Fresh => started(now - lookback.first_run, Reason::FirstRun),
        };
        Self {
            lookback,
            checkpoint,
            pass_began: now,
            reading_since: now,
        }
    }

    /// The checkpoint as it stands.
    #[must_use]
    pub const fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The checkpoint was a plain time, but the feed has a ledger up to this hour: it is asked as after a rewind.
    pub fn ledger_reaches(&mut self, last: Hour) {
        self.checkpoint.filed_before = self.checkpoint.filed_before.max(last.end());
    }

    /// Begins reading at `now`: the ranges, oldest first, from where the checkpoint says to now minus
    /// settle. Empty where the clock stands before that, as it may after having been set back.
    #[must_use]
    pub fn begin(&mut self, now: DateTime<Utc>) -> Vec<DateRange> {
        self.reading_since = now;
        let Checkpoint {
            read_again_from: from,
            filed_before,
            first_range,
            ..
        } = self.checkpoint;
        let to = now - self.lookback.settle;
        // After a rewind: what nobody knows, what the ledger knows, and the rest. A range lists its
        // border second too, so the ledger is asked a little earlier.
        let known_from = (self.kept_from() - LEDGER_RANGE).clamp(from, filed_before.max(from));
        let known_to = filed_before.max(from);
        let parts = [
            (from, known_from, LONGEST_RANGE),
            (known_from, known_to.min(to), LEDGER_RANGE),
            (known_to, to, LONGEST_RANGE),
        ];
        let ranges = parts.into_iter().filter(|(from, to, _)| from < to);
        let ranges = ranges.filter_map(|(from, to, longest)| {
            let range = DateRange::new(from, to, now).ok()?;
            Some((range, longest))
        });
        // What could not be read is left to its own retries.
        let gaps = &self.checkpoint.gaps;
        let ranges = ranges.flat_map(|(range, longest)| {
            let parts = gaps.outside(range).into_iter();
            parts.flat_map(move |part| part.slices(first_range, longest))
        });
        ranges.collect()
    }

    /// Whether part of the range was read before by a pass that has since moved on, so that only the
    /// ledger knows what was delivered there.
    #[must_use]
    pub fn needs_ledger(&self, range: DateRange) -> bool {
        self.kept_from() <= range.to() && range.from() < self.checkpoint.filed_before
    }

    /// Remembers the rows of a batch that the sink acknowledged, or of a record in quarantine. A
    /// displaced one is not counted, since nobody knows in which quarter Mimecast does: the first
    /// comparison finds it there, sees that it is known, and counts it.
    /// Gives how many displaced records had to be given up for these.
    pub fn delivered(&mut self, batch: &Batch) -> usize {
        let kept_from = self.kept_from();
        let Checkpoint { recent, tally, .. } = &mut self.checkpoint;
        for row in batch.rows() {
            if row.displaced {
                recent.insert_displaced(row.remembered_at, row.fingerprint);
            } else if recent.insert(row.remembered_at, row.fingerprint)
                && row.remembered_at >= kept_from
            {
                tally.add(row.remembered_at);
            }
        }
        recent.give_up_displaced()
    }

    /// Moves the watermark forward to `time`, never back, and with it the place from which the next
    /// pass reads. `true` if it moved.
    ///
    /// A record appears at most `late_arrival` after its own time; one that appears later is the
    /// reconciliation's to find. So what was older than that when reading began has been seen whole,
    /// and only what is younger must be read again: the late-arrival window. In a backlog the window is
    /// empty, so that a pass which cannot read more than one window's length still moves forward.
    pub fn advance(&mut self, time: DateTime<Utc>) -> bool {
        let time = time.trunc_subsecs(0);
        let kept_from = self.kept_from();
        let checkpoint = &mut self.checkpoint;
        if time <= checkpoint.watermark {
            return false;
        }
        checkpoint.moves.push(Move {
            at: self.pass_began,
            from: checkpoint.watermark,
            to: time,
            reason: Reason::Delivered,
        });
        checkpoint.watermark = time;
        let seen_whole = self.reading_since - self.lookback.settle - self.lookback.late_arrival;
        let again = time.min(seen_whole.trunc_subsecs(0));
        checkpoint.read_again_from = checkpoint.read_again_from.max(again);
        // What is older than the ledger reaches is never asked for again.
        let useless = self.flush_before().min(kept_from);
        let unfiled = self.flush_before().min(self.ledger_from());
        let Checkpoint {
            recent,
            tally,
            gaps,
            ..
        } = &mut self.checkpoint;
        recent.forget_outside(unfiled, gaps);
        // One may have been listed in a border second of a gap, and be listed again with the gap.
        if gaps.is_empty() {
            recent.forget_displaced_before(useless);
        }
        tally.forget_before(useless);
        true
    }

    /// What the next pass does not read again, and so belongs into the ledger.
    #[must_use]
    pub fn to_flush(&self) -> Vec<Entry> {
        let mut entries = self
            .checkpoint
            .recent
            .placed(self.ledger_from(), self.flush_before());
        // What lies in a gap stays, until that is read.
        entries.retain(|entry| !self.checkpoint.gaps.covers(entry.time));
        entries
    }

    /// A record that is listed under another time than its own is probably close to it, so entries stay for
    /// one more `late_arrival` before they are flushed.
    fn flush_before(&self) -> DateTime<Utc> {
        self.checkpoint.read_again_from - self.lookback.late_arrival
    }

    /// Forgets what [`Self::to_flush`] gave, once the ledger has it. Before that it would be
    /// forgotten for good if the process died.
    pub fn flushed(&mut self) {
        let flush_before = self.flush_before();
        let checkpoint = &mut self.checkpoint;
        checkpoint
            .recent
            .forget_outside(flush_before, &checkpoint.gaps);
        checkpoint.filed_before = checkpoint.filed_before.max(flush_before);
    }

    /// What lies before this is not kept in the ledger. It reaches further back than the counts, since a record
    /// may be listed under a later time than its own, by which it is filed.
    #[must_use]
    pub fn ledger_from(&self) -> DateTime<Utc> {
        self.kept_from() - MAX_DISPLACEMENT
    }

    /// What lies before this is not counted: whole hours, the lookback of the
    /// reconciliation before now. After a rewind, or where the checkpoint was a plain time, until it is read again, everything stays that was known when it was
    /// made, for a day more.
    #[must_use]
    pub fn kept_from(&self) -> DateTime<Utc> {
        let reconciled_from = Hour::of(self.reading_since - self.lookback.reconcile).start();
        let checkpoint = &self.checkpoint;
        if checkpoint.read_again_from < checkpoint.filed_before {
            let earliest = reconciled_from - TimeDelta::days(1);
            checkpoint.tally.since().clamp(earliest, reconciled_from)
        } else {
            reconciled_from
        }
    }

    /// What Mimecast's count is to be compared for, if it is time to: everything that no pass reads
    /// again by itself, as far back as there are counts, without the quarters in which gaps lie. Empty
    /// where it is not time.
    #[must_use]
    pub fn to_reconcile(&self, now: DateTime<Utc>) -> Vec<Span> {
        let checkpoint = &self.checkpoint;
        let due = checkpoint
            .reconciled_at
            .is_none_or(|last| now - last >= RECONCILE_EVERY || last > now);
        let from = now - self.lookback.reconcile;
        let span = checkpoint
            .tally
            .comparable(from, checkpoint.read_again_from);
        let span = span.filter(|_| due).into_iter();
        span.flat_map(|span| checkpoint.gaps.outside_span(span))
            .collect()
    }

    /// Whether what cannot be read is to be narrowed down to a gap: passes in a row have failed at it.
    #[must_use]
    pub const fn is_isolating(&self) -> bool {
        self.checkpoint.failed_reads >= ISOLATE_AFTER
    }

    /// A pass could not read what follows the watermark, although Mimecast answered; `moved` says whether
    /// it moved the watermark. `true` if that is news.
    pub fn read_failed(&mut self, moved: bool) -> bool {
        let before = self.checkpoint.failed_reads;
        self.checkpoint.failed_reads = if moved && !self.is_isolating() {
            1
        } else {
            before.saturating_add(1).min(ISOLATE_AFTER)
        };
        self.checkpoint.failed_reads != before
    }

    /// A pass has read everything, but for the gaps. `true` if that is news.
    pub fn read_succeeded(&mut self) -> bool {
        std::mem::take(&mut self.checkpoint.failed_reads) != 0
    }

    /// Remembers a gap, and what was delivered in it according to the ledger: when it is read at last,
    /// the ledger may not go so far back. `false` if there is no room for another gap.
    pub fn add_gap(&mut self, gap: Gap, known: &[Entry]) -> bool {
        let apart = self.gaps_apart();
        let has_room = self.checkpoint.gaps.add(gap, apart);
        for entry in known {
            if self.checkpoint.gaps.covers(entry.time) {
                self.checkpoint.recent.insert(entry.time, entry.fingerprint);
            }
        }
        has_room
    }

    /// Puts what is left of a gap after it was read again in its place.
    pub fn replace_gap(&mut self, gap: &Gap, left: Vec<Gap>, now: DateTime<Utc>) {
        let apart = self.gaps_apart();
        self.checkpoint.gaps.replace(gap, left, apart, now);
    }

    /// How close gaps become one: what was delivered between them must still be remembered.
    fn gaps_apart(&self) -> TimeDelta {
        self.lookback.late_arrival.min(MAX_GAPS_APART)
    }

    /// Removes the gaps that Mimecast no longer keeps records for, and gives them.
    pub fn remove_old_gaps(&mut self, now: DateTime<Utc>) -> Vec<Gap> {
        self.checkpoint.gaps.remove_before(now - RETENTION)
    }

    /// Counts again what is known in a span that is about to be read again: had the ledger lost
    /// something, it would count twice.
    pub fn recount(&mut self, span: Span, ledger: &[Entry]) {
        let recent = self.checkpoint.recent.placed(span.start(), span.end());
        let known: HashSet<_> = ledger.iter().copied().chain(recent).collect();
        let times = known.into_iter().map(|entry| entry.time);
        self.checkpoint.tally.recount(span, times);
    }

    /// Everything that Mimecast has in the quarter was seen, and it counts `total` there.
    pub fn account_for(&mut self, quarter: Span, total: u64) {
        self.checkpoint.tally.account_for(quarter, total);
    }

    /// The comparison is done.
    pub fn reconciled(&mut self, now: DateTime<Utc>) {
        let kept_from = self.kept_from();
        self.checkpoint.reconciled_at = Some(now);
        self.checkpoint.tally.forget_before(kept_from);
    }

    /// A service asks to be left alone, or does not any more. `true` if that is news.
    pub fn wait(&mut self, wait: Option<Wait>) -> bool {
        let news = self.checkpoint.wait != wait;
        self.checkpoint.wait = wait;
        news
    }

    /// A range could not be read to its end within a pass: shorter ones, which can. `true` if that
    /// is news.
    pub fn shorten_ranges(&mut self) -> bool {
        let shorter = (self.checkpoint.first_range / 8).max(SHORTEST_RANGE);
        std::mem::replace(&mut self.checkpoint.first_range, shorter) != shorter
    }

    /// Whether ranges may be read ahead of their turn: not where one could not be read within a pass. If
    /// Mimecast serves one call at a time, those ahead would only take time from the first.
    #[must_use]
    pub fn may_read_ahead(&self) -> bool {
        self.checkpoint.first_range == LONGEST_RANGE
    }

    /// All is read: ranges may be as long as ever. `true` if that is news.
    pub fn lengthen_ranges(&mut self) -> bool {
        std::mem::replace(&mut self.checkpoint.first_range, LONGEST_RANGE) != LONGEST_RANGE
    }
}
