//! The backlog: very many records that cost next to nothing to make.
//!
//! The scenario of the demo rolls dice for every record, which takes longer than reading it does; a
//! measurement would tell of the dice. Here a serial and a time are put into prepared text.

use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    shape::{self, Shape},
    templates,
};
use simulators::{
    log::Log,
    records::{Moment, RecordSet},
};

/// The most records of one log.
pub(super) const MOST: usize = shape::LARGEST_SERIAL;

const SECONDS_A_DAY: i64 = 86_400;

/// Records of all logs, spread evenly between two times, each shown as soon as it happens.
#[derive(Debug)]
pub(super) struct Backlog {
    logs: [Part; 3],
    /// The first record's time, in Unix seconds.
    from: i64,
    seconds: i64,
    /// The dates from the first record's on: writing them is the dearest part of a time.
    dates: Vec<String>,
    written: AtomicU64,
}

#[derive(Debug)]
struct Part {
    count: usize,
    shapes: Vec<Shape>,
}

impl Backlog {
    /// How many records of each log, in the order of [`Log::ALL`], from `from` to before `to`.
    pub(super) fn new(counts: [usize; 3], from: DateTime<Utc>, to: DateTime<Utc>) -> Self {
        let days = (to.date_naive() - from.date_naive()).num_days();
        let date = |day| (from + TimeDelta::days(day)).format("%Y-%m-%d").to_string();
        let mut parts = Log::ALL.into_iter().zip(counts).map(|(log, count)| Part {
            count,
            shapes: templates::shapes(log),
        });
        Self {
            logs: std::array::from_fn(|_| {
                parts.next().unwrap_or(Part {
                    count: 0,
                    shapes: Vec::new(),
                })
            }),
            from: from.timestamp(),
            seconds: (to - from).num_seconds().max(1),
            dates: (0..=days).map(date).collect(),
            written: AtomicU64::new(0),
        }
    }

    /// How many records there are in all.
    pub(super) fn total(&self) -> usize {
        self.logs.iter().map(|part| part.count).sum()
    }

    /// How many bytes of records were asked for so far.
    pub(super) fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    fn part(&self, log: Log) -> &Part {
        let [url, attachment, impersonation] = &self.logs;
        match log {
            Log::Url => url,
            Log::Attachment => attachment,
            Log::Impersonation => impersonation,
        }
    }

    fn at(&self, part: &Part, index: usize) -> i64 {
        let as_number = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        self.from + self.seconds * as_number(index) / as_number(part.count.max(1))
    }

    /// Appends the text of a record, if there is such a one, without counting it.
    pub(super) fn write(&self, log: Log, index: usize, into: &mut String) {
        let part = self.part(log);
        let Some(shape) = part.shapes.get(index % part.shapes.len().max(1)) else {
            return;
        };
        let at = self.at(part, index);
        let day = at.div_euclid(SECONDS_A_DAY) - self.from.div_euclid(SECONDS_A_DAY);
        let date = usize::try_from(day)
            .ok()
            .and_then(|day| self.dates.get(day));
        let mut time = [b'0'; 24];
        if let Some(date) = date {
            fill(&mut time, date, at.rem_euclid(SECONDS_A_DAY));
        }
        let time = std::str::from_utf8(&time).unwrap_or_default();
        shape.write(index, time, into);
    }
}

/// Writes `2026-03-02T08:15:23+0000`, as Mimecast does.
fn fill(time: &mut [u8; 24], date: &str, second: i64) {
    time[..10].copy_from_slice(&date.as_bytes()[..10]);
    time[10..].copy_from_slice(b"T00:00:00+0000");
    let clock = [
        (11, second / 3600),
        (14, second / 60 % 60),
        (17, second % 60),
    ];
    for (place, number) in clock {
        let number = u8::try_from(number).unwrap_or_default();
        time[place] += number / 10;
        time[place + 1] += number % 10;
    }
}

impl RecordSet for Backlog {
    fn len(&self, log: Log) -> usize {
        self.part(log).count
    }

    fn moment(&self, log: Log, index: usize) -> Moment {
        let at = self.at(self.part(log), index);
        Moment { at, visible_at: at }
    }

    fn json(&self, log: Log, index: usize) -> String {
        let mut text = String::new();
        self.write_json(log, index, &mut text);
        text
    }

    fn write_json(&self, log: Log, index: usize, page: &mut String) {
        let before = page.len();
        self.write(log, index, page);
        let bytes = (page.len() - before) as u64;
        let _ = self.written.fetch_add(bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
