//! How many records were delivered in each quarter of an hour: what a reconciliation compares with
//! the number that Mimecast reports.
//!
//! It lies in the checkpoint, four characters for a quarter, so that a lost ledger does not make a
//! reconciliation blind, nor make it deliver everything again.

use std::{collections::BTreeMap, fmt};

use chrono::{DateTime, TimeDelta, Utc};

use super::{date_range::DateRange, end_bound::EndBound, event_time};

const SECONDS: i64 = 900;

/// Consecutive whole quarters of an hour, the end excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    from: i64,
    to: i64,
}

impl Span {
    /// The whole quarters between two moments; `None` where there is none.
    #[must_use]
    pub fn within(from: DateTime<Utc>, to: DateTime<Utc>) -> Option<Self> {
        let from = from.timestamp() + i64::from(from.timestamp_subsec_nanos() > 0);
        let span = Self {
            from: from.div_euclid(SECONDS) + i64::from(from.rem_euclid(SECONDS) > 0),
            to: to.timestamp().div_euclid(SECONDS),
        };
        (span.from < span.to).then_some(span)
    }

    /// The quarters that a range touches.
    #[must_use]
    pub fn covering(range: DateRange) -> Self {
        Self {
            from: quarter(range.from()),
            to: quarter(range.to()) + 1,
        }
    }

    /// Its first moment.
    #[must_use]
    pub fn start(self) -> DateTime<Utc> {
        start(self.from)
    }

    /// The first moment after it.
    #[must_use]
    pub fn end(self) -> DateTime<Utc> {
        start(self.to)
    }

    /// Whether it is a single quarter.
    #[must_use]
    pub const fn is_quarter(self) -> bool {
        self.to - self.from == 1
    }

    /// What of it lies before and after `other`.
    pub(super) fn without(self, other: Self) -> Vec<Self> {
        let before = Self {
            from: self.from,
            to: self.to.min(other.from),
        };
        let after = Self {
            from: self.from.max(other.to),
            to: self.to,
        };
        let parts = [before, after].into_iter();
        parts.filter(|part| part.from < part.to).collect()
    }

    /// Its two halves; the first is empty for a single quarter.
    #[must_use]
    pub const fn halves(self) -> (Self, Self) {
        let middle = self.from + (self.to - self.from) / 2;
        (
            Self {
                from: self.from,
                to: middle,
            },
            Self {
                from: middle,
                to: self.to,
            },
        )
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [start, end] = [self.start(), self.end()].map(event_time::to_utc_text);
        write!(f, "{start}..{end}")
    }
}

fn quarter(time: DateTime<Utc>) -> i64 {
    time.timestamp().div_euclid(SECONDS)
}

fn start(quarter: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(quarter.saturating_mul(SECONDS), 0).unwrap_or_default()
}

/// The counts, from some moment on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    since: DateTime<Utc>,
    /// Records that were delivered, by quarter.
    counts: BTreeMap<i64, u32>,
    /// What Mimecast counts beside them, or less, and is not missing.
    explained: BTreeMap<i64, i32>,
}

impl Tally {
    /// Counts from `since` on; nothing is known about what lies before.
    #[must_use]
    pub const fn new(since: DateTime<Utc>) -> Self {
        Self {
            since,
            counts: BTreeMap::new(),
            explained: BTreeMap::new(),
        }
    }

    /// From when on every delivered record is counted.
    #[must_use]
    pub const fn since(&self) -> DateTime<Utc> {
        self.since
    }

    /// Counts a record.
    pub fn add(&mut self, time: DateTime<Utc>) {
        if time >= self.since {
            let count = self.counts.entry(quarter(time)).or_default();
            *count = count.saturating_add(1);
        }
    }

