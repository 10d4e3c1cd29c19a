//! What was delivered, hour by hour: the memory by which a reconciliation, or a rewind, tells what is
//! missing from what is not.
//!
//! A checkpoint remembers only the late-arrival window, which every pass reads again. What leaves it goes into the
//! ledger: one small blob for each feed and hour, 18 bytes a record, kept for `reconcile_hours`. Its
//! last 16 bytes are a checksum: half a file is recognised as damaged and never believed.

use std::{collections::BTreeSet, fmt};

use chrono::{DateTime, NaiveDateTime, TimeDelta, Timelike, Utc};
use sha2::{Digest, Sha256};

use super::fingerprint::Fingerprint;

const MAGIC: &[u8; 8] = b"TTPLEDG1";
const SECONDS: i64 = 3600;
/// Two bytes of seconds within the hour, and the fingerprint.
const ENTRY_BYTES: usize = 2 + Fingerprint::BYTES;
const CHECKSUM_BYTES: usize = 16;

/// A whole hour in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hour(i64);

impl Hour {
    /// The hour that `time` lies in.
    #[must_use]
    pub fn of(time: DateTime<Utc>) -> Self {
        Self(time.timestamp().div_euclid(SECONDS))
    }

    /// Its first moment.
    #[must_use]
    pub fn start(self) -> DateTime<Utc> {
        DateTime::from_timestamp(self.0.saturating_mul(SECONDS), 0).unwrap_or_default()
    }

    /// The first moment after it.
    #[must_use]
    pub fn end(self) -> DateTime<Utc> {
        Self(self.0.saturating_add(1)).start()
    }

    /// Every hour that the closed interval touches.
    pub fn between(from: DateTime<Utc>, to: DateTime<Utc>) -> impl Iterator<Item = Self> {
        (Self::of(from).0..=Self::of(to).0).map(Self)
    }

    /// Reads what [`fmt::Display`] wrote: `2026-11-24T05`.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let time = NaiveDateTime::parse_from_str(&format!("{text}:00"), "%Y-%m-%dT%H:%M").ok()?;
        let hour = Self::of(time.and_utc());
        (hour.to_string() == text).then_some(hour)
    }
}

impl fmt::Display for Hour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.start().format("%Y-%m-%dT%H"))
    }
}

/// A delivered record: the second under which it is remembered, and its fingerprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Entry {
    /// The second under which it is remembered.
    pub time: DateTime<Utc>,
    /// Which record it is.
    pub fingerprint: Fingerprint,
}

/// Why bytes are no page of the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is damaged or not written by this program")]
pub struct Damaged;

/// One hour of a feed's ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerHour {
    hour: Hour,
    entries: BTreeSet<Entry>,
}

impl LedgerHour {
    /// An hour in which nothing was delivered yet.
    #[must_use]
    pub const fn new(hour: Hour) -> Self {
        Self {
            hour,
            entries: BTreeSet::new(),
        }
    }

    /// Adds what was delivered. An entry of another hour is passed over; one that is known stays
    /// once, so that adding the same again, after a crash or beside another run, changes nothing.
    pub fn add(&mut self, entries: impl IntoIterator<Item = Entry>) {
        let hour = self.hour;
        self.entries.extend(
            entries
                .into_iter()
                .filter(|entry| Hour::of(entry.time) == hour),
        );
    }

    /// What was delivered, oldest first.
    pub fn entries(&self) -> impl Iterator<Item = Entry> {
        self.entries.iter().copied()
    }

