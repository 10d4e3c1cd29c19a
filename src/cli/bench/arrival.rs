//! What arrived: a measurement over lost or doubled rows would be worth nothing.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{progress::Progress, records::Backlog, shape};
use crate::cli::simulated::SinkKind;
use simulators::{
    log::Log,
    log_analytics::{RowSink, StoredRow},
    records::RecordSet as _,
};

/// Compares each stored row with the record it was made from, as it comes: a bit is kept of each, so
/// that the check is cheap and exact.
pub(super) struct Arrivals {
    backlog: Arc<Backlog>,
    logs: [Mutex<Seen>; 3],
    /// By which way rows come.
    sink: SinkKind,
    progress: Progress,
}

#[derive(Default)]
struct Seen {
    /// A bit for each record.
    bits: Vec<u64>,
    counts: Counts,
    /// The record's text, made again for each row in the same place.
    text: String,
}

/// What came of the records.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Records that are there.
    pub(super) stored: usize,
    /// Rows of a record that was there already.
    pub(super) doubled: usize,
    /// Rows that are not their record's text with something more at the end.
    pub(super) altered: usize,
    /// Records that are not there.
    pub(super) missing: usize,
}

impl Counts {
    pub(super) fn is_clean(self) -> bool {
        self.doubled + self.altered + self.missing == 0
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            stored,
            doubled,
            altered,
            missing,
        } = self;
        write!(
            f,
            "{stored} records stored, {missing} missing, {doubled} doubled, {altered} altered"
        )
    }
}

impl Arrivals {
    pub(super) fn new(backlog: Arc<Backlog>, sink: SinkKind, progress: Progress) -> Self {
        let logs = Log::ALL.map(|log| {
            Mutex::new(Seen {
                bits: vec![0; backlog.len(log).div_ceil(64)],
                ..Seen::default()
            })
        });
        Self {
            backlog,
            logs,
            sink,
            progress,
        }
    }

    /// What has come so far, over all logs.
    pub(super) fn counts(&self) -> Counts {
        let mut all = Counts::default();
        for seen in &self.logs {
            let counts = lock(seen).counts;
            all.stored += counts.stored;
            all.doubled += counts.doubled;
            all.altered += counts.altered;
        }
        all.missing = self.backlog.total().saturating_sub(all.stored);
        all
    }

    /// Whether the row is the record's text with something more at the end. The Logs Ingestion API keeps
    /// the name `id` to itself, so on that way it has another one.
    fn unchanged(&self, record: &str, row: &str) -> bool {
        let (record, row) = match (record.strip_prefix("{\"id\":"), self.sink) {
            (Some(record), SinkKind::LogsIngestion) => (
                record,
                row.strip_prefix("{\"eventId\":").unwrap_or_default(),
            ),
            _ => (record, row),
        };
        record
            .strip_suffix('}')
            .and_then(|record| row.strip_prefix(record))
            .is_some_and(|added| added.starts_with(','))
    }

    fn note(&self, log: Log, row: &str, seen: &mut Seen) {
        let Some(serial) = shape::serial_in(row).filter(|serial| *serial < self.backlog.len(log))
        else {
            seen.counts.altered += 1;
            return;
        };
        seen.text.clear();
        self.backlog.write(log, serial, &mut seen.text);
        if !self.unchanged(&seen.text, row) {
            seen.counts.altered += 1;
            return;
        }
        let (word, bit) = (serial / 64, 1 << (serial % 64));
        match seen.bits.get_mut(word) {
            Some(bits) if *bits & bit == 0 => {
                *bits |= bit;
                seen.counts.stored += 1;
            }
            _ => seen.counts.doubled += 1,
        }
    }
}

impl RowSink for Arrivals {
    fn store(&self, table: &str, rows: &[StoredRow<'_>]) {
        let place = Log::ALL.into_iter().position(|log| log.table() == table);
        let Some((log, seen)) = place.map(|place| (Log::ALL[place], &self.logs[place])) else {
            return;
        };
        let mut seen = lock(seen);
        for row in rows {
            self.note(log, row.raw, &mut seen);
        }
        self.progress.stored(rows.len());
    }
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};

    use super::*;

    #[test]
    fn what_is_missing_doubled_or_altered_is_told_apart() {
        let from = DateTime::UNIX_EPOCH;
        let backlog = Arc::new(Backlog::new([3, 70, 0], from, from + TimeDelta::days(1)));
        let arrivals = Arrivals::new(
            Arc::clone(&backlog),
            SinkKind::DataCollector,
            Progress::hidden(),
        );
        let note = |log: Log, row: &str| {
            let place = Log::ALL.iter().position(|other| *other == log).unwrap();
            arrivals.note(log, row, &mut lock(&arrivals.logs[place]));
        };
        let row = |log: Log, index: usize| {
            let record = backlog.json(log, index);
            format!(r#"{},"added":1}}"#, record.strip_suffix('}').unwrap())
        };
        for index in 0..70 {
            note(Log::Attachment, &row(Log::Attachment, index));
        }
        note(Log::Attachment, &row(Log::Attachment, 69));
        note(Log::Url, &row(Log::Url, 0));
        note(Log::Url, &row(Log::Url, 1).replace("contoso", "fabrikam"));
        note(Log::Url, r#"{"id":"bench00000003"}"#);
        let counts = arrivals.counts();
        assert_eq!(
            counts,
            Counts {
                stored: 71,
                doubled: 1,
                altered: 2,
                missing: 2
            }
        );
        assert!(!counts.is_clean());
        assert!(
            Counts {
                stored: 3,
                ..Counts::default()
            }
            .is_clean()
        );
    }
}