    /// What may be compared of the time between two moments: whole quarters, but for the one in which
    /// counting began.
    #[must_use]
    pub fn comparable(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Option<Span> {
        let from = if self.since > from {
            start(quarter(self.since))
        } else {
            from
        };
        Span::within(from, to)
    }

    /// The range whose count is that of this span, cut to where counting began.
    #[must_use]
    pub fn to_count(&self, span: Span, end: EndBound) -> Option<DateRange> {
        let to = match end {
            EndBound::Inclusive => span.end() - TimeDelta::seconds(1),
            EndBound::Exclusive => span.end(),
        };
        DateRange::new(span.start().max(self.since), to, span.end()).ok()
    }

    /// The range that lists every second of this span whether or not Mimecast includes `to`: up to the
    /// second after it. What that holds may be delivered twice where the ledger has lost it.
    #[must_use]
    pub fn to_read(&self, span: Span) -> Option<DateRange> {
        DateRange::new(span.start().max(self.since), span.end(), span.end()).ok()
    }

    /// How many were delivered in the span.
    #[must_use]
    pub fn delivered(&self, span: Span) -> u64 {
        self.counts
            .range(span.from..span.to)
            .map(|(_, count)| u64::from(*count))
            .sum()
    }

    /// How many Mimecast counts in the span if nothing is missing.
    #[must_use]
    pub fn total(&self, span: Span) -> u64 {
        let explained = self.explained.range(span.from..span.to);
        let explained = explained.map(|(_, more)| i64::from(*more)).sum();
        self.delivered(span).saturating_add_signed(explained)
    }

    /// The start of the last quarter before `time` in which something was counted.
    #[must_use]
    pub fn last_before(&self, time: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let (last, _) = self.counts.range(..quarter(time)).next_back()?;
        Some(start(*last))
    }

    /// Counts again in the span: nothing but the given times.
    pub fn recount(&mut self, span: Span, times: impl IntoIterator<Item = DateTime<Utc>>) {
        self.counts
            .retain(|quarter, _| !(span.from..span.to).contains(quarter));
        for time in times {
            if (span.start()..span.end()).contains(&time) {
                self.add(time);
            }
        }
    }

    /// Everything that Mimecast has in the quarter was seen, and it counts `total` there. What still
    /// differs, such as two rows that are alike to the byte or one that was rewritten since, is not
    /// missing.
    pub fn account_for(&mut self, quarter: Span, total: u64) {
        let delivered = self.delivered(quarter).cast_signed();
        let more = total.cast_signed().saturating_sub(delivered);
        let more = i32::try_from(more).unwrap_or_default();
        self.explained.remove(&quarter.from);
        if more != 0 {
            self.explained.insert(quarter.from, more);
        }
    }

    /// Forgets what lies before `time`.
    pub fn forget_before(&mut self, time: DateTime<Utc>) {
        if time > self.since {
            self.since = time;
            self.counts = self.counts.split_off(&quarter(time));
            self.explained = self.explained.split_off(&quarter(time));
        }
    }

    /// The first quarter with a count, and the counts from there on, one for each quarter.
    pub(super) fn to_list(&self) -> (DateTime<Utc>, Vec<u32>) {
        let Some((first, last)) = self
            .counts
            .first_key_value()
            .zip(self.counts.last_key_value())
            .map(|((first, _), (last, _))| (*first, *last))
        else {
            return (self.since, Vec::new());
        };
        let counts = (first..=last)
            .map(|quarter| self.counts.get(&quarter).copied().unwrap_or_default())
            .collect();
        (start(first), counts)
    }

    /// Reads what [`Self::to_list`] gave.
    pub(super) fn from_list(since: DateTime<Utc>, first: DateTime<Utc>, counts: &[u32]) -> Self {
        let counts = (quarter(first)..).zip(counts.iter().copied());
        Self {
            counts: counts.filter(|(_, count)| *count > 0).collect(),
            ..Self::new(since)
        }
    }

    /// What is explained, by the start of its quarter.
    pub(super) fn explained(&self) -> impl Iterator<Item = (DateTime<Utc>, i32)> {
        self.explained
            .iter()
            .map(|(quarter, more)| (start(*quarter), *more))
    }

    /// Takes in what [`Self::explained`] gave.
    pub(super) fn add_explained(&mut self, start: DateTime<Utc>, more: i32) {
        self.explained.insert(quarter(start), more);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::event_time;

    fn at(text: &str) -> DateTime<Utc> {
        event_time::parse(&format!("2026-11-24T{text}Z")).unwrap()
    }

    fn span(from: &str, to: &str) -> Span {
        Span::within(at(from), at(to)).unwrap()
    }

    fn tally(times: &[&str]) -> Tally {
        let mut tally = Tally::new(at("00:00:00"));
        for time in times {
            tally.add(at(time));
        }
        tally
    }

    #[test]
    fn a_span_holds_only_whole_quarters() {
        let inner = span("05:00:01", "05:59:59");
        assert_eq!(
            (inner.start(), inner.end()),
            (at("05:15:00"), at("05:45:00"))
        );
        assert_eq!(Span::within(at("05:01:00"), at("05:29:59")), None);
        let tally = Tally::new(at("05:20:00"));
        let to_count = |end| tally.to_count(inner, end).unwrap().to();
        assert_eq!(to_count(EndBound::Inclusive), at("05:44:59"));
        assert_eq!(to_count(EndBound::Exclusive), at("05:45:00"));
        let to_read = tally.to_read(inner).unwrap();
        assert_eq!(
            (to_read.from(), to_read.to()),
            (at("05:20:00"), at("05:45:00"))
        );
        let all = tally.comparable(at("04:50:00"), at("05:50:00")).unwrap();
        assert_eq!((all.start(), all.end()), (at("05:15:00"), at("05:45:00")));
        let later = tally.comparable(at("05:21:00"), at("05:50:00")).unwrap();
        assert_eq!(later.start(), at("05:30:00"));
    }

    #[test]
    fn records_count_in_their_own_quarter_and_from_since_on() {
        let mut tally = tally(&["05:00:00", "05:14:59", "05:15:00"]);
        tally.add(at("00:00:00") - TimeDelta::seconds(1));
        assert_eq!(tally.total(span("05:00:00", "05:15:00")), 2);
        assert_eq!(tally.total(span("00:00:00", "23:45:00")), 3);
        tally.forget_before(at("05:15:00"));
        assert_eq!(tally.total(span("00:00:00", "23:45:00")), 1);
    }

    #[test]
    fn what_is_explained_is_not_missing_any_more() {
        let mut tally = tally(&["05:00:00", "05:20:00"]);
        let hour = span("05:00:00", "06:00:00");
        for total in [3, 2, 0] {
            tally.account_for(span("05:00:00", "05:15:00"), total);
            assert_eq!(tally.total(hour), total + 1);
        }
        // What was explained stays so, whatever the deliveries are found to be.
        tally.recount(hour, [at("05:20:00"), at("05:30:00"), at("06:20:00")]);
        assert_eq!((tally.delivered(hour), tally.total(hour)), (2, 1));
        tally.forget_before(at("05:15:00"));
        assert_eq!(tally.total(hour), 2);
    }

    #[test]
    fn a_list_is_read_back() {
        for tally in [tally(&[]), tally(&["05:00:00", "07:20:00", "07:29:00"])] {
            let (first, counts) = tally.to_list();
            assert_eq!(Tally::from_list(tally.since(), first, &counts), tally);
        }
    }
}
