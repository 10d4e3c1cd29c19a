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
}

impl Progress {
    /// Picks up where `start` says.
    #[must_use]
    pub fn resume(start: Start, reach: Reach, now: DateTime<Utc>) -> Self {
        let checkpoint = match start {
            Start::From(checkpoint) => checkpoint,
            Start::Fresh => Checkpoint {
                watermark: (now - reach.lookback).trunc_subsecs(0),
                // The look-back is a choice of where to begin; nothing lies before it.
                not_before: Some((now - reach.lookback).trunc_subsecs(0)),
                recent: Recent::default(),
            },
        };
        Self { reach, checkpoint }
    }

    /// The checkpoint as it stands.
    #[must_use]
    pub const fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// From where on records are read again: what lies before was delivered for good.
    #[must_use]
    pub fn overlap_start(&self) -> DateTime<Utc> {
        overlap_start(
            self.checkpoint.watermark,
            self.checkpoint.not_before,
            self.reach,
        )
    }

    /// The ranges to read at `now`, oldest first: from the overlap to now minus settle. Empty where
    /// the clock stands before that, as it may after having been set back.
    #[must_use]
    pub fn ranges(&self, now: DateTime<Utc>) -> Vec<DateRange> {
        DateRange::new(self.overlap_start(), now - self.reach.settle, now)
            .map(|range| range.slices(LONGEST_RANGE))
            .unwrap_or_default()
    }

    /// Remembers the rows of a batch that the sink acknowledged.
    pub fn delivered(&mut self, batch: &Batch) {
        for row in batch.rows() {
            self.checkpoint.recent.insert(row.time, row.fingerprint);
        }
    }

    /// Moves the watermark forward to `time`, never back, and forgets what will not be read again.
    /// `true` if it moved.
    pub fn advance(&mut self, time: DateTime<Utc>) -> bool {
        let time = time.trunc_subsecs(0);
        let moved = time > self.checkpoint.watermark;
        if moved {
            self.checkpoint.watermark = time;
            let overlap_start = self.overlap_start();
            self.checkpoint.recent.forget_before(overlap_start);
            if self
                .checkpoint
                .not_before
                .is_some_and(|border| border < overlap_start)
            {
                self.checkpoint.not_before = None;
            }
        }
        moved
    }
}

fn overlap_start(
    watermark: DateTime<Utc>,
    not_before: Option<DateTime<Utc>>,
    reach: Reach,
) -> DateTime<Utc> {
    let start = watermark - reach.late_arrival;
    not_before.map_or(start, |border| start.max(border))
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

    fn bounds(progress: &Progress, now: DateTime<Utc>) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        let ranges = progress.ranges(now);
        Some((ranges.first()?.from(), ranges.last()?.to()))
    }

    #[test]
    fn a_first_run_reads_the_look_back_up_to_the_settle_time() {
        let now = at("2026-03-08T12:00:00.7Z");
        let progress = Progress::resume(Start::Fresh, REACH, now);
        assert_eq!(progress.ranges(now).len(), 7);
        assert_eq!(
            bounds(&progress, now),
            Some((at("2026-03-01T12:00:00Z"), at("2026-03-08T11:59:45Z")))
        );
    }

    #[test]
    fn each_pass_reads_again_from_before_the_watermark() {
        let now = at("2026-03-08T12:00:00Z");
        let mut progress = Progress::resume(Start::Fresh, REACH, now - TimeDelta::days(1));
        progress.advance(at("2026-03-08T11:55:00Z"));
        assert_eq!(
            bounds(&progress, now),
            Some((at("2026-03-08T11:40:00Z"), at("2026-03-08T11:59:45Z")))
        );
    }

    #[test]
    fn nothing_before_a_take_over_is_ever_read() {
        let start = Start::read(
            Some("2026-03-08T11:55:00+0000"),
            crate::model::feed::Feed::Url,
        )
        .unwrap();
        let mut progress = Progress::resume(start, REACH, at("2026-03-08T12:00:00Z"));
        assert_eq!(progress.overlap_start(), at("2026-03-08T11:55:00Z"));
        progress.advance(at("2026-03-08T12:00:00Z"));
        assert_eq!(progress.overlap_start(), at("2026-03-08T11:55:00Z"));
        progress.advance(at("2026-03-08T12:20:00Z"));
        assert_eq!(progress.overlap_start(), at("2026-03-08T12:05:00Z"));
        assert_eq!(progress.checkpoint().not_before, None);
    }

    #[test]
    fn the_watermark_never_moves_back() {
        let now = at("2026-03-08T12:00:00Z");
        let mut progress = Progress::resume(Start::Fresh, REACH, now);
        assert!(progress.advance(now));
        assert!(!progress.advance(now - TimeDelta::hours(1)));
        assert!(!progress.advance(now));
        assert_eq!(progress.checkpoint().watermark, now);
    }

    #[test]
    fn a_clock_that_was_set_back_reads_nothing_rather_than_a_reversed_range() {
        let now = at("2026-03-08T12:00:00Z");
        let mut progress = Progress::resume(Start::Fresh, REACH, now);
        progress.advance(now);
        assert!(progress.ranges(now - TimeDelta::hours(1)).is_empty());
    }
}
