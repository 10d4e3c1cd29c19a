//! Reading and writing times.
//!
//! Mimecast answers `2026-03-02T08:00:14+0000`; peers have seen `Z` and `+00:00`, and fractions
//! must not stop a record. Log Analytics documents `YYYY-MM-DDThh:mm:ssZ` and takes at most
//! milliseconds safely.

use chrono::{DateTime, NaiveDateTime, SecondsFormat, Timelike, Utc};

/// Reads an event time in any spelling met so far: `+0000`, `+00:00`, `Z`, another offset, a
/// fraction of any length, or no zone at all (taken as UTC). `None` for anything else.
#[must_use]
pub fn parse(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z"))
        .map(|time| time.to_utc())
        .or_else(|_| {
            NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").map(|time| time.and_utc())
        })
        .ok()
        // Cut to milliseconds. A leap second becomes the second after it: few readers know `:60`.
        .and_then(|time| DateTime::from_timestamp_millis(time.timestamp_millis()))
        .filter(|time| (1970..=9999).contains(&chrono::Datelike::year(time)))
}

/// UTC with the suffix `Z`; milliseconds only where there are some.
#[must_use]
pub fn to_utc_text(time: DateTime<Utc>) -> String {
    let digits = if time.nanosecond() == 0 {
        SecondsFormat::Secs
    } else {
        SecondsFormat::Millis
    };
    time.to_rfc3339_opts(digits, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_time_is_read() {
        for (text, utc) in [
            ("2026-03-02T08:00:14+0000", "2026-03-02T08:00:14Z"),
            ("2026-03-02T08:00:14Z", "2026-03-02T08:00:14Z"),
            ("2026-03-02T08:00:14+00:00", "2026-03-02T08:00:14Z"),
            ("2026-03-02T10:00:14+0200", "2026-03-02T08:00:14Z"),
            ("2026-03-02T08:00:14.25+0000", "2026-03-02T08:00:14.250Z"),
            ("2026-03-02T08:00:14.123456789Z", "2026-03-02T08:00:14.123Z"),
            ("2026-03-02T08:00:14", "2026-03-02T08:00:14Z"),
            (" 2026-03-02T08:00:14+0000 ", "2026-03-02T08:00:14Z"),
        ] {
            assert_eq!(parse(text).map(to_utc_text).as_deref(), Some(utc), "{text}");
        }
    }

    #[test]
    fn a_leap_second_becomes_the_second_after_it() {
        for (text, utc) in [
            ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"),
            ("2016-12-31T23:59:60.25+0000", "2017-01-01T00:00:00.250Z"),
            ("2016-12-31T23:59:60", "2017-01-01T00:00:00Z"),
        ] {
            assert_eq!(parse(text).map(to_utc_text).as_deref(), Some(utc), "{text}");
        }
        assert_eq!(parse("9999-12-31T23:59:60Z"), None);
    }

    #[test]
    fn what_is_no_time_is_not_guessed() {
        for text in [
            "",
            "yesterday",
            "2026-03-02",
            "2026-13-02T08:00:14Z",
            "0001-01-01T00:00:00Z",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
