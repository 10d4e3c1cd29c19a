//! The host's payload, read leniently: nothing in it may keep a pass from running.

use serde::Deserialize;

use crate::model::object::Object;

/// What matters of an invocation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Invocation {
    /// The run is late: the app was down at its time.
    pub past_due: bool,
    /// The payload had the documented shape.
    pub understood: bool,
}

#[derive(Deserialize)]
struct Payload {
    #[serde(rename = "Data")]
    data: serde_json::Map<String, serde_json::Value>,
}

impl Invocation {
    /// Reads a payload. The times in it are ignored: the first run's lie in the year 1, and the
    /// checkpoint knows better.
    #[must_use]
    pub fn read(body: &[u8]) -> Self {
        let Ok(Object::<Payload>(payload)) = serde_json::from_slice(body) else {
            return Self::default();
        };
        let past_due = payload
            .data
            .values()
            .any(|binding| binding["IsPastDue"].as_bool().unwrap_or(false));
        Self {
            past_due,
            understood: !payload.data.is_empty(),
        }
    }
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
        for body in [normal, &first, no_status, admin] {
            assert_eq!(
                Invocation::read(body.as_bytes()),
                Invocation {
                    past_due: false,
                    understood: true
                },
                "{body}"
            );
        }
        let late = normal.replace("\"IsPastDue\":false", "\"IsPastDue\":true");
        assert!(Invocation::read(late.as_bytes()).past_due);
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
