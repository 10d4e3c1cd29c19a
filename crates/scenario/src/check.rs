//! Comparing a delivered row with the record it was made from.

use chrono::DateTime;
use serde_json::{Map, Value};

use simulators::log::Log;

/// The members that the connector adds.
const EVENT_ID: &str = "mimecastEventId";
const EVENT_CATEGORY: &str = "mimecastEventCategory";
const TIME_GENERATED: &str = "time_generated";
const FINGERPRINT: &str = "mimecastFingerprint";

/// The added members of a row, taken out of it.
pub(super) struct Added {
    event_id: Option<Value>,
    event_category: Option<Value>,
    time_generated: Option<Value>,
    fingerprint: Option<Value>,
}

impl Added {
    pub(super) fn take(row: &mut Map<String, Value>) -> Self {
        Self {
            event_id: row.remove(EVENT_ID),
            event_category: row.remove(EVENT_CATEGORY),
            time_generated: row.remove(TIME_GENERATED),
            fingerprint: row.remove(FINGERPRINT),
        }
    }

    /// The fingerprint, where it is text.
    pub(super) fn fingerprint(&self) -> Option<&str> {
        self.fingerprint.as_ref()?.as_str()
    }

    /// What is wrong with them, for a record that happened `at`.
    pub(super) fn fault(&self, log: Log, at: i64) -> Option<String> {
        kind_fault(EVENT_ID, self.event_id.as_ref(), log)
            .or_else(|| kind_fault(EVENT_CATEGORY, self.event_category.as_ref(), log))
            .or_else(|| time_fault(self.time_generated.as_ref(), at))
            .or_else(|| fingerprint_fault(self.fingerprint()))
    }
}

/// Both say which log a row belongs to.
fn kind_fault(name: &str, value: Option<&Value>, log: Log) -> Option<String> {
    let meant = match log {
        Log::Url => "ttp_url",
        Log::Attachment => "ttp_attachment",
        Log::Impersonation => "ttp_impersonation",
    };
    let value = value.and_then(Value::as_str);
    (value != Some(meant)).then(|| format!("`{name}` is not `{meant}` but {value:?}"))
}

fn time_fault(value: Option<&Value>, at: i64) -> Option<String> {
    let text = value.and_then(Value::as_str);
    // Log Analytics reads this form; it is not known to read the `+0000` of the API.
    let time = text.and_then(|text| DateTime::parse_from_rfc3339(text).ok());
    match time {
        Some(time) if time.timestamp() == at => None,
        Some(_) => Some(format!(
            "`{TIME_GENERATED}` is another time than the record's: {text:?}"
        )),
        None => Some(format!("`{TIME_GENERATED}` is no RFC 3339 time: {text:?}")),
    }
}

fn fingerprint_fault(text: Option<&str>) -> Option<String> {
    let Some(text) = text else {
        return Some(format!("`{FINGERPRINT}` is missing or no text"));
    };
    let look = if text.trim().is_empty() {
        "is blank"
    } else if is_guid(text) {
        "looks like a GUID"
    } else if is_date(text) {
        "looks like a date"
    } else {
        return None;
    };
    Some(format!("`{FINGERPRINT}` {look}: {text:?}"))
}

/// 32 hex digits with or without the hyphens of a GUID, and with or without braces around them.
/// The Data Collector API files such text under `_g` instead of `_s`.
fn is_guid(text: &str) -> bool {
    let bare = text.trim().trim_matches(['{', '}', '(', ')']);
    let digits = bare.bytes().filter(|&byte| byte != b'-');
    digits.clone().count() == 32 && digits.clone().all(|byte| byte.is_ascii_hexdigit())
}

/// Text that begins like `2026-03-02` or `03/02/2026`: the Data Collector API files it under `_t`.
fn is_date(text: &str) -> bool {
    let shape: String = text
        .trim()
        .chars()
        .take(10)
        .map(|letter| match letter {
            '0'..='9' => '0',
            '/' | '.' => '-',
            other => other,
        })
        .collect();
    shape == "0000-00-00" || shape == "00-00-0000"
}

/// How the rest of a row differs from the record, member by member.
pub(super) fn difference(row: &Map<String, Value>, record: &Map<String, Value>) -> Option<String> {
    if row == record {
        return None;
    }
    let reason = record
        .iter()
        .find_map(|(name, value)| match row.get(name) {
            None => Some(format!("`{name}` is missing")),
            Some(other) if other != value => Some(format!("`{name}` has another value")),
            Some(_) => None,
        })
        .or_else(|| {
            let extra = row.keys().find(|name| !record.contains_key(*name))?;
            Some(format!("`{extra}` is not in the record"))
        });
    Some(reason.unwrap_or_else(|| "it is not equal to the record".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_that_would_change_their_column_are_refused() {
        for bad in [
            "0f8fad5b-d9cb-469f-a165-70867728950e",
            "{0F8FAD5B-D9CB-469F-A165-70867728950E}",
            "0f8fad5bd9cb469fa16570867728950e",
            "2026-03-02T08:00:00Z",
            "2026-03-02",
            "2026/03/02 08:00",
            "03/02/2026",
            "",
            " ",
        ] {
            assert!(fingerprint_fault(Some(bad)).is_some(), "{bad}");
        }
        assert!(fingerprint_fault(None).is_some());
        for good in [
            "v1:0f8fad5bd9cb469fa16570867728950e",
            "0f8fad5bd9cb469fa16570867728950",
            "sha256-2e7d2c03a9507ae265ecf5b5356885a53393a2029d241394997265a1a25aefc6",
            "2e7d2c03a9507ae265ecf5b5356885a53393a2029d241394997265a1a25aefc6",
            "u_2026-03-02",
        ] {
            assert_eq!(fingerprint_fault(Some(good)), None, "{good}");
        }
    }

    #[test]
    fn the_time_is_compared_to_the_second() {
        let fault = |text: &str| time_fault(Some(&Value::from(text)), 1_772_438_414);
        for good in [
            "2026-03-02T08:00:14+00:00",
            "2026-03-02T08:00:14Z",
            "2026-03-02T08:00:14.999Z",
            "2026-03-02T09:00:14+01:00",
        ] {
            assert_eq!(fault(good), None, "{good}");
        }
        for bad in [
            "2026-03-02T08:00:15Z",
            "2026-03-02T08:00:14+0000",
            "now",
            "",
        ] {
            assert!(fault(bad).is_some(), "{bad}");
        }
        assert!(time_fault(None, 0).is_some());
        assert!(time_fault(Some(&Value::from(0)), 0).is_some());
    }

    #[test]
    fn a_difference_is_named() {
        let map = |text: &str| serde_json::from_str::<Map<_, _>>(text).unwrap();
        let record = map(r#"{"a":1,"b":null}"#);
        assert_eq!(difference(&map(r#"{"b":null,"a":1}"#), &record), None);
        let reason = |text| difference(&map(text), &record).unwrap();
        assert_eq!(reason(r#"{"a":1}"#), "`b` is missing");
        assert_eq!(reason(r#"{"a":"1","b":null}"#), "`a` has another value");
        assert_eq!(
            reason(r#"{"a":1,"b":null,"c":0}"#),
            "`c` is not in the record"
        );
    }
}
