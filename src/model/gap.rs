//! Ranges before the watermark that could not be read, although others could.
//!
//! Without them, one second that Mimecast never answers for would stop its feed for ever. They are kept in
//! the checkpoint, told in each report, and read again until they can be read.

use chrono::{DateTime, TimeDelta, Utc};

use super::{date_range::DateRange, tally::Span};

/// How many gaps a checkpoint holds. A feed with more of them stops, as it does where nothing can be read.
pub const MAX_GAPS: usize = 32;

/// How often a gap is read again.
const RETRY_EVERY: TimeDelta = TimeDelta::hours(1);

/// A range that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The range. It shares its border seconds with ranges that were read.
    pub range: DateRange,
    /// When it was found.
    pub since: DateTime<Utc>,
    /// When it was last tried in vain.
    pub tried_at: DateTime<Utc>,
    /// Why it cannot be read, as it may be shown.
    pub reason: String,
}

/// The gaps of a feed, in the order of their ranges.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gaps(Vec<Gap>);

impl Gaps {
    /// Adds a gap; one that lies within `apart` of another becomes one with it. `false` if there is no room
    /// for it.
    pub fn add(&mut self, mut gap: Gap, apart: TimeDelta) -> bool {
        let touches = |one: &Gap| one.range.is_near(gap.range, apart);
        let (touching, mut others): (Vec<_>, Vec<_>) = self.0.drain(..).partition(touches);
        for one in touching {
            gap.range = gap.range.joined(one.range);
            gap.since = gap.since.min(one.since);
        }
        let has_room = others.len() < MAX_GAPS;
        if has_room {
            others.push(gap);
        }
        others.sort_by_key(|gap| gap.range.from());
        self.0 = others;
        has_room
    }

