//! What was delivered lately: the fingerprints that keep a record from being delivered twice while
//! the same times are read again.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::{fingerprint::Fingerprint, gap::Gaps, ledger::Entry};

/// How many displaced records are remembered. An orderly log has none; if every record were one, the
/// checkpoint would still be small.
const MAX_DISPLACED: usize = 20_000;

/// Fingerprints with the second by which old ones are forgotten.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recent {
    placed: HashMap<Fingerprint, i64>,
    displaced: HashMap<Fingerprint, i64>,
}

impl Recent {
    /// Remembers a record under its own second. `false` if it was known already.
    pub fn insert(&mut self, time: DateTime<Utc>, fingerprint: Fingerprint) -> bool {
        let known = self.displaced.contains_key(&fingerprint);
        self.placed.insert(fingerprint, time.timestamp()).is_none() && !known
    }

    /// Remembers a record that may be listed again anywhere. `false` if it was known already.
    pub fn insert_displaced(&mut self, time: DateTime<Utc>, fingerprint: Fingerprint) -> bool {
        let known = self.contains(fingerprint);
        self.displaced.insert(fingerprint, time.timestamp());
        !known
    }

    /// Where there are too many displaced records, gives up the older half. How many that are.
    pub fn give_up_displaced(&mut self) -> usize {
        let before = self.displaced.len();
        if before > MAX_DISPLACED {
            let mut all: Vec<_> = self.displaced.iter().map(|(one, at)| (*at, *one)).collect();
            let (_, middle, _) = all.select_nth_unstable(before / 2);
            let middle = *middle;
            self.displaced.retain(|one, at| (*at, *one) >= middle);
        }
        before - self.displaced.len()
    }

    /// Whether the record is known.
    #[must_use]
    pub fn contains(&self, fingerprint: Fingerprint) -> bool {
        self.placed.contains_key(&fingerprint) || self.displaced.contains_key(&fingerprint)
    }

    /// Forgets what lies before `time`, but not what is displaced.
    pub fn forget_before(&mut self, time: DateTime<Utc>) {
        self.forget_outside(time, &Gaps::default());
    }

    /// The same, but for what lies in a gap: when that is read at last, it must be known, however old.
    pub fn forget_outside(&mut self, time: DateTime<Utc>, gaps: &Gaps) {
        let first = time.timestamp();
        self.placed
            .retain(|_, second| *second >= first || is_covered(gaps, *second));
    }

    /// Forgets displaced records that were listed before `time`.
    pub fn forget_displaced_before(&mut self, time: DateTime<Utc>) {
        let second = time.timestamp();
        self.displaced.retain(|_, at| *at >= second);
    }

    /// What is remembered under a second of its own from `from` on and before `to`.
    #[must_use]
    pub fn placed(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Vec<Entry> {
        self.placed
            .iter()
            .filter_map(|(fingerprint, second)| {
                Some(Entry {
                    time: DateTime::from_timestamp(*second, 0)?,
                    fingerprint: *fingerprint,
                })
            })
            .filter(|entry| (from..to).contains(&entry.time))
            .collect()
    }

    /// How many fingerprints are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.placed.len() + self.displaced.len()
    }

    /// Whether none is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The placed and the displaced fingerprints with their seconds, all in order.
    pub(super) fn by_second(&self) -> [Vec<(i64, Fingerprint)>; 2] {
        [&self.placed, &self.displaced].map(|map| {
            let known = map
                .iter()
                .map(|(fingerprint, second)| (*second, *fingerprint));
            let mut known: Vec<_> = known.collect();
            known.sort_unstable();
            known
        })
    }
}

fn is_covered(gaps: &Gaps, second: i64) -> bool {
    !gaps.is_empty() && DateTime::from_timestamp(second, 0).is_some_and(|at| gaps.covers(at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fingerprint::Fingerprinter;

    #[test]
    fn displaced_records_stay_until_they_are_old_and_never_become_too_many() {
        let (mut recent, mut fingerprinter) = (Recent::default(), Fingerprinter::default());
        let mut of = |number: i64| fingerprinter.take(&number.to_string());
        let at = |second| DateTime::from_timestamp(second, 0).unwrap();
        assert!(recent.insert_displaced(at(5), of(0)));
        assert!(!recent.insert(at(5), of(0)));
        recent.forget_before(at(100));
        assert!(recent.contains(of(0)));
        recent.forget_displaced_before(at(6));
        assert!(recent.is_empty());
        assert_eq!(recent.give_up_displaced(), 0);
        // All in one second, as the end of one range gives it.
        for number in 0..20_001 {
            recent.insert_displaced(at(7), of(number));
        }
        assert_eq!(recent.give_up_displaced(), 10_000);
        recent.insert_displaced(at(8), of(-1));
        assert!(recent.contains(of(-1)));
    }
}
