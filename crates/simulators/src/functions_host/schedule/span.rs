//! Time spans as .NET reads them from text, with their surprises.

use chrono::TimeDelta;

use crate::functions_host::settings::print_time_span;

/// The most days that a .NET time span can hold.
const MOST_DAYS: i64 = 10_675_199;

/// Reads `d`, `hh:mm`, `hh:mm:ss`, `d.hh:mm`, `d.hh:mm:ss` or `d:hh:mm:ss`, the seconds of the last
/// three with a fraction if need be, all with a minus sign if need be, and blanks around it.
///
/// What is no time of day in `hh:mm:ss` is read as `d:hh:mm`: `24:00:00` is twenty-four days.
pub(super) fn parse(text: &str) -> Option<TimeDelta> {
    let text = text.trim();
    let (is_negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let span = positive(text)?;
    Some(if is_negative { -span } else { span })
}

fn positive(text: &str) -> Option<TimeDelta> {
    let parts: Vec<&str> = text.split(':').collect();
    match parts.as_slice() {
        [days] => span(number(days)?, 0, 0, TimeDelta::zero()),
        [hours, minutes] => match hours.split_once('.') {
            Some((days, hours)) => days_and(days, hours, minutes, TimeDelta::zero()),
            None => span(0, number(hours)?, number(minutes)?, TimeDelta::zero()),
        },
        [first, second, third] => match first.split_once('.') {
            Some((days, hours)) => days_and(days, hours, second, seconds(third)?),
            None => span(0, number(first)?, number(second)?, seconds(third)?)
                .or_else(|| days_and(first, second, third, TimeDelta::zero())),
        },
        [days, hours, minutes, rest] => days_and(days, hours, minutes, seconds(rest)?),
        _ => None,
    }
}

fn days_and(days: &str, hours: &str, minutes: &str, seconds: TimeDelta) -> Option<TimeDelta> {
    span(number(days)?, number(hours)?, number(minutes)?, seconds)
}

fn span(days: i64, hours: i64, minutes: i64, seconds: TimeDelta) -> Option<TimeDelta> {
    let is_in_range =
        days <= MOST_DAYS && hours <= 23 && minutes <= 59 && seconds < TimeDelta::minutes(1);
    let minutes = (days.checked_mul(24)?.checked_add(hours)?)
        .checked_mul(60)?
        .checked_add(minutes)?;
    is_in_range.then(|| TimeDelta::minutes(minutes) + seconds)
}

/// Seconds with up to seven digits of a fraction.
fn seconds(text: &str) -> Option<TimeDelta> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    if fraction.len() > 7 {
        return None;
    }
    let hundred_nanos = number(&format!("{fraction:0<7}"))?;
    let whole = number(whole).filter(|whole| *whole <= MOST_DAYS)?;
    Some(TimeDelta::seconds(whole) + TimeDelta::nanoseconds(hundred_nanos * 100))
}

fn number(text: &str) -> Option<i64> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    is_plain.then(|| text.parse().ok()).flatten()
}

/// A time span as .NET prints it.
pub(super) fn print(span: TimeDelta) -> String {
    let sign = if span < TimeDelta::zero() { "-" } else { "" };
    let printed = print_time_span(span.abs().to_std().unwrap_or_default());
    format!("{sign}{printed}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_and_printed_as_in_dotnet() {
        for (text, seconds, printed) in [
            ("00:05:00", 300, "00:05:00"),
            (" -00:05 ", -300, "-00:05:00"),
            ("5", 432_000, "5.00:00:00"),
            ("24:00:00", 24 * 86_400, "24.00:00:00"),
            ("1.02:03:04", 93_784, "1.02:03:04"),
            ("1.02:03", 93_780, "1.02:03:00"),
            ("1:02:03:04", 93_784, "1.02:03:04"),
            ("0", 0, "00:00:00"),
        ] {
            let span = parse(text).unwrap();
            assert_eq!(span, TimeDelta::seconds(seconds), "{text}");
            assert_eq!(print(span), printed, "{text}");
        }
        assert_eq!(print(parse("00:00:00.25").unwrap()), "00:00:00.2500000");
    }

    #[test]
    fn what_dotnet_refuses_is_refused() {
        for text in [
            "",
            "-",
            "24:00",
            "25:30:00",
            "00:60:00",
            "00:00:60:00",
            "00:00:00:60",
            "1.5",
            "+1:00:00",
            "1:2:3:4:5",
            "--1",
            "10675200",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
