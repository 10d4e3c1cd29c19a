//! What was delivered lately: the fingerprints that keep a record from being delivered twice while
//! the same stretch of time is read again.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};

use super::{fingerprint::Fingerprint, ledger::Entry};

/// Fingerprints with the second by which old ones are forgotten.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recent(HashMap<Fingerprint, i64>);

impl Recent {
    /// Remembers a record. `false` if it was known already.
    pub fn insert(&mut self, time: DateTime<Utc>, fingerprint: Fingerprint) -> bool {
        self.0.insert(fingerprint, time.timestamp()).is_none()
    }

    /// Whether the record is known.
    #[must_use]
    pub fn contains(&self, fingerprint: Fingerprint) -> bool {
        self.0.contains_key(&fingerprint)
    }

    /// Forgets what lies before `time`.
    pub fn forget_before(&mut self, time: DateTime<Utc>) {
        let second = time.timestamp();
        self.0.retain(|_, at| *at >= second);
    }

    /// What is remembered from `from` on and before `to`.
    #[must_use]
    pub fn between(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Vec<Entry> {
        self.0
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
        self.0.len()
    }

    /// Whether none is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The fingerprints by second, both in order.
    pub(crate) fn by_second(&self) -> BTreeMap<i64, Vec<Fingerprint>> {
        let mut seconds: BTreeMap<i64, Vec<_>> = BTreeMap::new();
        for (fingerprint, second) in &self.0 {
            seconds.entry(*second).or_default().push(*fingerprint);
        }
        for known in seconds.values_mut() {
            known.sort_unstable();
        }
        seconds
    }
}
