//! The host's payload, read leniently: nothing in it may keep a pass from running.

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use serde::Deserialize;
use serde_json::Value;

use crate::model::object::Object;

/// What matters of an invocation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Invocation {
    /// The run is late: the app was down at its time.
    pub past_due: bool,
    /// The run before was on another day in UTC, or there was none. Never where the host keeps no status: for a call
    /// by hand, and for schedules below a minute.
    pub first_of_day: bool,
    /// The payload had the documented shape.
    pub understood: bool,
}

#[derive(Deserialize)]
struct Payload {
    #[serde(rename = "Data")]
    data: serde_json::Map<String, Value>,
    #[serde(rename = "Metadata", default)]
    metadata: Value,
}

impl Invocation {
    /// Reads a payload. Nothing is read or delivered by the times in it: the first run's lie in the year 1, and
    /// the checkpoint knows better.
    #[must_use]
    pub fn read(body: &[u8]) -> Self {
        let Ok(Object::<Payload>(payload)) = serde_json::from_slice(body) else {
            return Self::default();
        };
        let past_due = payload
            .data
            .values()
            .any(|binding| binding["IsPastDue"].as_bool().unwrap_or(false));
        let now = day(&payload.metadata["sys"]["UtcNow"]);
        let mut bindings = payload.data.values();
        let last = bindings.find_map(|binding| day(&binding["ScheduleStatus"]["Last"]));
        Self {
            past_due,
            first_of_day: matches!((last, now), (Some(last), Some(now)) if last != now),
            understood: !payload.data.is_empty(),
        }
    }
}

/// The day of a time, in UTC. Older hosts leave out the offset of the year 1, which a first run has.
fn day(time: &Value) -> Option<NaiveDate> {
    let text = time.as_str()?;
    let with_offset = DateTime::parse_from_rfc3339(text).map(|time| time.with_timezone(&Utc));
    let time = with_offset.map(|time| time.naive_utc());
    let time = time.or_else(|_| text.parse::<NaiveDateTime>()).ok()?;
    Some(time.date())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_the_host_sends_is_understood() {
        let normal = r#"{"Data":{"timer":{"Schedule":{"AdjustForDST":true},"ScheduleStatus":{"Last":"2026-11-10T09:30:00.0031214+00:00","Next":"2026-11-10T09:35:00+00:00","LastUpdated":"2026-11-10T09:30:00.0031214+00:00"},"IsPastDue":false}},"Metadata":{"sys":{"MethodName":"TimerTrigger","UtcNow":"2026-11-10T09:35:00.0118452Z","RandGuid":"0b9d5b0a-5d0e-4c0e-8c56-6a1f0f3f7a21"}}}"#;
        let first = normal.replace("2026-11-10T09:30:00.0031214+00:00", "0001-01-01T00:00:00");
        let no_status = r#"{"Data":{"timer":{"Schedule":{"AdjustForDST":true},"ScheduleStatus":null,"IsPastDue":false}},"Metadata":{}}"#;
        let admin =
            r#"{"Data":{"timer":{"IsPastDue":false}},"Metadata":{"timer":"\"\"","sys":{}}}"#;
        for (body, first_of_day) in [
            (normal, false),
            (&first, true),
            (no_status, false),
            (admin, false),
        ] {
            assert_eq!(
                Invocation::read(body.as_bytes()),
                Invocation {
                    past_due: false,
                    first_of_day,
                    understood: true
                },
                "{body}"
            );
        }
        let late = normal.replace("\"IsPastDue\":false", "\"IsPastDue\":true");
        assert!(Invocation::read(late.as_bytes()).past_due);
    }

    #[test]
    fn the_first_run_of_a_day_is_known_by_the_run_before_it() {
        let body = |last: &str, now: &str| {
            let body = format!(
                r#"{{"Data":{{"timer":{{"ScheduleStatus":{{"Last":"{last}"}}}}}},"Metadata":{{"sys":{{"UtcNow":"{now}"}}}}}}"#
            );
            Invocation::read(body.as_bytes()).first_of_day
        };
        let (late, midnight) = ("2026-11-10T23:55:00Z", "2026-11-11T00:00:00.0118452Z");
        assert!(body("2026-11-10T23:55:00.1+00:00", midnight));
        assert!(!body("2026-11-11T00:55:00.1+01:00", late));
        assert!(body("2026-11-11T01:00:00+01:00", "2026-11-12T00:00:00Z"));
        assert!(!body("2026-11-11T00:00:00+00:00", "2026-11-11T00:05:00Z"));
        assert!(!body("2026-11-11T00:00:00+00:00", "now"));
        assert!(body("0001-01-01T00:54:00+00:54", late));
        assert!(body("0001-01-01T00:00:00", late));
        assert!(!body("2026-11-10T00:00:00", late));
        assert!(!body("never", late));
    }

    #[test]
    fn an_unknown_shape_is_noticed_and_nothing_more() {
        for body in [
            "",
            "null",
            "[]",
            "{}",
            r#"{"Data":[]}"#,
            r#"{"Data":{}}"#,
            r#"[{"timer":{"IsPastDue":true}}]"#,
            "\u{0}",
        ] {
            assert_eq!(
                Invocation::read(body.as_bytes()),
                Invocation::default(),
                "{body}"
            );
        }
        assert!(Invocation::read(br#"{"Data":{"timer":7}}"#).understood);
    }
}
