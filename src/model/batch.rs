//! One post to Log Analytics: a JSON array of spliced records within a size.

use std::{fmt, ops::Range};

use bytes::Bytes;
use chrono::{DateTime, Utc};

use super::{
    date_range::DateRange, feed::Feed, fingerprint::Fingerprint, long_values, record,
    record_meta::RecordMeta,
};

/// The bytes of a record in a batch, and what must be remembered of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    bytes: Range<usize>,
    /// The record's identity.
    pub fingerprint: Fingerprint,
    /// The time under which it is remembered, see [`RecordMeta::remembered_at`].
    pub remembered_at: DateTime<Utc>,
    /// Whether the time is the record's own.
    pub time_is_own: bool,
    /// Whether its own time is unreadable, or outside the range it was listed in; see
    /// [`RecordMeta::is_displaced`].
    pub displaced: bool,
    /// How many of its values the sink will cut off.
    pub long_values: u32,
}

/// A JSON array, ready to be posted.
#[derive(Clone, PartialEq, Eq)]
pub struct Batch {
    feed: Feed,
    body: Bytes,
    rows: Vec<Row>,
}

impl Batch {
    /// The feed whose table the batch is for.
    #[must_use]
    pub const fn feed(&self) -> Feed {
        self.feed
    }

    /// The body of the post, UTF-8.
    #[must_use]
    pub const fn body(&self) -> &Bytes {
        &self.body
    }

    /// The rows, in the order in which they lie in the body.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The text of a row.
    ///
    /// # Panics
    ///
    /// If the row is not one of this batch's.
    #[must_use]
    #[expect(clippy::expect_used, reason = "an empty text would lose the record")]
    pub fn text(&self, row: &Row) -> &str {
        std::str::from_utf8(&self.body[row.bytes.clone()]).expect("a row is JSON text")
    }

    /// A batch without rows.
    #[must_use]
    pub const fn empty(feed: Feed) -> Self {
        Self {
            feed,
            body: Bytes::from_static(b"[]"),
            rows: Vec::new(),
        }
    }

    /// A batch of a single row that was set aside before, under its old identity and time.
    #[must_use]
    pub fn of_one(
        feed: Feed,
        text: &str,
        fingerprint: Fingerprint,
        remembered_at: DateTime<Utc>,
    ) -> Self {
        let body = format!("[{text}]");
        let row = Row {
            bytes: 1..body.len() - 1,
            fingerprint,
            remembered_at,
            time_is_own: true,
            displaced: false,
            long_values: 0,
        };
        Self {
            feed,
            body: body.into(),
            rows: vec![row],
        }
    }

    /// Two batches that hold the first and the second half of the rows; `None` for a single row.
    #[must_use]
    pub fn split(&self) -> Option<(Self, Self)> {
        if self.rows.len() < 2 {
            return None;
        }
        let (left, right) = self.rows.split_at(self.rows.len() / 2);
        Some((self.part(left), self.part(right)))
    }

    fn part(&self, rows: &[Row]) -> Self {
        let start = rows.first().map_or(0, |row| row.bytes.start);
        let end = rows.last().map_or(start, |row| row.bytes.end);
        let mut body = Vec::with_capacity(end - start + 2);
        body.push(b'[');
        body.extend_from_slice(&self.body[start..end]);
        body.push(b']');
        let rows = rows
            .iter()
            .map(|row| Row {
                bytes: row.bytes.start - start + 1..row.bytes.end - start + 1,
                ..row.clone()
            })
            .collect();
        Self {
            feed: self.feed,
            body: body.into(),
            rows,
        }
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("feed", &self.feed)
            .field("rows", &self.rows.len())
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// What became of a record that was offered to a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Push {
    /// It is in.
    Added,
    /// It does not fit beside what is there: take the batch, then offer it again.
    Full,
}

/// What a sink takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    /// The largest body, in bytes, brackets and commas counted.
    pub batch: usize,
    /// The longest value that a column takes whole, in bytes.
    pub value: usize,
}

/// A batch has room for so many bytes from its first record on.
const FIRST_ROOM: usize = 1_050_000;

/// Room for the record that is found to be one too many: without it the whole body would be moved for
/// each full batch.
const SPARE_ROOM: usize = 50_000;

/// Collects records into batches. A single record that is larger than a batch makes one of its own, for
/// the sink to judge.
#[derive(Debug)]
pub struct BatchBuilder {
    feed: Feed,
    most: Sizes,
    body: Vec<u8>,
    rows: Vec<Row>,
}

impl BatchBuilder {
    /// Nothing yet, for batches that are no larger than `most`.
    #[must_use]
    pub const fn new(feed: Feed, most: Sizes) -> Self {
        Self {
            feed,
            most,
            body: Vec::new(),
            rows: Vec::new(),
        }
    }

