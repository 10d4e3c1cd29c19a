//! Spans of time as ISO 8601 and as the query language write them.

use chrono::TimeDelta;

/// `P1DT2H30M` and the like; `None` for anything that Azure would not take.
pub fn parse(text: &str) -> Option<TimeDelta> {
    let rest = text.strip_prefix('P')?;
    let (days, clock) = rest
        .split_once('T')
        .map_or((rest, None), |(days, clock)| (days, Some(clock)));
    let mut total = TimeDelta::zero();
    let mut any = false;
    for (part, units) in [(days, "D"), (clock.unwrap_or_default(), "HMS")] {
        let mut digits = String::new();
        for letter in part.chars() {
            if letter.is_ascii_digit() {
                digits.push(letter);
                continue;
            }
            let amount: i64 = digits.parse().ok()?;
            digits.clear();
            any = true;
            total += match units.contains(letter).then_some(letter)? {
                'D' => TimeDelta::days(amount),
                'H' => TimeDelta::hours(amount),
                'M' => TimeDelta::minutes(amount),
                _ => TimeDelta::seconds(amount),
            };
        }
        if !digits.is_empty() {
            return None;
        }
    }
    (any && clock != Some("")).then_some(total)
}

/// `1.02:30:00`.
pub fn span(of: TimeDelta) -> String {
    let seconds = of.num_seconds();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    format!("{days}.{hours:02}:{minutes:02}:{:02}", seconds % 60)
}

#[test]
fn durations_are_read_and_written() {
    let hours = |text| parse(text).map(|of| of.num_minutes());
    assert_eq!(hours("PT5M"), Some(5));
    assert_eq!(hours("P1DT23H55M"), Some(2875));
    assert_eq!(hours("P14D"), Some(14 * 1440));
    for wrong in ["", "P", "PT", "1d", "P1DT", "PT5", "P5M", "PT1D"] {
        assert_eq!(hours(wrong), None, "{wrong}");
    }
    assert_eq!(span(TimeDelta::minutes(2875)), "1.23:55:00");
}
