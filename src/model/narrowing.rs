//! From "this day holds another number than was delivered" to the quarters of an hour in which to
//! look, with few calls: count the halves, go on where the numbers differ.

use super::tally::{Span, Tally};

/// A quarter in which the numbers differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Find {
    /// Which.
    pub quarter: Span,
    /// How many records Mimecast counts there.
    pub total: u64,
}

/// The search. Ask [`Self::next`] what to count, and tell the answer to [`Self::counted`].
#[derive(Debug)]
pub struct Narrowing<'a> {
    tally: &'a Tally,
    open: Vec<Span>,
    finds: Vec<Find>,
}

impl<'a> Narrowing<'a> {
    /// Begins with the whole span.
    #[must_use]
    pub fn new(tally: &'a Tally, whole: Span) -> Self {
        Self {
            tally,
            open: vec![whole],
            finds: Vec::new(),
        }
    }

    /// The span to count next; `None` once the search is over.
    #[must_use]
    pub fn next(&self) -> Option<Span> {
        self.open.last().copied()
    }

    /// Takes Mimecast's count for the span that [`Self::next`] gave.
    pub fn counted(&mut self, total: u64) {
        let Some(span) = self.open.pop() else {
            return;
        };
        if total == self.tally.total(span) {
            return;
        }
        if span.is_quarter() {
            self.finds.push(Find {
                quarter: span,
                total,
            });
        } else {
            let (left, right) = span.halves();
            self.open.extend([right, left]);
        }
    }

    /// Where the numbers differ, oldest first.
    #[must_use]
    pub fn finds(self) -> Vec<Find> {
        self.finds
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta, Utc};
    use proptest::prelude::*;

    use super::*;
    use crate::model::{event_time, tally::RangeEnd};

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
    fn narrow(all: &[i64], delivered: &[i64], end: RangeEnd) -> (Vec<Find>, usize) {
        let mut tally = Tally::new(base());
        for time in delivered {
            tally.add(second(*time));
        }
        let mut narrowing = Narrowing::new(&tally, day());
        let mut calls = 0;
        while let Some(span) = narrowing.next() {
            let range = tally.to_count(span, end).unwrap();
            let count = all.iter().map(|time| second(*time)).filter(|time| {
                range.from() <= *time
                    && (*time < range.to() || (end == RangeEnd::Included && *time == range.to()))
            });
            narrowing.counted(count.count() as u64);
            calls += 1;
        }
        (narrowing.finds(), calls)
    }

    #[test]
    fn when_nothing_is_missing_one_call_is_enough() {
        let all: Vec<_> = (0..86_400).step_by(20).collect();
        assert_eq!(narrow(&all, &all, RangeEnd::Included), (Vec::new(), 1));
    }

    #[test]
    fn one_missing_record_among_many_is_found_with_few_calls() {
        let all: Vec<_> = (0..86_400).collect();
        let delivered: Vec<_> = all.iter().copied().filter(|time| *time != 40_000).collect();
        let (finds, calls) = narrow(&all, &delivered, RangeEnd::Included);
        assert_eq!(finds.len(), 1);
        assert!((finds[0].quarter.start()..finds[0].quarter.end()).contains(&second(40_000)));
        assert!(calls <= 15, "{calls}");
    }

    proptest! {
        #[test]
        fn every_missing_record_lies_in_a_find_under_both_readings_of_to(
            missing in prop::collection::btree_set(0_i64..86_400, 1..6),
            at_seams in prop::collection::btree_set(1_i64..96, 0..4),
            excluded in any::<bool>(),
        ) {
            let end = if excluded { RangeEnd::Excluded } else { RangeEnd::Included };
            let seams = at_seams.iter().map(|quarter| quarter * 900 - 1);
            let missing: Vec<_> = missing.iter().copied().chain(seams).collect();
            let delivered: Vec<_> = (0..86_400).step_by(11).collect();
            let all: Vec<_> = delivered.iter().chain(&missing).copied().collect();
            let (finds, _) = narrow(&all, &delivered, end);
            for time in missing {
                let time = second(time);
                prop_assert!(
                    finds.iter().any(|find| (find.quarter.start()..find.quarter.end()).contains(&time)),
                    "{time} in {finds:?}"
                );
            }
        }
    }
}
