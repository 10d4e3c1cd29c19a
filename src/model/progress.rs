//! How a feed moves forward: which ranges to read, and what a delivered batch does to the
//! checkpoint.

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};

use super::{
    batch::Batch,
    checkpoint::{Checkpoint, Start},
    date_range::DateRange,
    recent::Recent,
};

/// The longest range asked for at once. What Mimecast accepts at most is not documented; a day
/// keeps the work that a refused page token throws away small.
const LONGEST_RANGE: TimeDelta = TimeDelta::days(1);

/// How far a pass reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    /// How far back a first run goes.
    pub lookback: TimeDelta,
    /// How close to now a range may end.
    pub settle: TimeDelta,
    /// How far before the watermark each pass reads again.
    pub late_arrival: TimeDelta,
}

/// The progress of one feed during a pass.
#[derive(Debug, Clone)]
pub struct Progress {
    reach: Reach,
    checkpoint: Checkpoint,
    /// When the reading that is under way began.
    reading_since: DateTime<Utc>,
}

impl Progress {
    /// Picks up where `start` says.
    #[must_use]
    pub fn resume(start: Start, reach: Reach, now: DateTime<Utc>) -> Self {
        let checkpoint = match start {
            Start::From(checkpoint) => checkpoint,
            Start::Fresh => {
                let from = (now - reach.lookback).trunc_subsecs(0);
                Checkpoint {
                    watermark: from,
                    read_again_from: from,
                    recent: Recent::default(),
                }
            }
        };
        Self {
            reach,
            checkpoint,
            reading_since: now,
        }
    }

    /// The checkpoint as it stands.
    #[must_use]
    pub const fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// Begins reading at `now`: the ranges, oldest first, from where the checkpoint says to now minus
    /// settle. Empty where the clock stands before that, as it may after having been set back.
    #[must_use]
    pub fn begin(&mut self, now: DateTime<Utc>) -> Vec<DateRange> {
        self.reading_since = now;
        DateRange::new(
            self.checkpoint.read_again_from,
            now - self.reach.settle,
            now,
        )
        .map(|range| range.slices(LONGEST_RANGE))
        .unwrap_or_default()
    }

    /// Remembers the rows of a batch that the sink acknowledged.
    pub fn delivered(&mut self, batch: &Batch) {
        for row in batch.rows() {
            self.checkpoint
                .recent
                .insert(row.remembered_at, row.fingerprint);
        }
    }

    /// Moves the watermark forward to `time`, never back, and forgets what will not be read again.
    /// `true` if it moved.
    ///
    /// A record shows at most `late_arrival` after its own time. So what was older than that when
    /// reading began has been seen whole, and only the stretch after it must be read again. Up to
    /// now that stretch is `late_arrival` long; in a backlog it is empty, so that a pass which could
    /// read no more than one such stretch moves forward all the same.
    pub fn advance(&mut self, time: DateTime<Utc>) -> bool {
        let time = time.trunc_subsecs(0);
        let checkpoint = &mut self.checkpoint;
        if time <= checkpoint.watermark {
            return false;
        }
        checkpoint.watermark = time;
        let seen_whole = self.reading_since - self.reach.settle - self.reach.late_arrival;
        let again = time.min(seen_whole.trunc_subsecs(0));
        checkpoint.read_again_from = checkpoint.read_again_from.max(again);
        checkpoint.recent.forget_before(checkpoint.read_again_from);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::event_time;

    const REACH: Reach = Reach {
        lookback: TimeDelta::days(7),
        settle: TimeDelta::seconds(15),
        late_arrival: TimeDelta::minutes(15),
    };

    fn at(text: &str) -> DateTime<Utc> {
        event_time::parse(text).unwrap()
    }

    fn bounds(
        progress: &mut Progress,
        now: DateTime<Utc>,
    ) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        let ranges = progress.begin(now);
        Some((ranges.first()?.from(), ranges.last()?.to()))
    }

    fn fresh(now: DateTime<Utc>) -> Progress {
        Progress::resume(Start::Fresh, REACH, now)
    }

    #[test]
    fn a_first_run_reads_the_look_back_up_to_the_settle_time() {
        let now = at("2026-03-08T12:00:00.7Z");
        let mut progress = fresh(now);
        assert_eq!(progress.begin(now).len(), 7);
        let whole = (at("2026-03-01T12:00:00Z"), at("2026-03-08T11:59:45Z"));
        assert_eq!(bounds(&mut progress, now), Some(whole));
    }

    #[test]
    fn each_pass_reads_again_from_late_arrival_before_the_watermark() {
        let (before, now) = (at("2026-03-08T11:55:00Z"), at("2026-03-08T12:00:00Z"));
        let mut progress = fresh(before);
        let _ranges = progress.begin(before);
        progress.advance(at("2026-03-08T11:54:45Z"));
        let again = (at("2026-03-08T11:39:45Z"), at("2026-03-08T11:59:45Z"));
        assert_eq!(bounds(&mut progress, now), Some(again));
    }

    #[test]
    fn in_a_backlog_reading_goes_on_where_it_stopped() {
        let now = at("2026-03-08T12:00:00Z");
        let mut progress = fresh(now);
        let _ranges = progress.begin(now);
        progress.advance(at("2026-03-05T03:04:05Z"));
        assert_eq!(
            progress.checkpoint().read_again_from,
            at("2026-03-05T03:04:05Z")
        );
        progress.advance(at("2026-03-08T11:50:00Z"));
        assert_eq!(
            progress.checkpoint().read_again_from,
            at("2026-03-08T11:44:45Z")
        );
    }

    #[test]
    fn nothing_before_a_take_over_is_ever_read() {
        let start = Start::read(
            Some("2026-03-08T11:55:00+0000"),
            crate::model::feed::Feed::Url,
        );
        let now = at("2026-03-08T12:00:00Z");
        let mut progress = Progress::resume(start.unwrap(), REACH, now);
        assert_eq!(
            bounds(&mut progress, now).unwrap().0,
            at("2026-03-08T11:55:00Z")
        );
        progress.advance(at("2026-03-08T11:59:45Z"));
        assert_eq!(
            progress.checkpoint().read_again_from,
            at("2026-03-08T11:55:00Z")
        );
        let later = at("2026-03-08T12:20:00Z");
        assert_eq!(
            bounds(&mut progress, later).unwrap().0,
            at("2026-03-08T11:55:00Z")
        );
        progress.advance(at("2026-03-08T12:19:45Z"));
        assert_eq!(
            progress.checkpoint().read_again_from,
            at("2026-03-08T12:04:45Z")
        );
    }

    #[test]
    fn the_watermark_never_moves_back() {
        let now = at("2026-03-08T12:00:00Z");
        let mut progress = fresh(now);
        assert!(progress.advance(now));
        assert!(!progress.advance(now - TimeDelta::hours(1)));
        assert!(!progress.advance(now));
        assert_eq!(progress.checkpoint().watermark, now);
    }

    #[test]
    fn a_clock_that_was_set_back_reads_nothing_rather_than_a_reversed_range() {
        let now = at("2026-03-08T12:00:00Z");
        let mut progress = fresh(now);
        progress.advance(now);
        assert!(progress.begin(now - TimeDelta::hours(1)).is_empty());
    }
}
