//! Looking at a record, and adding our members to it, without rebuilding it.

use chrono::{DateTime, Utc};

pub(crate) use super::scan::has_control_characters;
use super::{
    event_time,
    feed::Feed,
    fingerprint::{Fingerprint, Fingerprinter},
    json,
    record_meta::{RecordMeta, RecordSpan},
    scan::Scanner,
};

/// Looks at records of one feed, keeping its buffers between them.
#[derive(Debug)]
pub struct RecordScanner {
    feed: Feed,
    scanner: Scanner,
    fingerprinter: Fingerprinter,
    text: Vec<u8>,
}

impl RecordScanner {
    /// A scanner for records of `feed`.
    #[must_use]
    pub fn new(feed: Feed) -> Self {
        Self {
            feed,
            scanner: Scanner::new(feed),
            fingerprinter: Fingerprinter::default(),
            text: Vec::new(),
        }
    }

    /// The feed whose records it looks at.
    #[must_use]
    pub const fn feed(&self) -> Feed {
        self.feed
    }

    /// Finds the time and takes the fingerprint of `record`, a valid JSON object.
    pub fn scan(&mut self, record: &str) -> RecordMeta {
        if !has_control_characters(record.as_bytes())
            && let Some((end, meta)) = self.scanner.record(record, 0)
            && end == record.len()
        {
            return meta;
        }
        self.scan_fully(record)
    }

    /// The same as [`Self::scan`], by the full parse that defines it. Slower.
    pub fn scan_fully(&mut self, record: &str) -> RecordMeta {
        RecordMeta {
            time: self.time(record),
            fingerprint: self.fingerprinter.take(record),
        }
    }

    /// Looks at the records of an array from the one that begins at `start` on, in one scan. Gives them
    /// and the place of the closing bracket; `None` where there are more than `most`, or where anything is
    /// unusual or no JSON, which the caller is to find out.
    pub(crate) fn list(
        &mut self,
        text: &str,
        start: usize,
        most: usize,
    ) -> Option<(Vec<RecordSpan>, usize)> {
        if has_control_characters(text.as_bytes()) {
            return None;
        }
        self.scanner.make_room();
        let (mut listed, mut at) = (Vec::with_capacity(500), start);
        loop {
            let (end, meta) = self.scanner.record(text, at)?;
            if listed.len() == most {
                return None;
            }
            listed.push(RecordSpan {
                bytes: at..end,
                meta,
            });
            match text.as_bytes().get(end)? {
                b',' => at = end + 1,
                b']' => return Some((listed, end)),
                _ => return None,
            }
        }
    }

    fn says(&mut self, literal: &str) -> &[u8] {
        self.text.clear();
        json::unescape_into(&mut self.text, literal);
        &self.text
    }

    fn time(&mut self, record: &str) -> Option<DateTime<Utc>> {
        let mut names = [Some(self.feed.time_member()), self.feed.other_time_member()].into_iter();
        names.find_map(|name| self.time_in(record, name?))
    }

    /// The first member of that name that can be read as a time; a duplicate that cannot does no harm.
    fn time_in(&mut self, record: &str, name: &str) -> Option<DateTime<Utc>> {
        json::members(record).find_map(|(key, value)| {
            if self.says(key) != name.as_bytes() {
                None
            } else if value.starts_with('"') {
                event_time::parse(std::str::from_utf8(self.says(value)).ok()?)
            } else {
                event_time::from_epoch(value)
            }
        })
    }
}

