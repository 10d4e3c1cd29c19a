//! Date-times in rows, and what becomes of them as `TimeGenerated`.

use chrono::{DateTime, NaiveDate, SecondsFormat, TimeDelta, Utc};

/// How old a row's own time may be at receipt. Microsoft documents two days; an older one is
/// replaced, the row is kept.
const OLDEST: TimeDelta = TimeDelta::days(2);

/// How far ahead of receipt a row's own time may be. Microsoft documents one day.
const NEWEST: TimeDelta = TimeDelta::days(1);

/// The most digits a fraction of a second may have: .NET's ticks. Observed: longer ones are not
/// understood; where exactly the border lies is unconfirmed.
const FRACTION_DIGITS: usize = 7;

/// The `TimeGenerated` of a row received at `received` that names `value` as its time: that time
/// if it can be read and is near enough, otherwise the time of receipt.
pub(super) fn time_generated(value: Option<&str>, received: DateTime<Utc>) -> DateTime<Utc> {
    value
        .and_then(parse)
        .map_or(received, |time| kept(time, received))
}

/// `time` if it is near enough to the time of receipt, which replaces it otherwise.
pub(super) fn kept(time: DateTime<Utc>, received: DateTime<Utc>) -> DateTime<Utc> {
    let near = (received - OLDEST..=received + NEWEST).contains(&time);
    if near { time } else { received }
}

/// The form in which a query shows a time.
pub(super) fn format(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// Reads an ISO 8601 date-time: `2026-01-05T09:07:03`, with or without a fraction, followed by
/// `Z`, an offset (`+01:00`, `+0100`, `+01`) or nothing, which means UTC.
pub(super) fn parse(text: &str) -> Option<DateTime<Utc>> {
    let (head, rest) = text.as_bytes().split_at_checked(19)?;
    if [head[4], head[7], head[10], head[13], head[16]] != *b"--T::" {
        return None;
    }
    let date = NaiveDate::from_ymd_opt(
        digits(&head[..4])?.try_into().ok()?,
        digits(&head[5..7])?,
        digits(&head[8..10])?,
    )?;
    let (nanos, zone) = fraction(rest)?;
    let time = date.and_hms_nano_opt(
        digits(&head[11..13])?,
        digits(&head[14..16])?,
        digits(&head[17..])?,
        nanos,
    )?;
    time.and_utc().checked_sub_signed(offset(zone)?)
}

/// Splits a leading `.123` off, as nanoseconds.
fn fraction(text: &[u8]) -> Option<(u32, &[u8])> {
    let Some((b'.', text)) = text.split_first() else {
        return Some((0, text));
    };
    let length = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if !(1..=FRACTION_DIGITS).contains(&length) {
        return None;
    }
    let (fraction, rest) = text.split_at(length);
    let scale = (length..9).fold(1, |scale, _| scale * 10);
    Some((digits(fraction)? * scale, rest))
}

/// How far a zone is ahead of UTC.
fn offset(zone: &[u8]) -> Option<TimeDelta> {
    let (sign, hours, minutes) = match *zone {
        [] | [b'Z'] => return Some(TimeDelta::zero()),
        [sign, h, hh] => (sign, [h, hh], *b"00"),
        [sign, h, hh, m, mm] | [sign, h, hh, b':', m, mm] => (sign, [h, hh], [m, mm]),
        _ => return None,
    };
    let minutes = digits(&hours)? * 60 + digits(&minutes)?;
    let ahead = TimeDelta::minutes(minutes.into());
    match sign {
        b'+' => Some(ahead),
        b'-' => Some(-ahead),
        _ => None,
    }
}

/// A number of at most nine digits and nothing else.
fn digits(text: &[u8]) -> Option<u32> {
    text.iter().try_fold(0, |number, byte| {
        byte.is_ascii_digit()
            .then(|| number * 10 + u32::from(byte - b'0'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(text).unwrap().to_utc()
    }

    #[test]
    fn every_iso_form_is_read() {
        for (text, meant) in [
            ("2026-01-05T09:07:03Z", "2026-01-05T09:07:03Z"),
            ("2026-01-05T09:07:03", "2026-01-05T09:07:03Z"),
            ("2026-01-05T09:07:03.5Z", "2026-01-05T09:07:03.500Z"),
            (
                "2026-01-05T09:07:03.1234567",
                "2026-01-05T09:07:03.1234567Z",
            ),
            ("2026-01-05T09:07:03+0000", "2026-01-05T09:07:03Z"),
            ("2026-01-05T09:07:03+01:30", "2026-01-05T07:37:03Z"),
            ("2026-01-05T23:07:03-02", "2026-01-06T01:07:03Z"),
        ] {
            assert_eq!(parse(text), Some(at(meant)), "{text}");
        }
    }

    #[test]
    fn other_texts_are_not_times() {
        for text in [
            "",
            "2026-01-05",
            "2026-01-05 09:07:03",
            "2026-13-05T09:07:03Z",
            "2026-02-30T09:07:03Z",
            "2026-01-05T24:00:00Z",
            "2026-01-05T09:07:03.Z",
            "2026-01-05T09:07:03.123456789Z",
            "2026-01-05T09:07:03 GMT",
            "2026-01-05T09:07:03Zx",
            "Mon, 05 Jan 2026 09:07:03 GMT",
            "2026-01-05T09:07:0\u{fc}",
            "\u{fc}\u{fc}-01-05T09:07:03Z",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_time_too_old_or_too_far_ahead_becomes_the_time_of_receipt() {
        let received = at("2026-01-05T12:00:00Z");
        for (text, kept) in [
            ("2026-01-03T12:00:00Z", true),
            ("2026-01-03T11:59:59Z", false),
            ("2026-01-06T12:00:00Z", true),
            ("2026-01-06T12:00:01Z", false),
        ] {
            let meant = if kept { at(text) } else { received };
            assert_eq!(time_generated(Some(text), received), meant, "{text}");
        }
        assert_eq!(time_generated(Some("yesterday"), received), received);
        assert_eq!(time_generated(None, received), received);
    }
}
