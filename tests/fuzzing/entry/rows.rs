//! What must hold of rows and of batches.

use chrono::{DateTime, TimeDelta, Utc};
use mimecast_ttp::model::{
    batch::{Batch, BatchBuilder, Push, Sizes},
    date_range::DateRange,
    event_time,
    feed::Feed,
    record::{self, RecordScanner},
    record_meta::RecordMeta,
};
use serde_json::value::RawValue;

use super::reader::members;

fn range() -> DateRange {
    let to = DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(20_000);
    DateRange::new(to - TimeDelta::days(1), to, to).unwrap()
}

pub(super) fn spliced(feed: Feed, record: &str, look: RecordMeta) -> String {
    let mut row = Vec::new();
    record::splice(
        &mut row,
        feed,
        record,
        look.time_in(range()),
        look.fingerprint,
    );
    String::from_utf8(row).unwrap()
}

pub(super) fn batched(feed: Feed, records: &[&str], max_bytes: usize) {
    let mut scanner = RecordScanner::new(feed);
    let sizes = Sizes {
        batch: max_bytes,
        value: 32_768,
    };
    let mut builder = BatchBuilder::new(feed, sizes);
    let mut batches = Vec::new();
    for record in records {
        let look = scanner.scan(record);
        if builder.push(record, look, range()) == Push::Full {
            batches.extend(builder.take());
            assert_eq!(builder.push(record, look, range()), Push::Added);
        }
    }
    batches.extend(builder.take());
    let mut expected = records.iter();
    for batch in &batches {
        assert!(batch.body().len() <= max_bytes || batch.rows().len() == 1);
        let rows = rows(batch);
        for (row, known) in rows.iter().zip(batch.rows()) {
            let record = expected.next().unwrap();
            let look = scanner.scan(record);
            assert_eq!(known.fingerprint, look.fingerprint);
            assert_row(feed, record, look, row);
        }
        if let Some((left, right)) = batch.split() {
            let halves: Vec<_> = [&left, &right].into_iter().flat_map(self::rows).collect();
            assert_eq!(halves, rows, "the halves hold the rows of the whole");
        }
    }
    assert_eq!(expected.next(), None, "every record is in a batch");
}

/// The rows that a reader of the body finds; as many as the batch says.
fn rows(batch: &Batch) -> Vec<&str> {
    let rows: Vec<&RawValue> = serde_json::from_slice(batch.body()).unwrap();
    assert_eq!(rows.len(), batch.rows().len());
    rows.into_iter().map(RawValue::get).collect()
}

/// `row` is `record`, untouched up to its closing brace, and the four members in their order.
pub(super) fn assert_row(feed: Feed, record: &str, look: RecordMeta, row: &str) {
    let (record_members, row_members) = (members(record).unwrap(), members(row).unwrap());
    let (kept, added) = row_members.split_at(record_members.len());
    assert_eq!(kept, record_members, "the record's members come first");
    let time = event_time::to_utc_text(look.time_in(range()));
    assert_time(&time);
    let fingerprint = look.fingerprint.to_string();
    let expected = [
        ("mimecastEventId", feed.event_id()),
        ("mimecastEventCategory", feed.event_id()),
        ("time_generated", &time),
        ("mimecastFingerprint", &fingerprint),
    ]
    .map(|(name, value)| (format!("\"{name}\""), format!("\"{value}\"")));
    let added: Vec<_> = added
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    assert_eq!(added, expected);
    let open = record.trim_end().strip_suffix('}').unwrap();
    assert!(row.starts_with(open.trim_end()), "no byte is changed");
}

/// A time that Log Analytics reads: `YYYY-MM-DDThh:mm:ssZ`, with milliseconds or without.
pub(super) fn assert_time(text: &str) {
    let pattern = match text.len() {
        20 => "0000-00-00T00:00:00Z",
        _ => "0000-00-00T00:00:00.000Z",
    };
    let shape: String = text
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    assert_eq!(shape, pattern, "{text}");
    let second = text.get(17..19).unwrap();
    assert!(second < "60", "{text} has a second that few readers know");
}
