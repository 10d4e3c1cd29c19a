//! The check that every record arrived, once and whole.

use std::{
    fmt,
    hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::{
    Scenario,
    check::{self, Added},
    serial::serial_of,
    verdict::{Altered, Found, Verdict},
};
use simulators::{log::Log, records::RecordSet};

const FIRST_INDICES: usize = 20;
const FIRST_ROWS: usize = 5;
/// How much of an unknown row is kept, in characters.
const EXCERPT: usize = 200;

/// Finds out which record a row was made from.
pub type SerialOf = fn(Log, &Value) -> Option<usize>;

/// Notes the rows that a sink stored and compares them with the records they were made from.
///
/// It keeps 9 bytes per record: how often it was delivered, and a hash of its fingerprint.
pub struct Tally {
    records: Arc<dyn RecordSet>,
    serial_of: SerialOf,
    books: [Mutex<Book>; 3],
}

impl fmt::Debug for Tally {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Tally").finish_non_exhaustive()
    }
}

/// What is known of the deliveries of one log.
struct Book {
    /// Deliveries of each record; 255 stands for more, too.
    counts: Vec<u8>,
    /// A hash of the fingerprint of each record, 0 while none was seen.
    fingerprints: Vec<u64>,
    altered: Found<Altered>,
    unknown: Found<String>,
}

/// What a row turns out to be.
struct Finding {
    index: usize,
    fingerprint: Option<u64>,
    fault: Option<String>,
}

impl Tally {
    /// A tally of a scenario of which nothing has been delivered.
    #[must_use]
    pub fn new(scenario: Arc<Scenario>) -> Self {
        Self::over(scenario, serial_of)
    }

    /// A tally of any records whose rows identify their record.
    #[must_use]
    pub fn over(records: Arc<dyn RecordSet>, serial_of: SerialOf) -> Self {
        let book = |log| {
            Mutex::new(Book {
                counts: vec![0; records.len(log)],
                fingerprints: vec![0; records.len(log)],
                altered: Found::default(),
                unknown: Found::default(),
            })
        };
        Self {
            books: [
                book(Log::Url),
                book(Log::Attachment),
                book(Log::Impersonation),
            ],
            records,
            serial_of,
        }
    }

    /// Takes note of a row of this log that the sink stored.
    pub fn note(&self, log: Log, raw_row: &str) {
        // The slow part is done before the lock is taken.
        let finding = self.examine(log, raw_row);
        let mut book = self.book(log);
        if let Some(finding) = finding {
            book.enter(finding);
        } else {
            let excerpt = raw_row.chars().take(EXCERPT).collect();
            book.unknown.add(FIRST_ROWS, excerpt);
        }
    }

    /// What became of the log, if everything that appears up to and including `visible_until` had to
    /// arrive. What appears later may have arrived, but need not.
    #[must_use]
    pub fn verdict(&self, log: Log, visible_until: DateTime<Utc>) -> Verdict {
        let book = self.book(log);
        let mut verdict = Verdict {
            log,
            made: book.counts.len(),
            visible: 0,
            delivered_once: 0,
            lost: Found::default(),
            doubled: Found::default(),
            altered: book.altered.clone(),
            unknown: book.unknown.clone(),
        };
        for (index, &count) in book.counts.iter().enumerate() {
            let moment = self.records.moment(log, index);
            let visible = moment.visible_at <= visible_until.timestamp();
            verdict.visible += usize::from(visible);
            match count {
                0 if visible => verdict.lost.add(FIRST_INDICES, index),
                0 => {}
                1 => verdict.delivered_once += usize::from(visible),
                _ => verdict.doubled.add(FIRST_INDICES, index),
            }
        }
        for (index, other) in shared(&book.fingerprints) {
            let reason = format!("its fingerprint is that of record {other}, too");
            verdict.altered.add(FIRST_ROWS, Altered { index, reason });
        }
        verdict
    }

    /// Compares a row with its record; `None` where it has none.
    fn examine(&self, log: Log, raw_row: &str) -> Option<Finding> {
        let row: Value = serde_json::from_str(raw_row).ok()?;
        let index = (self.serial_of)(log, &row)?;
        let Value::Object(mut row) = row else {
            return None;
        };
        if index >= self.records.len(log) {
            return None;
        }
        let added = Added::take(&mut row);
        let record: Option<Map<String, Value>> =
            serde_json::from_str(&self.records.json(log, index)).ok();
        let fault = record
            .map_or(Some("its record is no JSON object".to_owned()), |record| {
                check::difference(&row, &record)
            })
            .or_else(|| added.fault(log, self.records.moment(log, index).at));
        Some(Finding {
            index,
            fingerprint: added.fingerprint().map(hash),
            fault,
        })
    }

    fn book(&self, log: Log) -> MutexGuard<'_, Book> {
        let [url, attachment, impersonation] = &self.books;
        match log {
            Log::Url => url,
            Log::Attachment => attachment,
            Log::Impersonation => impersonation,
        }
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Book {
    fn enter(&mut self, finding: Finding) {
        let Finding {
            index,
            fingerprint,
            mut fault,
        } = finding;
        self.counts[index] = self.counts[index].saturating_add(1);
        if let Some(fingerprint) = fingerprint {
            let known = self.fingerprints[index];
            if known == 0 {
                self.fingerprints[index] = fingerprint;
            } else if known != fingerprint && fault.is_none() {
                fault = Some("its copies have different fingerprints".to_owned());
            }
        }
        if let Some(reason) = fault {
            self.altered.add(FIRST_ROWS, Altered { index, reason });
        }
    }
}

/// A hash that is never 0. In one of 30 million runs, two of a million records share one by chance.
fn hash(text: &str) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default()
        .hash_one(text)
        .max(1)
}

/// The records that share their fingerprint with an earlier record, each with that record.
fn shared(fingerprints: &[u64]) -> Vec<(usize, usize)> {
    let mut sorted: Vec<(u64, usize)> = fingerprints
        .iter()
        .enumerate()
        .filter(|(_, fingerprint)| **fingerprint != 0)
        .map(|(index, fingerprint)| (*fingerprint, index))
        .collect();
    sorted.sort_unstable();
    sorted
        .windows(2)
        .filter(|pair| pair[0].0 == pair[1].0)
        .map(|pair| (pair[1].1, pair[0].1))
        .collect()
}
