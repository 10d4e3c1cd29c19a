//! The promises of the parsers, one plain function for each, over any bytes at all.
//!
//! The seeded run of `cargo test` and the targets in `fuzz/` call the same functions. Each panics when
//! a promise is broken, and answers whether the parser accepted the bytes. What a parser found is
//! compared with what serde finds in the same text; the program's own walk over JSON is not asked.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    missing_docs,
    unreachable_pub,
    reason = "this is test code"
)]

use std::{
    collections::BTreeMap,
    fmt::{Debug, Write},
};

use chrono::{DateTime, TimeDelta, Utc};
use mimecast_ttp::{
    azure::connection_string,
    functions::Invocation,
    mimecast::wire,
    model::{
        batch::{Batch, BatchBuilder, Push, Sizes},
        checkpoint::Start,
        date_range::DateRange,
        event_time,
        feed::Feed,
        fingerprint::Fingerprinter,
        ledger::{Hour, LedgerHour},
        quarantined::Quarantined,
        record::{self, RecordScanner},
        record_meta::RecordMeta,
    },
};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

/// A page: its records are those of the text, and each can be looked at, spliced and posted.
pub fn page(input: &[u8]) -> bool {
    let mut accepted = false;
    for feed in Feed::ALL {
        let page = match wire::page(&mut RecordScanner::new(feed), input.to_vec()) {
            Ok(page) => page,
            Err(unread) => {
                assert!(!unread.why.to_string().is_empty());
                assert_eq!(unread.body, input, "what is no page is given back");
                continue;
            }
        };
        let text = String::from_utf8_lossy(input);
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let records: Vec<_> = page.records().collect();
        for (record, look) in page.records_with_meta() {
            let plainly = RecordScanner::new(feed).scan_fully(record);
            assert_eq!(look, plainly, "one scan sees what the plain way sees");
        }
        assert_eq!(records.len(), page.len(), "every place lies in the text");
        assert_eq!(
            Some(&records),
            listed(feed, text).as_ref(),
            "the records are those that the text lists for {feed}"
        );
        // Far more than any record here, and so little that many make a batch of their own.
        for max_bytes in [1_000_000, 700] {
            batched(feed, &records, max_bytes);
        }
        accepted |= !page.is_empty();
    }
    accepted
}

/// A record: the row is the record and four members, and its identity is its content.
pub fn record(input: &[u8]) -> bool {
    let text = String::from_utf8_lossy(input);
    // The walk ends on any text.
    for feed in Feed::ALL {
        let look = RecordScanner::new(feed).scan(&text);
        spliced(feed, &text, look);
    }
    let Some(record) = json(&text).filter(|record| record.starts_with('{')) else {
        return false;
    };
    let (reversed, respelled) = (rewrite(record, true, 0), rewrite(record, false, 0));
    for feed in Feed::ALL {
        let mut scanner = RecordScanner::new(feed);
        let look = scanner.scan(record);
        assert_eq!(scanner.scan_fully(record), look, "both ways see the same");
        let row = spliced(feed, record, look);
        assert_row(feed, record, look, &row);
        assert_eq!(
            scanner.scan(&respelled),
            look,
            "neither white space nor escapes make another record: {respelled}"
        );
        assert_eq!(
            scanner.scan(&reversed).fingerprint,
            look.fingerprint,
            "the order of members makes no other record: {reversed}"
        );
        assert_ne!(
            Fingerprinter::default().take(&row),
            look.fingerprint,
            "another content is another record"
        );
    }
    true
}

