//! The closed interval of whole seconds that is asked of Mimecast.

use std::fmt;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};

use super::event_time;

/// A closed interval of whole seconds, both ends included. It cannot be built reversed or reaching
/// into the future, so a reader can rely on `to` lying still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DateRange {
    from: DateTime<Utc>,
    to: DateTime<Utc>,
}

/// Why a range cannot be built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DateRangeError {
    /// The start lies after the end.
    #[error("the range would start after its end")]
    Reversed,
    /// The end lies in the future, where records still appear.
    #[error("the range would end in the future")]
    InTheFuture,
}

impl DateRange {
    /// The range from `from` to `to`, both cut to whole seconds.
    pub fn new(
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<Self, DateRangeError> {
        let (from, to) = (from.trunc_subsecs(0), to.trunc_subsecs(0));
        if from > to {
            Err(DateRangeError::Reversed)
        } else if to > now {
            Err(DateRangeError::InTheFuture)
        } else {
            Ok(Self { from, to })
        }
    }

    /// The first second.
    #[must_use]
    pub const fn from(self) -> DateTime<Utc> {
        self.from
    }

    /// The last second.
    #[must_use]
    pub const fn to(self) -> DateTime<Utc> {
        self.to
    }

    /// Cuts the range into slices: the first of at most `first`, each next one of at most twice the
    /// length of the one before, and none longer than `longest`. Neighbours share their border second:
    /// it is unconfirmed whether Mimecast includes `to`, and what is read twice is dropped by
    /// fingerprint.
    #[must_use]
    pub fn slices(self, first: TimeDelta, longest: TimeDelta) -> Vec<Self> {
        let mut step = first.min(longest).max(TimeDelta::seconds(1));
        let mut slices = Vec::new();
        let mut from = self.from;
        loop {
            let to = (from + step).min(self.to);
            slices.push(Self { from, to });
            if to >= self.to {
                return slices;
            }
            from = to;
            step = (step * 2).min(longest.max(step));
        }
    }

    /// Whether the ranges share a second, or lie at most `apart` from each other.
    #[must_use]
    pub fn is_near(self, other: Self, apart: TimeDelta) -> bool {
        self.from <= other.to + apart && other.from <= self.to + apart
    }

    /// The range with so much more before and after it, but not after `now`.
    #[must_use]
    pub fn widened(self, by: TimeDelta, now: DateTime<Utc>) -> Self {
        Self {
            from: self.from - by,
            to: self.to.max((self.to + by).min(now.trunc_subsecs(0))),
        }
    }

    /// The shortest range that holds both.
    #[must_use]
    pub fn joined(self, other: Self) -> Self {
        Self {
            from: self.from.min(other.from),
            to: self.to.max(other.to),
        }
    }

    /// What of the range lies before and after `other`. Border seconds are in both: those of `other`
    /// belong to its neighbours too. A single second is not cut.
    #[must_use]
    pub fn without(self, other: Self) -> Vec<Self> {
        if self.from >= other.to || other.from >= self.to {
            return vec![self];
        }
        let before = Self {
            from: self.from,
            to: other.from,
        };
        let after = Self {
            from: other.to,
            to: self.to,
        };
        let parts = [before, after].into_iter();
        parts.filter(|part| part.from < part.to).collect()
    }

    /// Cuts the range into so many parts of the same length, or as many as there are seconds;
    /// neighbours share their border second.
    #[must_use]
    pub fn parts(self, count: u64) -> Vec<Self> {
        let seconds = (self.to - self.from).num_seconds().unsigned_abs();
        let step = seconds.div_ceil(count.max(1)).max(1);
        let step = TimeDelta::seconds(step.try_into().unwrap_or(i64::MAX));
        self.slices(step, step)
    }
}

impl fmt::Display for DateRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (from, to) = (
            event_time::to_utc_text(self.from),
            event_time::to_utc_text(self.to),
        );
        write!(f, "{from}..{to}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        event_time::parse(text).unwrap()
    }

    #[test]
    fn a_range_is_never_reversed_and_never_in_the_future() {
        let now = at("2026-03-02T08:00:00Z");
        let hour = TimeDelta::hours(1);
        assert_eq!(
            DateRange::new(now, now - hour, now),
            Err(DateRangeError::Reversed)
        );
        assert_eq!(
            DateRange::new(now, now + hour, now),
            Err(DateRangeError::InTheFuture)
        );
        assert!(DateRange::new(now, now, now).is_ok());
    }

    #[test]
    fn slices_cover_the_range_and_share_their_borders() {
        let (from, to) = (at("2026-03-01T00:00:00Z"), at("2026-03-03T06:00:00Z"));
        let slices = DateRange::new(from, to, to)
            .unwrap()
            .slices(TimeDelta::days(1), TimeDelta::days(1));
        assert_eq!(slices.len(), 3);
        assert_eq!(slices[0].from(), from);
        assert_eq!(slices[2].to(), to);
        assert!(slices.windows(2).all(|pair| pair[0].to() == pair[1].from()));
        let growing = DateRange::new(from, to, to)
            .unwrap()
            .slices(TimeDelta::hours(6), TimeDelta::days(1));
        let hours: Vec<_> = growing
            .iter()
            .map(|slice| (slice.to() - slice.from()).num_hours())
            .collect();
        assert_eq!(hours, [6, 12, 24, 12]);
        let parts = slices[0].parts(5);
        assert_eq!((parts.len(), parts[4].to()), (5, slices[0].to()));
        let second = DateRange::new(from, from + TimeDelta::seconds(1), to).unwrap();
        assert_eq!(second.parts(9), [second]);
        let instant = DateRange::new(to, to, to).unwrap();
        assert_eq!(
            instant.slices(TimeDelta::days(1), TimeDelta::days(1)),
            [instant]
        );
    }
}
