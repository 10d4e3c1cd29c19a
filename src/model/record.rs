//! Looking at a record, and adding our members to it, without rebuilding it.

use chrono::{DateTime, SubsecRound, Utc};

use super::{
    date_range::DateRange,
    event_time,
    feed::Feed,
    fingerprint::{Fingerprint, Fingerprinter},
    json,
};

/// Objects nested deeper are not looked into for long values.
const MAX_DEPTH: u32 = 8;

/// What was found in a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Its own time, where it has one that can be read.
    pub time: Option<DateTime<Utc>>,
    /// Its identity.
    pub fingerprint: Fingerprint,
    /// How many of its values are longer than a column takes whole.
    pub long_values: u32,
}

impl Look {
    /// The time to put into `time_generated`: its own, or the end of the range it was read in.
    #[must_use]
    pub fn time_in(self, range: DateRange) -> DateTime<Utc> {
        self.time.unwrap_or(range.to())
    }

    /// The time under which it is remembered. A record that was listed in a range can be listed
    /// again for as long as that range's end can: one that is displaced is remembered under the end.
    #[must_use]
    pub fn remembered_at(self, range: DateRange) -> DateTime<Utc> {
        self.time
            .filter(|_| !self.is_displaced(range))
            .unwrap_or(range.to())
    }

    /// Whether its own time cannot be read or lies outside the range in which it was listed, so that
    /// nobody but Mimecast knows under which second it will be listed again.
    #[must_use]
    pub fn is_displaced(self, range: DateRange) -> bool {
        !self
            .time
            .map(|time| time.trunc_subsecs(0))
            .is_some_and(|second| (range.from()..=range.to()).contains(&second))
    }
}

/// Looks at records, keeping its buffers between them.
#[derive(Debug)]
pub struct Examiner {
    max_value_bytes: usize,
    fingerprinter: Fingerprinter,
    text: Vec<u8>,
}

impl Default for Examiner {
    fn default() -> Self {
        Self::new(usize::MAX)
    }
}

impl Examiner {
    /// Counts values longer than `max_value_bytes`.
    #[must_use]
    pub fn new(max_value_bytes: usize) -> Self {
        Self {
            max_value_bytes,
            fingerprinter: Fingerprinter::default(),
            text: Vec::new(),
        }
    }

    /// Finds the time and takes the fingerprint of `record`, a valid JSON object.
    pub fn look(&mut self, feed: Feed, record: &str) -> Look {
        Look {
            time: self.time(feed, record),
            fingerprint: self.fingerprinter.take(record),
            long_values: self.long_values(record, 0),
        }
    }

    /// Strings count by what they say, arrays by their text, objects by their members: so the
    /// service makes columns of them.
    fn long_values(&mut self, object: &str, depth: u32) -> u32 {
        if object.len() <= self.max_value_bytes || depth > MAX_DEPTH {
            return 0;
        }
        json::members(object)
            .map(|(_, value)| match value.as_bytes().first() {
                Some(b'{') => self.long_values(value, depth + 1),
                Some(b'"') if value.len() > self.max_value_bytes => {
                    u32::from(self.says(value).len() > self.max_value_bytes)
                }
                _ => u32::from(value.len() > self.max_value_bytes),
            })
            .sum()
    }

    fn says(&mut self, literal: &str) -> &[u8] {
        self.text.clear();
        json::unescape_into(&mut self.text, literal);
        &self.text
    }

    /// The first member of the feed's time name that can be read; a duplicate that cannot does no
    /// harm.
    fn time(&mut self, feed: Feed, record: &str) -> Option<DateTime<Utc>> {
        json::members(record).find_map(|(key, value)| {
            if self.says(key) != feed.time_member().as_bytes() || !value.starts_with('"') {
                return None;
            }
            event_time::parse(std::str::from_utf8(self.says(value)).ok()?)
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
    let (event, time) = (feed.event_id(), event_time::to_utc_text(time));
    for part in [
        "\"mimecastEventId\":\"",
        event,
        "\",\"mimecastEventCategory\":\"",
        event,
        "\",\"time_generated\":\"",
        &time,
        "\",\"mimecastFingerprint\":\"",
        &fingerprint.to_string(),
        "\"}",
    ] {
        out.extend_from_slice(part.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn spliced(feed: Feed, record: &str) -> String {
        let look = Examiner::default().look(feed, record);
        let mut out = Vec::new();
        splice(
            &mut out,
            feed,
            record,
            look.time.unwrap_or_default(),
            look.fingerprint,
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
            Examiner::default()
                .look(Feed::Url, record)
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
        let mut examiner = Examiner::default();
        let mut time = |feed, record: &str| {
            examiner
                .look(feed, record)
                .time
                .map(event_time::to_utc_text)
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

    #[test]
    fn values_longer_than_a_column_are_counted_by_what_they_say() {
        let count = |record: &str| Examiner::new(10).look(Feed::Url, record).long_values;
        for (record, long) in [
            (r#"{"a":"0123456789","b":"x","c":1}"#, 0),
            (
                r#"{"a":"0123456789x","b":{"c":"0123456789x","d":"short"}}"#,
                2,
            ),
            (r#"{"a":"\u0041\u0041\u0041"}"#, 0),
            (r#"{"a":"ééééé","b":"éééééé"}"#, 1),
            (r#"{"a":["0123","4567","8"]}"#, 1),
        ] {
            assert_eq!(count(record), long, "{record}");
        }
        assert_eq!(
            Examiner::default()
                .look(Feed::Url, r#"{"a":"0123456789x"}"#)
                .long_values,
            0
        );
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