/// A checkpoint: what is read can be saved and read again, for its own feed only.
pub fn checkpoint(input: &[u8]) -> bool {
    let text = String::from_utf8_lossy(input);
    let mut accepted = Vec::new();
    for feed in Feed::ALL {
        match Start::read(Some(&text), feed) {
            Ok(Start::Fresh) => assert!(
                text.chars().all(|c| c.is_whitespace() || c == '\u{feff}'),
                "only an empty text is a first run"
            ),
            Ok(Start::TakenOver(time)) => {
                assert_time(&event_time::to_utc_text(time));
                accepted.push(feed);
            }
            Ok(Start::From(checkpoint)) => {
                assert!(
                    checkpoint.read_again_from <= checkpoint.watermark,
                    "nothing between the watermark and the next reading is passed over"
                );
                assert_time(&event_time::to_utc_text(checkpoint.watermark));
                let saved = checkpoint.to_text(feed, "fuzzing");
                assert_eq!(
                    Start::read(Some(&saved), feed),
                    Ok(Start::From(checkpoint)),
                    "what was read is written and read back: {saved}"
                );
                accepted.push(feed);
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
    // The other things that are saved are read as carefully.
    drop(Quarantined::read(&text));
    let hour = Hour::of(DateTime::default());
    if let Ok(ledger) = LedgerHour::from_bytes(hour, input) {
        assert_eq!(ledger.to_bytes(), input, "a ledger has one form");
    }
    assert!(
        accepted.len() <= 1 || event_time::parse(text.trim_matches('\u{feff}')).is_some(),
        "only a plain time is good for more than one feed, but this was for {accepted:?}"
    );
    !accepted.is_empty()
}

/// A connection string: whatever is shown of it does not depend on its secrets.
pub fn connection_string(input: &[u8]) -> bool {
    const SECRETS: [&str; 2] = ["AccountKey", "SharedAccessSignature"];
    let text = String::from_utf8_lossy(input);
    let secret_name = |part: &str| {
        let (name, value) = part.split_once('=')?;
        let is_secret = SECRETS
            .iter()
            .any(|secret| name.trim().eq_ignore_ascii_case(secret));
        (is_secret && !value.trim().is_empty()).then(|| name.to_owned())
    };
    let accepted = connection_string::parse(&text);
    let shown = show(&accepted);
    // What is shown may tell whether a secret can be used, and nothing else about it.
    let otherwise = ["b3RoZXI=", "!"].map(|secret| {
        let parts: Vec<_> = text
            .split(';')
            .map(|part| match secret_name(part) {
                Some(name) => format!("{name}={secret}"),
                None => part.to_owned(),
            })
            .collect();
        show(&connection_string::parse(&parts.join(";")))
    });
    assert!(
        otherwise.contains(&shown),
        "a secret is shown: {shown}, but with another one {otherwise:?}"
    );
    let Ok(access) = accepted else {
        return false;
    };
    let endpoint = access.endpoint;
    assert!(matches!(endpoint.scheme(), "http" | "https") && endpoint.has_host());
    assert!(endpoint.username().is_empty() && endpoint.password().is_none());
    assert_eq!(endpoint.fragment(), None);
    assert_eq!(
        endpoint.query().is_some(),
        matches!(access.signing, connection_string::Signing::InAddress),
        "an address has a query only where that is the signature"
    );
    true
}

/// The payload of a timer call: lenient, and never mistaken.
pub fn timer_payload(input: &[u8]) -> bool {
    let invocation = Invocation::read(input);
    // Bytes that are no UTF-8 do no harm where nothing is read.
    let text = String::from_utf8_lossy(input);
    let data = only(&text, "Data")
        .filter(|data| data.starts_with('{'))
        .and_then(by_name);
    if !invocation.understood {
        assert!(!invocation.past_due, "what is not understood says nothing");
        return false;
    }
    let Some(data) = data.filter(|data| !data.is_empty()) else {
        panic!("understood without an object `Data` that says something")
    };
    let past_due = data.values().any(|binding| {
        by_name(binding).is_some_and(|binding| binding.get("IsPastDue") == Some(&"true"))
    });
    assert_eq!(invocation.past_due, past_due);
    true
}

/// Everything that a log line could show.
fn show<T: Debug>(result: &Result<T, connection_string::ConnectionStringError>) -> String {
    match result {
        Ok(access) => format!("{access:?}"),
        Err(error) => format!("{error} {error:?}"),
    }
}

fn range() -> DateRange {
    let to = DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(20_000);
    DateRange::new(to - TimeDelta::days(1), to, to).unwrap()
}

fn spliced(feed: Feed, record: &str, look: RecordMeta) -> String {
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

fn batched(feed: Feed, records: &[&str], max_bytes: usize) {
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
fn assert_row(feed: Feed, record: &str, look: RecordMeta, row: &str) {
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
fn assert_time(text: &str) {
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

/// The records that a reader of the whole text finds for `feed`.
fn listed(feed: Feed, text: &str) -> Option<Vec<&str>> {
    let list = match feed {
        Feed::Url => "clickLogs",
        Feed::Attachment => "attachmentLogs",
        Feed::Impersonation => "impersonationLogs",
    };
    let mut records = Vec::new();
    for item in elements(only(text, "data")?)? {
        for record in elements(only(item, list)?)? {
            members(record)?;
            records.push(record);
        }
    }
    Some(records)
}

/// `text` without the white space around it, if it is JSON.
fn json(text: &str) -> Option<&str> {
    serde_json::from_str(text).ok().map(RawValue::get)
}

fn elements(array: &str) -> Option<Vec<&str>> {
    let elements: Vec<&RawValue> = serde_json::from_str(array).ok()?;
    Some(elements.into_iter().map(RawValue::get).collect())
}

/// The members of an object as they are written, duplicates included.
fn members(object: &str) -> Option<Vec<(&str, &str)>> {
    serde_json::from_str(object)
        .ok()
        .map(|Members(members)| members)
}

/// The members by what their names say; the last of a name counts.
fn by_name(object: &str) -> Option<BTreeMap<String, &str>> {
    members(object)?
        .into_iter()
        .map(|(name, value)| Some((serde_json::from_str(name).ok()?, value)))
        .collect()
}

/// The value of the only member that has this name.
fn only<'a>(object: &'a str, name: &str) -> Option<&'a str> {
    let mut found = members(object)?
        .into_iter()
        .filter(|(key, _)| serde_json::from_str::<String>(key).is_ok_and(|key| key == name));
    let (_, value) = found.next()?;
    found.next().is_none().then_some(value)
}

struct Members<'a>(Vec<(&'a str, &'a str)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Walk;

        impl<'de> Visitor<'de> for Walk {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(key) = map.next_key::<&RawValue>()? {
                    let value = map.next_value::<&RawValue>()?;
                    if !key.get().starts_with('"') {
                        return Err(A::Error::custom("a name is no string"));
                    }
                    members.push((key.get(), value.get()));
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Walk)
    }
}

/// The same content in other words: other white space, other escapes and, if wished, the members in
/// the opposite order. What is nested deeper than fingerprints look stays as it is.
fn rewrite(value: &str, reverse: bool, depth: usize) -> String {
    const AS_DEEP_AS_FINGERPRINTS_LOOK: usize = 32;
    if value.starts_with('"') {
        return respell(value);
    }
    if depth >= AS_DEEP_AS_FINGERPRINTS_LOOK {
        return value.to_owned();
    }
    let inner = |value: &str| rewrite(value, reverse, depth + 1);
    if let Some(mut members) = members(value) {
        if reverse {
            members.reverse();
        }
        let members: Vec<_> = members
            .into_iter()
            .map(|(name, value)| format!("\n{}\t:\r{}", respell(name), inner(value)))
            .collect();
        return format!("{{ {} }}", members.join(" ,"));
    }
    if value.starts_with('[')
        && let Some(elements) = elements(value)
    {
        let elements: Vec<_> = elements.into_iter().map(inner).collect();
        return format!("[ {} ]", elements.join("\n,\t"));
    }
    value.to_owned()
}

/// The same string with an escape for every other character that has none.
fn respell(literal: &str) -> String {
    let mut out = String::new();
    let mut inside = literal.strip_prefix('"').unwrap();
    inside = inside.strip_suffix('"').unwrap();
    let mut characters = inside.chars();
    let mut turn = false;
    while let Some(character) = characters.next() {
        if character == '\\' {
            match characters.next() {
                Some('/') => out.push('/'),
                Some(escaped) => out.extend(['\\', escaped]),
                None => {}
            }
            continue;
        }
        turn = !turn;
        // The digits of an escape must stay as they are, and which these are is not tracked here.
        if turn && !character.is_ascii_hexdigit() {
            for unit in character.encode_utf16(&mut [0; 2]) {
                write!(out, "\\u{unit:04X}").unwrap();
            }
        } else {
            out.push(character);
        }
    }
    format!("\"{out}\"")
}
