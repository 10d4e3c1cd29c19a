//! Whether Mimecast lists the records of the second `to`.
//!
//! It is documented nowhere, so it is asked: a range of two seconds whose records are known holds one
//! number under one reading and another under the other.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use super::{date_range::DateRange, ledger::Entry};

/// How Mimecast takes the second `to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndBound {
    /// Its records are listed.
    Inclusive,
    /// They are not.
    Exclusive,
}

impl EndBound {
    /// The opposite.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Inclusive => Self::Exclusive,
            Self::Exclusive => Self::Inclusive,
        }
    }

    /// What the answers of several probes come to: nothing, if they contradict each other.
    #[must_use]
    pub fn agreed(answers: &[Self]) -> Option<Self> {
        let (first, others) = answers.split_first()?;
        others.iter().all(|other| other == first).then_some(*first)
    }
}

/// A question that can show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probe {
    /// What to count: a second and the one before.
    pub range: DateRange,
    /// How many records the first second holds.
    before: u64,
    /// How many the last one does.
    last: u64,
}

impl Probe {
    /// What can be asked where these are all the records from `from` on: the oldest first, since late
    /// records are the likeliest among the newest.
    #[must_use]
    pub fn among(known: impl IntoIterator<Item = Entry>, from: DateTime<Utc>) -> Vec<Self> {
        // Someone may know a record twice.
        let known: BTreeSet<_> = known.into_iter().collect();
        let mut seconds: BTreeMap<_, u64> = BTreeMap::new();
        for entry in known {
            *seconds.entry(entry.time).or_default() += 1;
        }
        let probe = |(time, last): (&DateTime<Utc>, &u64)| {
            let second_before = *time - TimeDelta::seconds(1);
            let range = DateRange::new(second_before, *time, *time).ok()?;
            (second_before >= from).then(|| Self {
                range,
                before: seconds.get(&second_before).copied().unwrap_or_default(),
                last: *last,
            })
        };
        seconds.iter().filter_map(probe).collect()
    }

    /// What a count means. Nothing, if it is neither of the two numbers: then not every record of these
    /// seconds was known.
    #[must_use]
    pub fn answered(self, count: Option<u64>) -> Option<EndBound> {
        match count? {
            count if count == self.before => Some(EndBound::Exclusive),
            count if count == self.before + self.last => Some(EndBound::Inclusive),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fingerprint::Fingerprinter;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    fn entry(second: i64, text: &str) -> Entry {
        Entry {
            time: at(second),
            fingerprint: Fingerprinter::default().take(text),
        }
    }

    #[test]
    fn a_count_tells_only_where_it_is_one_of_the_two_that_are_known() {
        let known = [
            entry(20, "1"),
            entry(21, "2"),
            entry(21, "3"),
            entry(21, "3"),
        ];
        let [lone, next] = Probe::among(known, at(10))[..] else {
            panic!("two probes");
        };
        assert_eq!((lone.range.from(), lone.range.to()), (at(19), at(20)));
        let answers = |probe: Probe| [0, 1, 2, 3].map(|count| probe.answered(Some(count)));
        let (listed, unlisted) = (Some(EndBound::Inclusive), Some(EndBound::Exclusive));
        assert_eq!(answers(lone), [unlisted, listed, None, None]);
        assert_eq!(answers(next), [None, unlisted, None, listed]);
        assert_eq!(lone.answered(None), None);
    }

    #[test]
    fn a_second_behind_one_that_is_not_known_is_not_asked_about() {
        assert_eq!(Probe::among([entry(20, "1")], at(20)), []);
        assert_eq!(Probe::among([entry(20, "1")], at(19)).len(), 1);
    }

    #[test]
    fn answers_that_contradict_each_other_say_nothing() {
        use EndBound::{Exclusive, Inclusive};
        assert_eq!(EndBound::agreed(&[Inclusive, Inclusive]), Some(Inclusive));
        assert_eq!(EndBound::agreed(&[Inclusive, Exclusive]), None);
        assert_eq!(EndBound::agreed(&[]), None);
    }
}