    /// The gaps.
    pub fn iter(&self) -> impl Iterator<Item = &Gap> {
        self.0.iter()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a second lies in a gap, its border seconds included.
    #[must_use]
    pub fn covers(&self, second: DateTime<Utc>) -> bool {
        let mut ranges = self.0.iter().map(|gap| gap.range);
        ranges.any(|range| (range.from()..=range.to()).contains(&second))
    }

    /// The gaps to try again at `now`.
    #[must_use]
    pub fn due(&self, now: DateTime<Utc>) -> Vec<Gap> {
        let is_due = |gap: &&Gap| now - gap.tried_at >= RETRY_EVERY || gap.tried_at > now;
        self.0.iter().filter(is_due).cloned().collect()
    }

    /// Puts what is left of a gap after it was read again in its place. Where there is no room for all the
    /// parts, the gap stays as it was.
    pub fn replace(&mut self, gap: &Gap, left: Vec<Gap>, apart: TimeDelta, now: DateTime<Utc>) {
        let before = self.clone();
        self.0.retain(|one| one.range != gap.range);
        let since = gap.since;
        let mut left = left.into_iter();
        if left.all(|part| self.add(Gap { since, ..part }, apart)) {
            return;
        }
        *self = before;
        for one in self.0.iter_mut().filter(|one| one.range == gap.range) {
            one.tried_at = now;
        }
    }

    /// Removes the gaps that end before `time`, and gives them.
    pub fn remove_before(&mut self, time: DateTime<Utc>) -> Vec<Gap> {
        let (old, kept) = self.0.drain(..).partition(|gap| gap.range.to() < time);
        self.0 = kept;
        old
    }

    /// What of a range lies in no gap, in order. Border seconds are in both.
    #[must_use]
    pub fn outside(&self, range: DateRange) -> Vec<DateRange> {
        let mut parts = vec![range];
        for gap in &self.0 {
            parts = parts
                .into_iter()
                .flat_map(|part| part.without(gap.range))
                .collect();
        }
        parts
    }

    /// What of a span of quarters no gap lies in, in order.
    #[must_use]
    pub fn outside_span(&self, span: Span) -> Vec<Span> {
        let mut parts = vec![span];
        for gap in &self.0 {
            let covered = Span::covering(gap.range);
            parts = parts
                .into_iter()
                .flat_map(|part| part.without(covered))
                .collect();
        }
        parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::event_time;

    fn at(second: i64) -> DateTime<Utc> {
        event_time::parse("2026-03-02T08:00:00Z").unwrap() + TimeDelta::seconds(second)
    }

    fn range(from: i64, to: i64) -> DateRange {
        DateRange::new(at(from), at(to), at(1_000_000)).unwrap()
    }

    fn gap(from: i64, to: i64) -> Gap {
        Gap {
            range: range(from, to),
            since: at(from),
            tried_at: at(100),
            reason: "status 500".to_owned(),
        }
    }

    fn all<const N: usize>(gaps: [Gap; N]) -> Gaps {
        let mut all = Gaps::default();
        assert!(gaps.into_iter().all(|gap| all.add(gap, TimeDelta::zero())));
        all
    }

    #[test]
    fn gaps_that_touch_become_one() {
        let gaps = all([gap(10, 11), gap(40, 41), gap(11, 12)]);
        let ranges: Vec<_> = gaps.iter().map(|gap| gap.range).collect();
        assert_eq!(ranges, [range(10, 12), range(40, 41)]);
        assert_eq!(gaps.iter().next().unwrap().since, at(10));
    }

    #[test]
    fn gaps_that_are_close_become_one() {
        let mut gaps = Gaps::default();
        for from in (0..400).step_by(20) {
            assert!(gaps.add(gap(from, from + 1), TimeDelta::minutes(1)));
        }
        assert_eq!(gaps.iter().next().unwrap().range, range(0, 381));
        assert_eq!(gaps.len(), 1);
    }

    #[test]
    fn what_is_read_lies_outside_of_every_gap() {
        let gaps: Gaps = all([gap(10, 12), gap(40, 41)]);
        for (asked, expected) in [
            ((0, 50), vec![range(0, 10), range(12, 40), range(41, 50)]),
            ((11, 40), vec![range(12, 40)]),
            ((10, 12), vec![]),
            ((0, 9), vec![range(0, 9)]),
            ((12, 12), vec![range(12, 12)]),
        ] {
            assert_eq!(gaps.outside(range(asked.0, asked.1)), expected, "{asked:?}");
        }
        let hour = Span::within(at(0), at(3600)).unwrap();
        let rest = gaps.outside_span(hour);
        assert_eq!(rest, [Span::within(at(900), at(3600)).unwrap()]);
    }

    #[test]
    fn a_gap_is_tried_hourly_and_what_is_left_of_it_keeps_its_age() {
        let mut gaps: Gaps = all([gap(10, 12)]);
        assert!(gaps.due(at(3699)).is_empty());
        assert_eq!(gaps.due(at(3700)), [gap(10, 12)]);
        let left = Gap {
            range: range(11, 12),
            since: at(3700),
            tried_at: at(3700),
            ..gap(10, 12)
        };
        gaps.replace(&gap(10, 12), vec![left], TimeDelta::zero(), at(3700));
        assert!(gaps.due(at(3701)).is_empty());
        let left = gaps.iter().next().unwrap().clone();
        assert_eq!((left.range, left.since), (range(11, 12), at(10)));
        gaps.replace(&left, vec![], TimeDelta::zero(), at(3701));
        assert!(gaps.is_empty());
    }

    #[test]
    fn their_number_is_bounded() {
        let mut gaps = Gaps::default();
        for number in 0..32 {
            assert!(gaps.add(gap(number * 10, number * 10 + 1), TimeDelta::zero()));
        }
        assert!(!gaps.add(gap(1000, 1001), TimeDelta::zero()));
        // One that touches another needs no room.
        assert!(gaps.add(gap(1, 2), TimeDelta::zero()));
        assert_eq!(gaps.len(), MAX_GAPS);
        assert_eq!(gaps.remove_before(at(100)).len(), 10);
    }
}