    /// Whether nothing is collected.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Adds `record`, read in `range`, with its four members.
    pub fn push(&mut self, record: &str, meta: RecordMeta, range: DateRange) -> Push {
        if self.is_empty() {
            // All the room at once: what grows is copied again and again. Only what is used of it costs.
            let room = self.most.batch.saturating_add(SPARE_ROOM);
            self.body.reserve_exact(room.min(FIRST_ROOM));
        }
        let before = self.body.len();
        self.body.push(if self.is_empty() { b'[' } else { b',' });
        let start = self.body.len();
        let time = meta.time_in(range);
        record::splice(&mut self.body, self.feed, record, time, meta.fingerprint);
        // One byte more for the closing bracket.
        if self.body.len() + 1 > self.most.batch && !self.rows.is_empty() {
            self.body.truncate(before);
            return Push::Full;
        }
        self.rows.push(Row {
            bytes: start..self.body.len(),
            fingerprint: meta.fingerprint,
            remembered_at: meta.remembered_at(range),
            time_is_own: meta.time.is_some(),
            displaced: meta.is_displaced(range),
            long_values: long_values::count(record, self.most.value),
        });
        Push::Added
    }

    /// Takes what was collected and starts over; `None` if that is nothing.
    pub fn take(&mut self) -> Option<Batch> {
        if self.rows.is_empty() {
            return None;
        }
        let mut body = std::mem::take(&mut self.body);
        body.push(b']');
        Some(Batch {
            feed: self.feed,
            body: body.into(),
            rows: std::mem::take(&mut self.rows),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::record::RecordScanner;

    fn range() -> DateRange {
        DateRange::new(
            DateTime::default(),
            DateTime::default(),
            DateTime::default(),
        )
        .unwrap()
    }

    fn sizes(batch: usize) -> Sizes {
        Sizes {
            batch,
            value: usize::MAX,
        }
    }

    fn fill(records: &[String], max_bytes: usize) -> Vec<Batch> {
        let (mut scanner, mut batches) = (RecordScanner::new(Feed::Url), Vec::new());
        let mut builder = BatchBuilder::new(Feed::Url, sizes(max_bytes));
        for record in records {
            let meta = scanner.scan(record);
            if builder.push(record, meta, range()) == Push::Full {
                batches.extend(builder.take());
                assert_eq!(builder.push(record, meta, range()), Push::Added);
            }
        }
        batches.extend(builder.take());
        batches
    }

    fn serials(batch: &Batch) -> Vec<u64> {
        let rows: Vec<serde_json::Value> = serde_json::from_slice(batch.body()).unwrap();
        assert_eq!(rows.len(), batch.rows().len());
        rows.iter().map(|row| row["n"].as_u64().unwrap()).collect()
    }

    #[test]
    fn an_empty_builder_gives_no_batch() {
        assert_eq!(BatchBuilder::new(Feed::Url, sizes(1000)).take(), None);
    }

    #[test]
    fn a_record_larger_than_a_batch_travels_alone() {
        let records = [
            "{\"n\":0}".to_owned(),
            format!("{{\"n\":1,\"x\":\"{}\"}}", "x".repeat(900)),
            "{\"n\":2}".to_owned(),
        ];
        let batches = fill(&records, 600);
        assert_eq!(
            batches.iter().map(serials).collect::<Vec<_>>(),
            [vec![0], vec![1], vec![2]]
        );
    }

    proptest! {
        #[test]
        fn every_record_is_in_one_batch_in_order_and_within_the_size(
            paddings in prop::collection::vec(0_usize..300, 1..40),
            max_bytes in 600_usize..3000,
        ) {
            let records: Vec<_> = paddings.iter().enumerate()
                .map(|(n, padding)| format!("{{\"n\":{n},\"x\":\"{}\"}}", "é".repeat(*padding / 2)))
                .collect();
            let batches = fill(&records, max_bytes);
            prop_assert!(batches.iter().all(|batch| batch.body().len() <= max_bytes));
            let all: Vec<_> = batches.iter().flat_map(serials).collect();
            prop_assert_eq!(all, (0..records.len() as u64).collect::<Vec<_>>());
        }

        #[test]
        fn splitting_keeps_every_row_once(count in 2_usize..50) {
            let records: Vec<_> = (0..count).map(|n| format!("{{\"n\":{n}}}")).collect();
            let whole = fill(&records, 1_000_000).remove(0);
            let mut waiting = vec![whole.clone()];
            let mut single = Vec::new();
            while let Some(batch) = waiting.pop() {
                match batch.split() {
                    Some((left, right)) => waiting.extend([right, left]),
                    None => single.push(batch),
                }
            }
            prop_assert_eq!(single.iter().flat_map(serials).collect::<Vec<_>>(), (0..count as u64).collect::<Vec<_>>());
            let (again, before): (Vec<_>, Vec<_>) = single.iter().zip(whole.rows())
                .map(|(part, row)| (part.rows()[0].fingerprint, row.fingerprint)).unzip();
            prop_assert_eq!(again, before);
        }
    }
}
