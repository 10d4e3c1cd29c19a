//! From "this day holds another number than was delivered" to the quarters of an hour in which to
//! look, with few calls: count the halves, go on where the numbers differ.

use super::tally::Span;

/// The search. Ask [`Self::current`] what to count, and tell [`Self::counted`] what it came to.
#[derive(Debug)]
pub struct Narrowing(Vec<Span>);

impl Narrowing {
    /// Begins with the whole span.
    #[must_use]
    pub fn new(whole: Span) -> Self {
        Self(vec![whole])
    }

    /// The span to count next; `None` once the search is over.
    #[must_use]
    pub fn current(&self) -> Option<Span> {
        self.0.last().copied()
    }

    /// Takes whether the span that [`Self::current`] gave holds just what was delivered. Gives it if it
    /// does not, and is a quarter in which to look.
    pub fn counted(&mut self, agrees: bool) -> Option<Span> {
        let span = self.0.pop().filter(|_| !agrees)?;
        if span.is_quarter() {
            return Some(span);
        }
        let (left, right) = span.halves();
        self.0.extend([right, left]);
        None
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta, Utc};
    use proptest::prelude::*;

    use super::*;
    use crate::model::{end_bound::EndBound, event_time, tally::Tally};

    fn base() -> DateTime<Utc> {
        event_time::parse("2026-11-24T00:00:00Z").unwrap()
    }

    fn second(second: i64) -> DateTime<Utc> {
        base() + TimeDelta::seconds(second)
    }

    fn day() -> Span {
        Span::within(base(), base() + TimeDelta::days(1)).unwrap()
    }

    /// Narrows a day in which Mimecast has `all` and `delivered` were delivered; gives the finds and
    /// the number of calls.
    fn narrow(all: &[i64], delivered: &[i64], end: EndBound) -> (Vec<Span>, usize) {
        let mut tally = Tally::new(base());
        for time in delivered {
            tally.add(second(*time));
        }
        let mut narrowing = Narrowing::new(day());
        let (mut calls, mut finds) = (0, Vec::new());
        while let Some(span) = narrowing.current() {
            let range = tally.to_count(span, end).unwrap();
            let count = all.iter().map(|time| second(*time)).filter(|time| {
                range.from() <= *time
                    && (*time < range.to() || (end == EndBound::Inclusive && *time == range.to()))
            });
            finds.extend(narrowing.counted(count.count() as u64 == tally.total(span)));
            calls += 1;
        }
        (finds, calls)
    }

    #[test]
    fn when_nothing_is_missing_one_call_is_enough() {
        let all: Vec<_> = (0..86_400).step_by(20).collect();
        assert_eq!(narrow(&all, &all, EndBound::Inclusive), (Vec::new(), 1));
    }

    #[test]
    fn one_missing_record_among_many_is_found_with_few_calls() {
        let all: Vec<_> = (0..86_400).collect();
        let delivered: Vec<_> = all.iter().copied().filter(|time| *time != 40_000).collect();
        let (finds, calls) = narrow(&all, &delivered, EndBound::Inclusive);
        assert_eq!(finds.len(), 1);
        assert!((finds[0].start()..finds[0].end()).contains(&second(40_000)));
        assert!(calls <= 15, "{calls}");
    }

    proptest! {
        #[test]
        fn every_missing_record_lies_in_a_find_under_both_readings_of_to(
            missing in prop::collection::btree_set(0_i64..86_400, 1..6),
            at_seams in prop::collection::btree_set(1_i64..96, 0..4),
            excluded in any::<bool>(),
        ) {
            let end = if excluded { EndBound::Exclusive } else { EndBound::Inclusive };
            let seams = at_seams.iter().map(|quarter| quarter * 900 - 1);
            let missing: Vec<_> = missing.iter().copied().chain(seams).collect();
            let delivered: Vec<_> = (0..86_400).step_by(11).collect();
            let all: Vec<_> = delivered.iter().chain(&missing).copied().collect();
            let (finds, _) = narrow(&all, &delivered, end);
            for time in missing {
                let time = second(time);
                prop_assert!(
                    finds.iter().any(|find| (find.start()..find.end()).contains(&time)),
                    "{time} in {finds:?}"
                );
            }
        }
    }
}