/// Appends `record` with the four added members to `out`. The record's own bytes stay as they are:
/// the members go in front of its closing brace.
pub fn splice(
    out: &mut Vec<u8>,
    feed: Feed,
    record: &str,
    time: DateTime<Utc>,
    fingerprint: Fingerprint,
) {
    let open = record.trim_ascii_end();
    let open = open.strip_suffix('}').unwrap_or(open).trim_ascii_end();
    out.extend_from_slice(open.as_bytes());
    if !open.ends_with('{') {
        out.push(b',');
    }
    let event = feed.event_id();
    for part in [
        "\"mimecastEventId\":\"",
        event,
        "\",\"mimecastEventCategory\":\"",
        event,
        "\",\"time_generated\":\"",
    ] {
        out.extend_from_slice(part.as_bytes());
    }
    event_time::push_utc_text(out, time);
    out.extend_from_slice(b"\",\"mimecastFingerprint\":\"");
    out.extend_from_slice(&fingerprint.to_text());
    out.extend_from_slice(b"\"}");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn spliced(feed: Feed, record: &str) -> String {
        let meta = RecordScanner::new(feed).scan(record);
        let mut out = Vec::new();
        splice(
            &mut out,
            feed,
            record,
            meta.time.unwrap_or_default(),
            meta.fingerprint,
        );
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn four_members_are_added_and_not_a_byte_is_changed() {
        let record = r#"{"url":"https:\/\/x","date":"2026-03-02T08:00:14+0000","n":1.50,"n":2}"#;
        let row = spliced(Feed::Url, record);
        assert!(row.starts_with(record.strip_suffix('}').unwrap()), "{row}");
        let value: serde_json::Value = serde_json::from_str(&row).unwrap();
        assert_eq!(value["mimecastEventId"], "ttp_url");
        assert_eq!(value["mimecastEventCategory"], "ttp_url");
        assert_eq!(value["time_generated"], "2026-03-02T08:00:14Z");
        assert_eq!(
            value["mimecastFingerprint"],
            RecordScanner::new(Feed::Url)
                .scan(record)
                .fingerprint
                .to_string()
        );
    }

    #[test]
    fn an_empty_record_is_spliced_without_a_comma() {
        for record in ["{}", "{ }", "{\n}\n"] {
            let value: serde_json::Value =
                serde_json::from_str(&spliced(Feed::Attachment, record)).unwrap();
            assert_eq!(value.as_object().unwrap().len(), 4);
        }
    }

    #[test]
    fn the_time_is_the_feeds_own_member_and_only_at_the_top() {
        let time = |feed, record: &str| {
            let meta = RecordScanner::new(feed).scan(record);
            assert_eq!(RecordScanner::new(feed).scan_fully(record), meta);
            meta.time.map(event_time::to_utc_text)
        };
        let plain = r#"{"eventTime":"2026-03-02T08:00:14Z","x":{"date":"2026-03-02T09:00:00Z"}}"#;
        assert_eq!(
            time(Feed::Impersonation, plain).as_deref(),
            Some("2026-03-02T08:00:14Z")
        );
        assert_eq!(time(Feed::Url, plain), None);
        let escaped = r#"{"date":"2026-03-02T08:00:14\u002b0000"}"#;
        assert_eq!(
            time(Feed::Url, escaped).as_deref(),
            Some("2026-03-02T08:00:14Z")
        );
        let escaped_name = r#"{"d\u0061te":"2026-03-02T08:00:14Z"}"#;
        assert_eq!(
            time(Feed::Url, escaped_name).as_deref(),
            Some("2026-03-02T08:00:14Z")
        );
        let doubled = r#"{"date":null,"date":"soon","date":"2026-03-02T08:00:14.5Z"}"#;
        assert_eq!(
            time(Feed::Url, doubled).as_deref(),
            Some("2026-03-02T08:00:14.500Z")
        );
        for unreadable in [r#"{"date":17}"#, r#"{"date":{}}"#, "{}", r#"{"date":""}"#] {
            assert_eq!(time(Feed::Url, unreadable), None, "{unreadable}");
        }
    }

    proptest! {
        #[test]
        fn a_spliced_record_is_the_record_and_four_members(
            members in prop::collection::hash_map("[a-z\"\\\\é🔒/]{1,6}", any::<Option<String>>(), 0..8),
            pretty in any::<bool>(),
        ) {
            let record = if pretty { serde_json::to_string_pretty(&members) } else { serde_json::to_string(&members) }.unwrap();
            let mut row: serde_json::Map<String, serde_json::Value> =
                serde_json::from_str(&spliced(Feed::Impersonation, &record)).unwrap();
            for added in ["mimecastEventId", "mimecastEventCategory", "time_generated", "mimecastFingerprint"] {
                prop_assert!(row.remove(added).is_some());
            }
            prop_assert_eq!(serde_json::to_value(&row).unwrap(), serde_json::to_value(&members).unwrap());
        }
    }
}