    /// The bytes to save.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(16 + self.entries.len() * ENTRY_BYTES + CHECKSUM_BYTES);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&self.hour.0.to_le_bytes());
        for entry in &self.entries {
            let second = entry.time.minute() * 60 + entry.time.second();
            bytes.extend_from_slice(&u16::try_from(second).unwrap_or_default().to_le_bytes());
            bytes.extend_from_slice(&entry.fingerprint.to_bytes());
        }
        let checksum = checksum(&bytes);
        bytes.extend_from_slice(&checksum);
        bytes
    }

    /// Reads what [`Self::to_bytes`] wrote for `hour`.
    pub fn from_bytes(hour: Hour, bytes: &[u8]) -> Result<Self, Damaged> {
        let (content, sum) = bytes.split_last_chunk::<CHECKSUM_BYTES>().ok_or(Damaged)?;
        if checksum(content) != *sum {
            return Err(Damaged);
        }
        let rest = content.strip_prefix(MAGIC).ok_or(Damaged)?;
        let (head, rest) = rest.split_first_chunk::<8>().ok_or(Damaged)?;
        if *head != hour.0.to_le_bytes() {
            return Err(Damaged);
        }
        let (entries, []) = rest.as_chunks::<ENTRY_BYTES>() else {
            return Err(Damaged);
        };
        let entries = entries.iter().filter_map(|entry| {
            let (second, fingerprint) = entry.split_first_chunk::<2>()?;
            Some(Entry {
                time: hour.start() + TimeDelta::seconds(u16::from_le_bytes(*second).into()),
                fingerprint: Fingerprint::from_bytes(*fingerprint.first_chunk()?),
            })
        });
        Ok(Self {
            hour,
            entries: entries.collect(),
        })
    }
}

fn checksum(bytes: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let mut sum = [0; CHECKSUM_BYTES];
    sum.copy_from_slice(&Sha256::digest(bytes)[..CHECKSUM_BYTES]);
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{event_time, fingerprint::Fingerprinter};

    fn at(text: &str) -> DateTime<Utc> {
        event_time::parse(text).unwrap()
    }

    fn entries(count: u32) -> Vec<Entry> {
        let mut fingerprinter = Fingerprinter::default();
        (0..count)
            .map(|number| Entry {
                time: at("2026-11-24T05:00:00Z") + TimeDelta::seconds(i64::from(number * 7 % 3600)),
                fingerprint: fingerprinter.take(&format!("{{\"n\":{number}}}")),
            })
            .collect()
    }

    #[test]
    fn what_is_written_is_read_back_in_less_than_32_bytes_a_record() {
        let hour = Hour::of(at("2026-11-24T05:30:00Z"));
        let mut ledger = LedgerHour::new(hour);
        ledger.add(entries(100));
        let bytes = ledger.to_bytes();
        assert_eq!(bytes.len(), 32 + 100 * 18);
        assert_eq!(LedgerHour::from_bytes(hour, &bytes), Ok(ledger));
    }

    #[test]
    fn adding_the_same_again_changes_nothing_and_another_hour_is_passed_over() {
        let hour = Hour::of(at("2026-11-24T05:30:00Z"));
        let mut ledger = LedgerHour::new(hour);
        ledger.add(entries(10));
        ledger.add(entries(10));
        assert_eq!(ledger.entries().count(), 10);
        let mut other = LedgerHour::new(Hour::of(at("2026-11-24T06:00:00Z")));
        other.add(entries(10));
        assert_eq!(other.entries().count(), 0);
    }

    #[test]
    fn a_damaged_file_is_never_believed() {
        let hour = Hour::of(at("2026-11-24T05:30:00Z"));
        let mut ledger = LedgerHour::new(hour);
        ledger.add(entries(3));
        let bytes = ledger.to_bytes();
        for length in 0..bytes.len() {
            assert_eq!(LedgerHour::from_bytes(hour, &bytes[..length]), Err(Damaged));
        }
        for place in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[place] ^= 1;
            assert_eq!(LedgerHour::from_bytes(hour, &damaged), Err(Damaged));
        }
        let next = Hour::of(at("2026-11-24T06:00:00Z"));
        assert_eq!(LedgerHour::from_bytes(next, &bytes), Err(Damaged));
    }

    #[test]
    fn an_hour_has_a_text_that_is_read_back() {
        let hour = Hour::of(at("2026-11-24T05:59:59.9Z"));
        assert_eq!(hour.to_string(), "2026-11-24T05");
        assert_eq!(Hour::from_text("2026-11-24T05"), Some(hour));
        for text in ["", "2026-11-24", "2026-11-24T5", "2026-11-24T05:00", "x"] {
            assert_eq!(Hour::from_text(text), None, "{text}");
        }
        let hours = Hour::between(at("2026-11-24T05:59:59Z"), at("2026-11-24T07:00:00Z"));
        assert_eq!(hours.count(), 3);
    }
}
