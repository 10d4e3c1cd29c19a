//! Reading and writing times.
//!
//! Mimecast answers `2026-03-02T08:00:14+0000`; peers have seen other spellings, and none that is clear may
//! stop a record. Log Analytics documents `YYYY-MM-DDThh:mm:ssZ` and takes at most
//! milliseconds safely.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, SecondsFormat, Timelike, Utc};

/// Reads an event time in any spelling that is clear: ISO 8601 with `T` or a blank, a fraction of any
/// length, and `Z`, `GMT`, `UTC`, an offset such as `+0000`, `+00:00` or `+00`, or no zone at all (taken as
/// UTC); RFC 1123; seconds or milliseconds since 1970, see [`from_epoch`]. `None` for anything else.
#[must_use]
pub fn parse(text: &str) -> Option<DateTime<Utc>> {
    if let Some(time) = parse_usual(text.as_bytes()) {
        return Some(time);
    }
    let text = text.trim();
    if text.len() > MAX_LENGTH {
        return None;
    }
    from_epoch(text)
        .or_else(|| {
            DateTime::parse_from_rfc2822(text)
                .ok()
                .map(|time| time.to_utc())
        })
        .or_else(|| parse_iso(text))
        // Cut to milliseconds. A leap second becomes the second after it: few readers know `:60`.
        .and_then(|time| DateTime::from_timestamp_millis(time.timestamp_millis()))
        .filter(|time| (1970..=9999).contains(&time.year()))
}

/// No spelling of a time is longer.
const MAX_LENGTH: usize = 64;

/// The seconds since 1970 from which and up to which a number can be a time: 2000 to 2100. No number is a
/// time in seconds and another one in milliseconds.
const EPOCH_SECONDS: std::ops::Range<i64> = 946_684_800..4_102_444_800;

/// Reads a number of seconds or of milliseconds since 1970 that lies between 2000 and 2100.
#[must_use]
pub fn from_epoch(text: &str) -> Option<DateTime<Utc>> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: i64 = text.parse().ok()?;
    if EPOCH_SECONDS.contains(&number) {
        DateTime::from_timestamp(number, 0)
    } else if EPOCH_SECONDS.contains(&(number / 1000)) {
        DateTime::from_timestamp_millis(number)
    } else {
        None
    }
}

fn parse_iso(text: &str) -> Option<DateTime<Utc>> {
    let (date, rest) = text.split_at_checked(10)?;
    let rest = rest.strip_prefix(['T', 't', ' '])?;
    let mut compact = format!("{date}T");
    compact.extend(rest.chars().filter(|character| *character != ' '));
    let mut zones = ["GMT", "UTC", "Z", "z"].iter();
    let utc = zones.find_map(|zone| compact.strip_suffix(zone));
    let utc = utc.unwrap_or(&compact);
    let local = NaiveDateTime::parse_from_str(utc, "%Y-%m-%dT%H:%M:%S%.f");
    local.map(|time| time.and_utc()).ok().or_else(|| {
        let with_offset = DateTime::parse_from_str(&compact, "%Y-%m-%dT%H:%M:%S%.f%#z");
        Some(with_offset.ok()?.to_utc())
    })
}

/// Reads the spelling that nearly every record has, whole seconds in UTC; a twentieth of the work of a
/// general reader. `None` for any other.
fn parse_usual(text: &[u8]) -> Option<DateTime<Utc>> {
    let (
        [
            years @ ..,
            b'-',
            m1,
            m2,
            b'-',
            d1,
            d2,
            b'T',
            h1,
            h2,
            b':',
            n1,
            n2,
            b':',
            s1,
            s2,
        ],
        zone,
    ) = text.split_first_chunk::<19>()?
    else {
        return None;
    };
    let [y1, y2, y3, y4]: &[u8; 4] = years;
    if !matches!(zone, b"+0000" | b"Z" | b"+00:00") {
        return None;
    }
    let two = |tens: &u8, ones: &u8| {
        let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
        (tens < 10 && ones < 10).then(|| u32::from(tens) * 10 + u32::from(ones))
    };
    let year = i32::try_from(two(y1, y2)? * 100 + two(y3, y4)?).ok()?;
    let date = NaiveDate::from_ymd_opt(year, two(m1, m2)?, two(d1, d2)?)?;
    let time = date.and_hms_opt(two(h1, h2)?, two(n1, n2)?, two(s1, s2)?)?;
    Some(time.and_utc()).filter(|_| year >= 1970)
}

/// Appends [`to_utc_text`].
pub(super) fn push_utc_text(out: &mut Vec<u8>, time: DateTime<Utc>) {
    let Ok(year) = u32::try_from(time.year()) else {
        return out.extend_from_slice(to_utc_text(time).as_bytes());
    };
    if time.nanosecond() != 0 || year > 9999 {
        return out.extend_from_slice(to_utc_text(time).as_bytes());
    }
    let mut two = |value: u32, end: u8| {
        let [tens, ones] = [value / 10, value % 10].map(|digit| b'0' + digit.to_le_bytes()[0]);
        out.extend_from_slice(&[tens, ones, end][..2 + usize::from(end != 0)]);
    };
    two(year / 100, 0);
    two(year % 100, b'-');
    two(time.month(), b'-');
    two(time.day(), b'T');
    two(time.hour(), b':');
    two(time.minute(), b':');
    two(time.second(), b'Z');
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
            ("2026-03-02 08:00:14", "2026-03-02T08:00:14Z"),
            ("2026-03-02 08:00:14.5 +0000", "2026-03-02T08:00:14.500Z"),
            ("2026-03-02T08:00:14+00", "2026-03-02T08:00:14Z"),
            ("2026-03-02T10:00:14+02", "2026-03-02T08:00:14Z"),
            ("2026-03-02 08:00:14 GMT", "2026-03-02T08:00:14Z"),
            ("2026-03-02T08:00:14UTC", "2026-03-02T08:00:14Z"),
            ("Mon, 02 Mar 2026 08:00:14 GMT", "2026-03-02T08:00:14Z"),
            ("Mon, 02 Mar 2026 10:00:14 +0200", "2026-03-02T08:00:14Z"),
            ("1772438414", "2026-03-02T08:00:14Z"),
            ("1772438414250", "2026-03-02T08:00:14.250Z"),
        ] {
            assert_eq!(parse(text).map(to_utc_text).as_deref(), Some(utc), "{text}");
        }
    }

    #[test]
    fn a_time_is_appended_as_it_is_written() {
        for text in [
            "2026-03-02T08:00:14Z",
            "1970-01-01T00:00:00Z",
            "9999-12-31T23:59:59Z",
            "2026-03-02T08:00:14.123Z",
        ] {
            let mut out = b"x".to_vec();
            push_utc_text(&mut out, parse(text).unwrap());
            assert_eq!(out, format!("x{text}").as_bytes());
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
            "02/03/2026 08:00:14",
            "2026-03-02 08:00:14 CET",
            "17",
            "177243841",
            "99999999999",
            "-1772438414",
            "1772438414.5",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
